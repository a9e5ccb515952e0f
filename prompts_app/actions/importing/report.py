"""What an import did, and what one would do: as its page, its command and its row in the database tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prompts_app.engine.formats import Problem, Skip
from prompts_app.engine.formats.variables import Offer, Style
from prompts_app.engine.types import Json
from prompts_app.engine.wording import how_many
from prompts_app.models import Prompt


@dataclass(frozen=True, slots=True)
class Added:
    """What a prompt that was there got."""

    prompt: Prompt
    versions: int
    cases: int
    runs: int

    @property
    def what(self) -> str:
        """ "2 versions and 1 run"."""
        counts = {"version": self.versions, "case": self.cases, "run": self.runs}
        words = [how_many(count, noun) for noun, count in counts.items() if count]
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would do."""

    new: int = 0  # prompts
    prompts: tuple[Prompt, ...] = ()  # these, as saved, in the file's order
    versions: int = 0
    cases: int = 0
    assertions: int = 0
    results: int = 0
    unsupported: tuple[Problem, ...] = ()
    skipped: tuple[Skip, ...] = ()
    added_to: tuple[Added, ...] = ()
    dry_run: bool = False

    @classmethod
    def together(cls, parts: Sequence[ImportReport]) -> ImportReport:
        def every(name: str) -> tuple[Any, ...]:
            return tuple(one for part in parts for one in getattr(part, name))

        def total(name: str) -> int:
            return sum(getattr(part, name) for part in parts)

        return cls(
            total("new"), every("prompts"), total("versions"), total("cases"), total("assertions"),
            total("results"), every("unsupported"), every("skipped"), every("added_to"),
        )  # fmt: skip

    def as_json(self) -> dict[str, Json]:
        return {
            "prompts": self.new,
            "versions": self.versions,
            "cases": self.cases,
            "assertions": self.assertions,
            "results": self.results,
            "unsupported": [{"what": problem.what, "where": problem.where} for problem in self.unsupported],
            "skipped": [{"what": skip.what, "why": skip.why} for skip in self.skipped],
        }


@dataclass(frozen=True, slots=True)
class OfferedStyle:
    """One way of writing placeholders as it occurs in a file."""

    style: Style
    looks: str  # "${name}"
    prompts: int  # that have it
    examples: tuple[Offer, ...]  # a few, the commonest first


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One prompt as it would be saved."""

    title: str
    task: str
    tags: tuple[str, ...]
    text: str  # its first message
    messages: int
    versions: int
    cases: int
    runs: int
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, its first rows, and what a person may choose.

    ``variants`` counts the prompts that are versions of another, which could be prompts of their own.
    """

    report: ImportReport
    rows: tuple[PreviewRow, ...]
    offered: tuple[OfferedStyle, ...]
    variants: int = 0
