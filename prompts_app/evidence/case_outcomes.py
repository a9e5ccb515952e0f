"""Which cases of some runs failed, passed or got no answer, and what to show of each. Failures first.

What is shown is decided from the runs' frames alone, so that the results of at most one page are read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q

from prompts_app.engine.errors import FAULTS
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.sentences import Piece, check_in_words, excerpt, first_failing
from prompts_app.models import Result, Run

PAGE = 30  # cases on one page
READ = 4000  # characters of an output looked at for an excerpt

type Names = Mapping[str, Sequence[str]]  # suite digest → the cases' names in order


@dataclass(frozen=True, slots=True)
class Cell:
    """One case of one run. ``index`` counts from 0."""

    run: Run
    index: int


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
    got: list[Piece]
    passing: int  # repeats that passed
    repeats: int
    distinct: int  # different outputs of its repeats; 0: not known, or asked once
    latency_ms: float | None
    fault: str  # why there was no answer, "" where there was one
    state: FrameState  # the case’s over all repeats
    picture: Mapping[str, Any]  # what is known of an output that is one; {}: it is a text


def cells_in(runs: Sequence[Run], state: FrameState) -> list[Cell]:
    """The cells in ``state``, the cases it happens to on most runs first, each case's runs together."""
    cells = [Cell(run, index) for run in runs for index, letter in enumerate(run.frames) if letter == state]
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


def page_of(cells: Sequence[Cell], number: object = 1, size: int = PAGE) -> Page[Cell]:
    return Paginator(cells, size).get_page(number)  # type: ignore[arg-type]  # it takes whatever was typed


def rows_of(cells: Iterable[Cell], names: Names, *, anchors: bool = False) -> list[CaseRow]:
    """The rows of these cells, in their order, from two queries whatever their number."""
    cells = list(cells)
    repeats = repeats_of(cells)
    telling = {cell: representative_result(repeats[cell.run.pk, cell.index]) for cell in cells}
    texts = _texts([result.pk for result in telling.values() if result])
    seen: set[int] = set()
    rows = []
    for cell in cells:
        anchor = f"case-{cell.index + 1}" if anchors and cell.index not in seen else ""
        seen.add(cell.index)
        rows.append(_row(cell, repeats[cell.run.pk, cell.index], telling[cell], texts, names, anchor))
    return rows


def repeats_of(cells: list[Cell]) -> dict[tuple[int, int], list[Result]]:
    """The results of each cell without their texts; one query."""
    found: dict[tuple[int, int], list[Result]] = defaultdict(list)
    of_run: dict[int, set[int]] = defaultdict(set)
    for cell in cells:
        of_run[cell.run.pk].add(cell.index)
    if not of_run:
        return found
    wanted = reduce(or_, (Q(run=run, case_index__in=indexes) for run, indexes in of_run.items()))
    columns = ("public_id", "run_id", "case_index", "repeat", "passed", "latency_ms", "error_kind", "picture")
    for result in Result.objects.filter(wanted).only(*columns):
        found[result.run_id, result.case_index].append(result)
    return found


def representative_result(repeats: list[Result]) -> Result | None:
    """The repeat to open: the first that failed, else the first without an answer, else the first."""
    failed = [result for result in repeats if result.passed is False]
    errors = [result for result in repeats if result.is_error]
    return next(iter(failed or errors or repeats), None)


def _texts(keys: list[int]) -> dict[int, tuple[str, list[Any], str]]:
    """Result → (beginning of its output, checks, error message); one query."""
    # As rows and whole, so that private parts are found before anything is cut (see models.reading).
    rows = Result.objects.filter(pk__in=keys).only("run_id", "output", "checks", "error_message")
    return {row.pk: (row.output[:READ], row.checks, row.error_message) for row in rows}


def _row(
    cell: Cell,
    repeats: list[Result],
    telling: Result | None,
    texts: dict[int, tuple[str, list[Any], str]],
    names: Names,
    anchor: str,
) -> CaseRow:
    output, checks, error = texts.get(telling.pk, ("", [], "")) if telling else ("", [], "")
    blamed = first_failing(checks)
    fault = FAULTS.get(telling.error_kind) if telling and telling.is_error else None
    return CaseRow(
        number=cell.index + 1,
        name=name_of(names, cell.run.suite_digest, cell.index),
        model=cell.run.named,
        level=int(cell.run.level or 0),
        anchor=anchor,
        result=telling.public_id if telling else "",
        expected=check_in_words(blamed) if blamed else "",
        reason=str(blamed.get("reason", "")) if blamed else error[:200],
        got=excerpt(output, blamed) if output else [],
        passing=sum(result.passed is True for result in repeats),
        repeats=cell.run.repeats,
        distinct=cell.run.distinct_of(cell.index),
        latency_ms=telling.latency_ms if telling else None,
        fault=fault.label if fault else "",
        state=FrameState(cell.run.frames[cell.index]),
        picture=telling.picture if telling else {},
    )


def name_of(names: Names, digest: str, index: int) -> str:
    known = names.get(digest, ())
    return known[index] if index < len(known) else ""


def suites_of(runs: Iterable[Run]) -> dict[str, list[dict[str, Any]]]:
    """Suite digest → its cases, as they were when these runs were made; one query, one suite a digest."""
    one_each = {run.suite_digest: run.pk for run in runs}
    rows = Run.objects.filter(pk__in=one_each.values()).only("prompt_id", "suite_digest", "suite")
    return {run.suite_digest: run.suite for run in rows}


def names_of(suites: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    return {digest: [str(case.get("name", "")) for case in suite] for digest, suite in suites.items()}
