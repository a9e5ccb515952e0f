"""What a kind of assertion is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from prompts_app.engine.types import Answer, Assertion, Json

ValueShape = Literal["none", "text", "lines", "number", "schema", "words", "names"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, said as a fact that reads the same for a kind and its ``not-`` form.

    ``score`` is 0..1 for the plain form; the opposite's is one minus it.
    """

    passed: bool
    score: float
    reason: str


class CannotTell(Exception):  # noqa: N818 it is an answer, not a mishap
    """Neither the kind nor its opposite holds: nothing could be found out. The message says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of assertion, and all that a picker, a docs page or an importer needs to know of it.

    ``value`` is the shape of the value: ``none``; ``text``; ``lines`` (several texts); ``number`` (a limit,
    kept as the assertion's threshold); ``schema`` (an optional JSON Schema); ``words`` (a count or a
    range); ``names`` (one of ``choices``). ``score_threshold`` is the usual least score of kinds that
    compare by degree, ``None`` for the others, which take no threshold of that sort.
    """

    name: str
    family: str
    sentence: str
    value: ValueShape
    find: Callable[[Assertion, Answer], Finding]
    problem: Callable[[Json], str | None] = lambda value: None
    placeholder: str = ""
    example: Json = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    score_threshold: float | None = None
