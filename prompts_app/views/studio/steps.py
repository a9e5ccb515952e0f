"""What comes next for a prompt: the one thing its author would do now."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from prompts_app.models import Prompt


@dataclass(frozen=True, slots=True)
class Step:
    """``state`` says how things are, ``action`` what to do about it and ``url`` where."""

    state: str
    action: str = ""
    url: str = ""


def next_step(prompt: Prompt, *, latest: int | None, cases: int, is_running: bool) -> Step:
    """``latest`` is the number of its newest version, ``cases`` how many it has."""
    slug = prompt.slug
    if latest is None:
        return Step("no version yet", "Write it", reverse("studio_prompt", args=[slug]))
    if not cases:
        return Step("no cases yet", "Write its first case", reverse("studio_case_new", args=[slug]))
    if is_running:
        return Step("running now", "Watch the run", reverse("studio_runs"))
    if not prompt.evidence.get("is_current"):
        state = f"v{latest} is not tested" if prompt.evidence else "not run yet"
        return Step(state, f"Run v{latest} on {_cases(cases)}", reverse("studio_run_start", args=[slug]))
    if prompt.is_private:
        return Step("tested", "Publish it", reverse("studio_publish", args=[slug]))
    return Step("tested and published")


def _cases(count: int) -> str:
    return f"{count:,} case{'' if count == 1 else 's'}"
