"""The failure shelf as it is shown: what the records say of each failure and of its fix.

The author gives two things, the diagnosis and the version that mended it. Everything else is read from
runs: what was asked, what came, and whether the very same case passes in that version's latest run on the
same model. That is never taken on the author's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from prompts_app.engine.digests import digest
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.picked import latest_runs
from prompts_app.evidence.summary import summary_of
from prompts_app.models import KnownFailure, Prompt, Result, Run, Version

type Suite = Sequence[Mapping[str, Any]]
type Key = tuple[str, int]  # see keys_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case came out in one run. ``state`` is a letter of frames, ``result`` a public id or ""."""

    run: Run
    case_index: int
    state: str
    passing: int  # repeats
    result: str

    @property
    def number(self) -> int:
        return self.case_index + 1

    @property
    def repeats(self) -> int:
        return self.run.repeats


@dataclass(frozen=True, slots=True)
class Fix:
    """What the records say of a version that is named as the fix.

    Without an ``outcome`` it was not tested on this case: ``is_run`` tells whether it has a run on the model.
    """

    version: Version
    outcome: Outcome | None = None
    is_run: bool = False

    @property
    def state(self) -> str:
        """ "passes", "fails", "no answer", "not judged" or "not tested"."""
        if self.outcome is None:
            return "not tested"
        known = {FrameState.PASSED: "passes", FrameState.FAILED: "fails", FrameState.NO_ANSWER: "no answer"}
        return known.get(FrameState(self.outcome.state), "not judged")

    @property
    def words(self) -> str:
        """ "passes this case, 3/3", or why nothing is known."""
        if self.outcome is None:
            return "did not run this case on this model" if self.is_run else "not run on this model"
        verb = {"passes": "passes", "fails": "fails"}.get(self.state, f"{self.state} on")
        return f"{verb} this case, {self.outcome.passing}/{self.outcome.repeats}"


@dataclass(frozen=True, slots=True)
class Item:
    """One place of the shelf. ``case`` is as it was asked; ``fix`` is None where no version is named."""

    failure: KnownFailure
    case: Mapping[str, Any]
    before: Outcome
    fix: Fix | None

    @property
    def name(self) -> str:
        return str(self.case.get("name", ""))

    @property
    def still_counts(self) -> bool:
        return still_counts(self.failure)


def shelf_of(prompt: Prompt) -> list[Item]:
    """What others see, in the author's order: failures whose run still counts and still says they failed.

    One query where there is none, else four, whatever their number.
    """
    return [item for item in items_of(prompt) if item.still_counts]


def still_counts(failure: KnownFailure) -> bool:
    """Whether its run is finished and the case failed in it: a verdict may have changed since."""
    run = failure.run
    is_evidence = run.state == Run.State.FINISHED and run.level is not None
    return is_evidence and run.frames[failure.case_index : failure.case_index + 1] == FrameState.FAILED


def items_of(prompt: Prompt) -> list[Item]:
    """Everything on the shelf, for its author."""
    failures = list(prompt.known_failures.with_run())
    if not failures:
        return []
    records = _Records(prompt, [failure.run for failure in failures])
    cells = [Cell(failure.run, failure.case_index) for failure in failures]
    fixing = [
        records.cell_of_fix(cell, failure.fixed_in) for cell, failure in zip(cells, failures, strict=True)
    ]
    outcomes = records.outcomes([*cells, *fixing])
    return [
        Item(
            failure,
            records.case(cell),
            outcomes[cell],
            records.fix(cell, failure.fixed_in, outcomes) if failure.fixed_in else None,
        )
        for failure, cell in zip(failures, cells, strict=True)
    ]


def fixes_of(run: Run, case_index: int) -> list[Fix]:
    """Every version after the one that failed, oldest first, and how the case came out in each."""
    cell = Cell(run, case_index)
    records = _Records(run.prompt, [run])
    later = run.prompt.versions.filter(number__gt=run.version.number).order_by("number")
    versions = list(later.defer("messages", "variables", "parameters"))
    outcomes = records.outcomes([records.cell_of_fix(cell, version) for version in versions])
    return [records.fix(cell, version, outcomes) for version in versions]


@dataclass(frozen=True, slots=True)
class Cell:
    """One case of one run; ``index`` counts from 0."""

    run: Run
    index: int


