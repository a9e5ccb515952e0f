"""The failure shelf as it is shown: what the records say of each failure and of its fix.

The author gives two things, the diagnosis and the version that mended it. Everything else is read from
runs: what was asked, what came, and whether the very same case passes in that version's latest run on the
same model. That is never taken on the author's word.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from prompts_app.evidence.case_inputs import Input, inputs_of
from prompts_app.evidence.case_outcomes import CaseRow, rows_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import Key, Records, RunCase
from prompts_app.models import KnownFailure, Prompt, Run, Version


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """How one case came out in one run. ``state`` is a letter of frames, ``result`` a public id or ""."""

    run: Run
    case_index: int
    state: str
    passing: int  # repeats
    result: str

    @property
    def repeats(self) -> int:
        return self.run.repeats


@dataclass(frozen=True, slots=True)
class Fix:
    """What the records say of a version that is named as the fix.

    Without an ``outcome`` it was not tested on this case: ``is_run`` tells whether it has a run on the model.
    """

    version: Version
    outcome: CaseOutcome | None = None
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


@dataclass(frozen=True)
class Item:
    """One place of the shelf. ``fix`` is None where no version is named."""

    records: Records
    failure: KnownFailure
    cell: RunCase
    before: CaseOutcome
    fix: Fix | None

    @property
    def name(self) -> str:
        return str(self.records.case(self.cell).get("name", ""))

    @property
    def inputs(self) -> list[Input]:
        return inputs_of(self.records.case(self.cell))

    @cached_property
    def row(self) -> CaseRow:
        """Its line of the failures' table."""
        return rows_of(self.records, [self.cell])[0]

    @property
    def still_counts(self) -> bool:
        return still_counts(self.failure)


def still_counts(failure: KnownFailure) -> bool:
    """Whether its run is finished and the case failed in it: a verdict may have changed since."""
    run = failure.run
    is_evidence = run.state == Run.State.FINISHED and run.level is not None
    return is_evidence and run.frames[failure.case_index : failure.case_index + 1] == FrameState.FAILED


def shelf_of(records: Records) -> list[Item]:
    """What others see, in the author's order: failures whose run still counts and still says they failed.

    One query where there is none, else four, whatever their number.
    """
    return [item for item in items_of(records) if item.still_counts]


def items_of(records: Records) -> list[Item]:
    """Everything on the shelf, for its author."""
    failures = _with_runs(records, list(records.prompt.known_failures.all()))
    cells = [RunCase(failure.run, failure.case_index) for failure in failures]
    if failures:
        records.suites([*records.latest.values(), *(cell.run for cell in cells)])
    fixing = [_cell_of_fix(records, cell, one.fixed_in) for cell, one in zip(cells, failures, strict=True)]
    records.want([*cells, *(cell for cell in fixing if cell)])
    return [
        Item(
            records,
            failure,
            cell,
            _outcome(records, cell),
            _fix(records, cell, failure.fixed_in) if failure.fixed_in else None,
        )
        for failure, cell in zip(failures, cells, strict=True)
    ]


def _with_runs(records: Records, failures: list[KnownFailure]) -> list[KnownFailure]:
    """With their runs and versions: those that count are known, the others come in a query each."""
    runs = {run.pk: run for run in records.runs} if failures else {}
    if missing := {failure.run_id for failure in failures} - runs.keys():
        found = Run.objects.filter(pk__in=missing).select_related("version").defer("suite", *_TEXTS)
        runs |= {run.pk: run for run in found}
    versions = {run.version_id: run.version for run in runs.values()}
    if unknown := {failure.fixed_in_id for failure in failures} - versions.keys() - {None}:
        versions |= {version.pk: version for version in records.versions if version.pk in unknown}
    for failure in failures:
        failure.prompt, failure.run = records.prompt, runs[failure.run_id]
        if failure.fixed_in_id:
            failure.fixed_in = versions[failure.fixed_in_id]
    return failures


_TEXTS = [f"version__{column}" for column in ("messages", "variables", "parameters")]


def fixes_of(run: Run, case_index: int) -> list[Fix]:
    """Every version after the one that failed, oldest first, and how the case came out in each."""
    cell, records = RunCase(run, case_index), Records(run.prompt)
    later = run.prompt.versions.filter(number__gt=run.version.number).order_by("number")
    versions = list(later.defer("messages", "variables", "parameters"))
    records.suites([*records.latest.values(), run])
    fixing = (_cell_of_fix(records, cell, version) for version in versions)
    records.want([at for at in fixing if at])
    return [_fix(records, cell, version) for version in versions]


def _cell_of_fix(records: Records, cell: RunCase, version: Version | None) -> RunCase | None:
    """The very same case in the latest run of ``version`` on the same model."""
    run = records.latest.get((version.number, cell.run.named)) if version else None
    if run is None:
        return None
    places = dict(records.places(cell.run, run))
    return RunCase(run, places[cell.index]) if cell.index in places else None


def _fix(records: Records, cell: RunCase, version: Version) -> Fix:
    found = _cell_of_fix(records, cell, version)
    is_run = (version.number, cell.run.named) in records.latest
    return Fix(version, _outcome(records, found) if found else None, is_run)


def _outcome(records: Records, cell: RunCase) -> CaseOutcome:
    """Opened is the first repeat that failed, else the first."""
    repeats = records.repeats(cell)
    telling = [one for one in repeats if one.passed is False] or repeats
    return CaseOutcome(
        cell.run,
        cell.index,
        cell.run.frames[cell.index : cell.index + 1],
        sum(one.passed is True for one in repeats),
        telling[0].public_id if telling else "",
    )


# --- what could stand on it --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A failure its author could explain. ``fixed_by`` is the next version, in which the case passes."""

    cell: RunCase
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
    records = Records(prompt)
    records.suites(records.latest.values())
    shelved = set(prompt.known_failures.values_list("run_id", "case_index"))
    stories = [story for story in _stories(records) if (story[1].run.pk, story[1].index) not in shelved]
    models: dict[tuple[Key, bool], int] = defaultdict(int)
    for key, _, fixed_by in stories:
        models[key, fixed_by is not None] += 1
    main = records.summary.main_model if records.summary else ""
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


def _stories(records: Records) -> Iterable[tuple[Key, RunCase, Run | None]]:
    """For each case and model that ever failed: its last failure, and the run that passes after it."""
    courses: dict[tuple[str, Key], list[RunCase]] = defaultdict(list)
    for (_, model), run in sorted(records.latest.items()):
        for index, key in enumerate(records.keys(run)):
            if run.frames[index : index + 1] in (FrameState.PASSED, FrameState.FAILED):
                courses[model, key].append(RunCase(run, index))
    for (_, key), course in courses.items():
        failed = [at for at, cell in enumerate(course) if cell.run.frames[cell.index] == FrameState.FAILED]
        if failed:
            last = failed[-1]
            yield key, course[last], course[last + 1].run if last + 1 < len(course) else None
