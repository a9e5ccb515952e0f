"""Which cases of some runs failed, passed or got no answer, and what to show of each. Failures first.

What is shown is decided from the runs' frames alone, so that the results of at most one page are read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from prompts_app.engine.case_pictures import CasePicture
from prompts_app.evidence.case_inputs import pictures_of
from prompts_app.evidence.checks import OutputPiece, checks_of, excerpt, first_failing
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import Records, RunCase
from prompts_app.evidence.steps import Step
from prompts_app.models import Run

PAGE = 30  # cases on one page
MOST_OF_A_STEP = 1000  # characters of a call's arguments, or of its result
READ = 4000  # characters of an output looked at for an excerpt


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case on one model, as the tables show it."""

    number: int
    name: str
    model: str
    level: int  # of the run's evidence
    anchor: str  # "" where an earlier row of the same case has it
    result: str  # public id of the result to open
    expected: str  # the first assertion that failed, in words
    reason: str
    got: list[OutputPiece]
    passing: int  # repeats that passed
    repeats: int
    distinct: int  # different outputs of its repeats; 0: not known, or asked once
    latency_ms: float | None
    fault: str  # why there was no answer, "" where there was one
    state: FrameState  # the case’s over all repeats
    picture: Mapping[str, Any]  # what is known of an output that is one; {}: it is a text
    steps: tuple[Step, ...]  # what was called before it
    inputs: tuple[CasePicture, ...]  # pictures the case puts in
    ending: str  # what a reader must know of how it ended, as a sentence; mostly ""


def cells_in(runs: Sequence[Run], state: FrameState) -> list[RunCase]:
    """The cells in ``state``, the cases it happens to on most runs first, each case's runs together."""
    cells = [
        RunCase(run, index) for run in runs for index, letter in enumerate(run.frames) if letter == state
    ]
    common = Counter((cell.run.suite_digest, cell.index) for cell in cells)
    place = {run.pk: number for number, run in enumerate(runs)}
    return sorted(
        cells,
        key=lambda c: (
            -common[c.run.suite_digest, c.index],
            c.index,
            c.run.suite_digest,
            place[c.run.pk],
        ),
    )


def page_of(cells: Sequence[RunCase], number: object = 1, size: int = PAGE) -> Page[RunCase]:
    return Paginator(cells, size).get_page(number)  # type: ignore[arg-type]  # it takes whatever was typed


def rows_of(records: Records, cells: Iterable[RunCase], *, anchors: bool = False) -> list[CaseRow]:
    """The rows of these cells, in their order. With ``anchors`` the first of each case has one."""
    cells = list(cells)
    records.want(cells)
    records.suites([cell.run for cell in cells])
    seen: set[int] = set()
    rows = []
    for cell in cells:
        anchor = f"case-{cell.index + 1}" if anchors and cell.index not in seen else ""
        seen.add(cell.index)
        rows.append(_row(records, cell, anchor))
    return rows


def _row(records: Records, cell: RunCase, anchor: str) -> CaseRow:
    repeats, opened = records.repeats(cell), records.opened(cell)
    output, checks = (opened.output[:READ], checks_of(opened.checks)) if opened else ("", [])
    blamed = first_failing(checks)
    fault = opened.fault if opened else None
    error = opened.error_message[:200] if opened else ""
    return CaseRow(
        number=cell.index + 1,
        name=str(records.case(cell).get("name", "")),
        model=cell.run.named,
        level=int(cell.run.level or 0),
        anchor=anchor,
        result=opened.public_id if opened else "",
        expected=blamed.words if blamed else "",
        reason=blamed.reason if blamed else error,
        got=excerpt(output, blamed) if output else [],
        passing=sum(one.passed is True for one in repeats),
        repeats=cell.run.repeats,
        distinct=cell.run.distinct_of(cell.index),
        latency_ms=opened.latency_ms if opened else None,
        fault=fault.label if fault else "",
        state=FrameState(cell.run.frames[cell.index]),
        picture=opened.picture if opened else {},
        steps=records.steps(cell, MOST_OF_A_STEP),
        inputs=pictures_of(records.case(cell)),
        ending=opened.ending if opened and opened.unanswered else "",
    )