class _Records:
    """The latest runs of a prompt with their suites: where a case stands in each of them. Two queries."""

    def __init__(self, prompt: Prompt, runs: Iterable[Run] = ()) -> None:
        self.latest = latest_runs(prompt)
        one_each = {run.suite_digest: run.pk for run in (*self.latest.values(), *runs)}
        # As rows, which is how readers get what they may see of them.
        rows = Run.objects.filter(pk__in=one_each.values()).only("prompt_id", "suite_digest", "suite")
        self.suites: dict[str, Suite] = {run.suite_digest: run.suite for run in rows}
        self._keys: dict[str, list[Key]] = {}  # as far as they were asked for

    def case(self, cell: Cell) -> Mapping[str, Any]:
        suite = self.suites[cell.run.suite_digest]
        return suite[cell.index] if cell.index < len(suite) else {}

    def keys(self, run: Run) -> Sequence[Key]:
        """What tells each case of the run from any other, in order."""
        name = run.suite_digest
        if name not in self._keys:
            self._keys[name] = keys_of(self.suites[name])
        return self._keys[name]

    def cell_of_fix(self, cell: Cell, version: Version | None) -> Cell | None:
        """The very same case in the latest run of ``version`` on the same model."""
        run = self.latest.get((version.number, cell.run.named)) if version else None
        if run is None or cell.index >= len(self.suites[cell.run.suite_digest]):
            return None
        if run.suite_digest == cell.run.suite_digest:
            return Cell(run, cell.index)
        key = self.keys(cell.run)[cell.index]
        return next((Cell(run, at) for at, other in enumerate(self.keys(run)) if other == key), None)

    def fix(self, cell: Cell, version: Version, outcomes: Mapping[Cell, Outcome]) -> Fix:
        found = self.cell_of_fix(cell, version)
        return Fix(
            version, outcomes[found] if found else None, (version.number, cell.run.named) in self.latest
        )

    def outcomes(self, cells: Iterable[Cell | None]) -> dict[Cell, Outcome]:
        """One query, no texts."""
        wanted = {cell for cell in cells if cell}
        if not wanted:
            return {}
        cases = reduce(or_, (Q(run=cell.run, case_index=cell.index) for cell in wanted))
        repeats: dict[tuple[int, int], list[Result]] = defaultdict(list)
        columns = ("public_id", "run_id", "case_index", "repeat", "passed", "error_kind")
        for result in Result.objects.filter(cases).only(*columns).order_by("repeat"):
            repeats[result.run_id, result.case_index].append(result)
        return {cell: _outcome(cell, repeats[cell.run.pk, cell.index]) for cell in wanted}


def _outcome(cell: Cell, repeats: Sequence[Result]) -> Outcome:
    """Opened is the first repeat that failed, else the first."""
    telling = [result for result in repeats if result.passed is False] or repeats
    return Outcome(
        cell.run,
        cell.index,
        cell.run.frames[cell.index : cell.index + 1],
        sum(result.passed is True for result in repeats),
        telling[0].public_id if telling else "",
    )


def keys_of(suite: Suite) -> list[Key]:
    """Each case's digest and how many like it stand before it: a case that was changed is another one."""
    seen: dict[str, int] = defaultdict(int)
    keys = []
    for case in suite:
        name = digest(dict(case))
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys


# --- what could stand on it --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A failure its author could explain. ``fixed_by`` is the next version, in which the case passes."""

    cell: Cell
    name: str
    fixed_by: Version | None
    models: int  # on which the same case has such a story

    @property
    def number(self) -> int:
        return self.cell.index + 1


def suggestions(prompt: Prompt) -> list[Suggestion]:
    """Failures of the latest runs, one a case and model: those that a later version mended first.

    Of a case that failed in several versions, the last failure before it passed is the one. Then what
    happened on most models, then the suite's order. Three queries.
    """
    records = _Records(prompt)
    shelved = set(prompt.known_failures.values_list("run_id", "case_index"))
    stories = [story for story in _stories(records) if (story[1].run.pk, story[1].index) not in shelved]
    models: dict[tuple[Key, bool], int] = defaultdict(int)
    for key, _, fixed_by in stories:
        models[key, fixed_by is not None] += 1
    summary = summary_of(prompt)
    main = summary.main_model if summary else ""
    found = [
        Suggestion(
            cell,
            str(records.case(cell).get("name", "")),
            fixed_by.version if fixed_by else None,
            models[key, fixed_by is not None],
        )
        for key, cell, fixed_by in stories
    ]
    return sorted(found, key=lambda one: _telling_first(one, main))


def _telling_first(one: Suggestion, main: str) -> tuple[bool, int, int, bool, str]:
    return (one.fixed_by is None, -one.models, one.cell.index, one.cell.run.named != main, one.cell.run.named)


def _stories(records: _Records) -> Iterable[tuple[Key, Cell, Run | None]]:
    """For each case and model that ever failed: its last failure, and the run that passes after it."""
    courses: dict[tuple[str, Key], list[Cell]] = defaultdict(list)
    for (_, model), run in sorted(records.latest.items()):
        for index, key in enumerate(records.keys(run)):
            if run.frames[index : index + 1] in (FrameState.PASSED, FrameState.FAILED):
                courses[model, key].append(Cell(run, index))
    for (_, key), course in courses.items():
        failed = [at for at, cell in enumerate(course) if cell.run.frames[cell.index] == FrameState.FAILED]
        if failed:
            last = failed[-1]
            yield key, course[last], course[last + 1].run if last + 1 < len(course) else None
