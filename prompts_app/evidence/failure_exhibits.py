"""The failure shelf on a page: what was asked, what was wanted and what came, as recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prompts_app.evidence import case_outcomes
from prompts_app.evidence.before_after import inputs_of
from prompts_app.evidence.known_failures import Item, shelf_of
from prompts_app.models import KnownFailure, Prompt, Version


@dataclass(frozen=True, slots=True)
class Shelved:
    """One failure, ready to show. ``row`` is its line of the failures' table."""

    item: Item
    row: case_outcomes.CaseRow
    inputs: Sequence[tuple[str, str]]

    @property
    def failure(self) -> KnownFailure:
        return self.item.failure

    @property
    def version(self) -> Version:
        return self.failure.run.version

    @property
    def model(self) -> str:
        return self.failure.run.named


def shelved(prompt: Prompt) -> list[Shelved]:
    """What others see, in the author's order. One query where there is none."""
    return shown(shelf_of(prompt))


def shown(items: Sequence[Item]) -> list[Shelved]:
    """Two queries, whatever their number."""
    cells = [case_outcomes.Cell(item.failure.run, item.failure.case_index) for item in items]
    rows = case_outcomes.rows_of(cells, {})
    return [Shelved(item, row, inputs_of(item.case)) for item, row in zip(items, rows, strict=True)]
