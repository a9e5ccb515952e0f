"""Outputs an author pasted: evidence level 0, held to the same assertions as any other."""

from __future__ import annotations

from datetime import date

from prompts_app.models import Case, Prompt, Result, Version


def paste_output(
    prompt: Prompt,
    version: Version,
    case: Case,
    *,
    model: str,
    output: str,
    date: date,
    finish_reason: str = "",
    tokens_in: int | None = None,
    tokens_out: int | None = None,
) -> Result:
    """Store and judge one pasted output, then count it.

    There is one pasted run for each version, model and state of the suite. Pasting for the same case
    again replaces what was there. Latency and cost stay unknown. Raises RunRefused.
    """
    raise NotImplementedError
