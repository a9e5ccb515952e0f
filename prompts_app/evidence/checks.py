"""Assertions as they came out, read from what is stored of them, and in words.

Written by ``engine.assertions.stored.check_json``; what has its usual value is left out there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

from prompts_app.engine.assertions.highlights import highlights_of
from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.evidence.number_format import dollars, seconds_of_ms, whole

LONGEST_VALUE = 90  # characters of an assertion's value
AROUND = 60  # characters shown on both sides of what broke an assertion
LONGEST_EXCERPT = 160
_LIMITS = {"latency", "cost", "tokens"}


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """One assertion and how an output came out under it."""

    type: str = ""
    value: Any = None
    passed: bool | None = None  # None: no verdict (yet)
    reason: str = ""
    threshold: float | None = None
    weight: float = 1  # 0: it does not count
    unknown: bool = False  # it could not be told
    members: tuple[StoredCheck, ...] = ()  # of an assert-set
    transform: str = ""  # what it looks at: this made of the output …
    applied_to: str = ""  # … which was this
    judge: Mapping[str, Any] | None = None  # what its judge was asked and said
    at: str = ""  # when its author gave the verdict, ISO 8601

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            type=str(stored.get("type", "")),
            value=stored.get("value"),
            passed=stored.get("passed"),
            reason=str(stored.get("reason") or ""),
            threshold=stored.get("threshold"),
            weight=stored.get("weight", 1),
            unknown=stored.get("unknown") is True,
            members=tuple(map(StoredCheck.from_json, stored.get("members") or ())),
            transform=str(stored.get("transform") or ""),
            applied_to=str(stored.get("applied_to") or ""),
            judge=stored.get("judge"),
            at=str(stored.get("at") or ""),
        )

    @property
    def kind(self) -> str:
        return self.type.removeprefix("not-")

    @property
    def counts(self) -> bool:
        return self.weight != 0

    @property
    def words(self) -> str:
        """As it is written down: "not-contains PAID", "latency ≤ 5.0 s"."""
        name, value, threshold = self.type, self.value, self.threshold
        if name == "assert-set" and isinstance(value, list):
            value = f"of {len(value)}"
        if self.kind == "human":
            return f"the author’s own verdict: {_short(value)}" if value else "the author’s own verdict"
        if self.kind in _LIMITS and isinstance(threshold, int | float):
            units = {"latency": seconds_of_ms, "cost": dollars}
            return f"{name} ≤ {units.get(self.kind, whole)(threshold)}"
        if name == ASKED_SCHEMA:
            return "fits the schema that was asked for"
        if self.kind in {"is-json", "contains-json"} and value:
            return f"{name} by schema"
        at_least = f" ≥ {threshold:g}" if isinstance(threshold, int | float) else ""
        return f"{name} {_short(value)}".strip() + at_least


def checks_of(stored: Iterable[Mapping[str, Any]]) -> list[StoredCheck]:
    """Of ``Result.checks``."""
    return [StoredCheck.from_json(check) for check in stored]


def _short(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        text = ", ".join(
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in value
        )
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def first_failing(checks: Sequence[StoredCheck]) -> StoredCheck | None:
    """The assertion to blame first: one on the text before a limit. None where none failed."""
    failing = [check for check in checks if check.passed is False]
    on_text = [check for check in failing if check.kind not in _LIMITS]
    return next(iter(on_text or failing), None)


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """A part of an excerpt; ``hit`` marks what broke the assertion."""

    text: str
    hit: bool = False


def excerpt(output: str, check: StoredCheck | None) -> list[OutputPiece]:
    """A few words of ``output`` around what broke ``check``; its beginning where no place is to blame."""
    start, end = next(iter(_broken_in(output, check)), (0, 0)) if check else (0, 0)
    if start == end:
        whole = " ".join(output[: LONGEST_EXCERPT * 4].split())
        return [OutputPiece(whole[:LONGEST_EXCERPT] + ("…" if len(whole) > LONGEST_EXCERPT else ""))]
    shown = min(end, start + LONGEST_EXCERPT)
    before, after = output[max(0, start - AROUND) : start], output[shown : shown + AROUND]
    pieces = [
        OutputPiece(("…" if start > AROUND else "") + before),
        OutputPiece(output[start:shown], hit=True),
        OutputPiece("…" if shown < end else after + ("…" if shown + AROUND < len(output) else "")),
    ]
    return [OutputPiece(re.sub(r"\s+", " ", piece.text), piece.hit) for piece in pieces if piece.text]


def _broken_in(output: str, check: StoredCheck) -> list[tuple[int, int]]:
    """Where ``output`` breaks the check; of one that looks at a part, in that part alone."""
    seen = check.applied_to if check.transform else output
    at = output.find(seen)
    if at < 0:  # it was made into something else
        return []
    found = highlights_of(check.type, check.value, seen)
    return [(at + start, at + end) for start, end in found]


def marked(output: str, checks: Sequence[StoredCheck]) -> list[OutputPiece]:
    """The whole output in pieces, hits where a failed check is broken. Joined they are the output again."""
    failed = [check for check in checks if check.passed is False]
    found = (_broken_in(output, check) for check in failed)
    pieces, at = [], 0
    for start, end in sorted(chain.from_iterable(found)):
        if start >= at:
            pieces += [OutputPiece(output[at:start]), OutputPiece(output[start:end], hit=True)]
            at = end
    return [piece for piece in (*pieces, OutputPiece(output[at:])) if piece.text]
