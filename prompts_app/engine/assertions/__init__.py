"""The registry of assertion kinds. One file per family; to add a family, add its file and name it below.

Names and meaning are promptfoo's. Every kind has an opposite: its name with ``not-`` before it.
"""

from __future__ import annotations

from prompts_app.engine.assertions.kinds import Kind
from prompts_app.engine.types import Answer, Assertion, Check

KINDS: dict[str, Kind] = {}  # in picker order, without the ``not-`` forms


def split_type(type_: str) -> tuple[bool, str]:
    """``"not-contains"`` → ``(True, "contains")``."""
    raise NotImplementedError


def validate(assertion: Assertion) -> str | None:
    """What is wrong with the assertion itself, as a plain sentence; ``None`` when it can be used.

    Unknown kinds, a missing or ill-shaped value (an invalid regex, an invalid JSON Schema, a limit that
    is not a number) and a threshold or weight out of range are told here.
    """
    raise NotImplementedError


def check(assertion: Assertion, answer: Answer) -> Check:
    """Hold one output to one assertion. Never raises for anything an author can write.

    What cannot be judged (invalid assertion, a regex that ran out of time, an unknown cost) fails in
    both its plain and its ``not-`` form, and the reason says why.
    """
    raise NotImplementedError


def assertion_from_text(
    type_: str, text: str, threshold: str = "", weight: float = 1.0, metric: str = ""
) -> Assertion:
    """An assertion from what was typed into a form.

    ``text`` is read as the kind wants it: one entry per line for ``lines``, JSON for ``schema``, a number
    (which becomes the threshold) for ``number``, "50", "10-50", "at least 10" or "at most 50" for
    ``words``. Raises ``ValueError`` with a plain sentence.
    """
    raise NotImplementedError


def text_of(assertion: Assertion) -> str:
    """What to put into the form field again: the opposite of ``assertion_from_text``."""
    raise NotImplementedError
