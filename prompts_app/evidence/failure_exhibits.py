"""The failure shelf on a page: what was asked, what was wanted and what came, as recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts_app.evidence.before_after import inputs_of
from prompts_app.evidence.case_outcomes import CaseRow, rows_of
from prompts_app.evidence.known_failures import Item, shelf_of
from prompts_app.evidence.records import Records
from prompts_app.models import KnownFailure, Version


@dataclass(frozen=True, slots=True)
class Shelved:
    """One failure, ready to show. ``row`` is its line of the failures' table."""

    item: Item
    row: CaseRow
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


def shelved(records: Records) -> list[Shelved]:
    """What others see, in the author's order."""
    items = shelf_of(records)
    rows = rows_of(records, [item.cell for item in items])
    return [Shelved(item, row, inputs_of(item.case)) for item, row in zip(items, rows, strict=True)]
