"""What a prompt page shows of its evidence. Everything is computed from rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.core.paginator import Page

from prompts_app.evidence.case_outcomes import CaseRow, cells_in, page_of, rows_of
from prompts_app.evidence.frames import Frame, FrameState
from prompts_app.evidence.records import Answers, Records, Repeat, RunCase, Suite
from prompts_app.evidence.summary import Summary, VersionEvidence
from prompts_app.evidence.wording import Sentence, as_text, headline, tests_dated, why_main
from prompts_app.models import Run

MOST_LARGE_FRAMES = 450  # on one page; beyond it, small strips are drawn instead
MOST_LISTED_PASSES = 30
MOST_LISTED_ERRORS = 10
MOST_LISTED_OPEN = 30  # outputs that nothing judged


@dataclass(frozen=True)
class SheetRow:
    """One version on one model."""

    records: Records
    version: int
    is_baseline: bool
    is_main: bool
    run: Run
    is_large: bool  # else the strip is drawn small
    on_page: set[int]  # cases whose failure is listed on the page

    @cached_property
    def frames(self) -> list[Frame]:
        """Empty where the strip is drawn small."""
        states = self.run.frames if self.is_large else ""
        return [_linked(self, index, FrameState(state)) for index, state in enumerate(states)]

    @property
    def label(self) -> str:
        return f"v{self.version} on {self.run.named}, cases 1 to {len(self.run.frames)}"


@dataclass(frozen=True, slots=True)
class ShownCases:
    """Which cases the visitor asked to see: ``state`` is that of a frame."""

    state: FrameState = FrameState.FAILED
    is_chosen: bool = False  # asked for in the address
    page: object = 1
    word: str = "all"


def read_shown(get: Mapping[str, str]) -> ShownCases:
    """From ``?show=all|passes|errors|unjudged&page=``; anything else is the usual page."""
    states = {
        "all": FrameState.FAILED,
        "passes": FrameState.PASSED,
        "errors": FrameState.NO_ANSWER,
        "unjudged": FrameState.UNJUDGED,
    }
    word = get.get("show", "")
    if word not in states:
        return ShownCases()
    return ShownCases(states[word], True, get.get("page", 1), word)


@dataclass(frozen=True)
class Study:
    """The evidence part of a prompt page. Results are read when they are first looked at."""

    records: Records
    evidence: Summary
    baseline: VersionEvidence | None
    main: Run
    sheet: list[SheetRow]
    counts: Counter[str]  # letters of frames over all models of the shown version
    page: Page[RunCase]
    passing: list[RunCase]  # only where they are few
    without_answer: list[RunCase]  # the first of them
    not_judged: list[RunCase]  # the first that nothing judged
    target: str  # the model its author says it is written for

    @cached_property
    def rows(self) -> list[CaseRow]:
        return rows_of(self.records, self.page, anchors=True)

    @cached_property
    def passes(self) -> list[CaseRow]:
        return rows_of(self.records, self.passing)

    @cached_property
    def unanswered(self) -> list[CaseRow]:
        return rows_of(self.records, self.without_answer)

    @cached_property
    def open(self) -> list[CaseRow]:
        return rows_of(self.records, self.not_judged)

    @cached_property
    def answers(self) -> Answers:
        return self.records.answers(self.main)

    @property
    def suite(self) -> Suite:
        return self.records.suites([self.main])[self.main.suite_digest]

    @property
    def failed(self) -> int:
        return self.counts[FrameState.FAILED]

    @property
    def passed(self) -> int:
        return self.counts[FrameState.PASSED]

    @property
    def errors(self) -> int:
        return self.counts[FrameState.NO_ANSWER]

    @property
    def unjudged(self) -> int:
        return self.counts[FrameState.UNJUDGED]

    @property
    def waiting(self) -> int:
        """Pasted of some cases only."""
        return self.counts[FrameState.WAITING]

    @property
    def headline(self) -> Sentence:
        return headline(self.evidence, self.baseline, without_skill=self.is_skill_gain)

    @property
    def is_skill_gain(self) -> bool:
        """Whether the baseline asks the same without the skill that is shown."""
        return self.baseline is not None and self.records.without_skill == self.baseline.version

    @property
    def baseline_name(self) -> str:
        return "without the skill" if self.is_skill_gain else "the baseline"

    @property
    def headline_text(self) -> str:
        return as_text(self.headline)

    @property
    def is_judged(self) -> bool:
        return bool(self.evidence.cases)

    @property
    def is_unjudged(self) -> bool:
        """Whether no frame of the sheet has a verdict."""
        return not any(row.run.cases_counted for row in self.sheet)

    @property
    def why_main(self) -> Sentence:
        return why_main(self.evidence, self.target)

    @property
    def assertions(self) -> int:
        return sum(len(case.get("assertions") or ()) for case in self.suite)

    @property
    def tests_dated(self) -> str:
        return tests_dated(self.main)

    @property
    def answered(self) -> int:
        return self.answers.results - self.answers.errors

    @property
    def more_failures(self) -> int:
        return self.page.paginator.count - len(self.rows)


def study_of(records: Records, shown: ShownCases) -> Study | None:
    """None where nothing was tested. Reads the outputs of the cases on the page and no others."""
    evidence, runs = records.summary, records.shown
    if evidence is None or not runs:
        return None
    page = page_of(cells_in(runs, shown.state), shown.page if shown.is_chosen else 1)
    passing = cells_in(runs, FrameState.PASSED)
    study = Study(
        records=records,
        evidence=evidence,
        baseline=evidence.before if records.before else None,
        main=runs[0],
        sheet=_sheet(records, {cell.index for cell in page if shown.state == FrameState.FAILED}),
        counts=Counter("".join(run.frames for run in runs)),
        page=page,
        passing=passing if len(passing) <= MOST_LISTED_PASSES else [],
        without_answer=cells_in(runs, FrameState.NO_ANSWER)[:MOST_LISTED_ERRORS],
        not_judged=cells_in(runs, FrameState.UNJUDGED)[:MOST_LISTED_OPEN],
        target=records.prompt.target_model,
    )
    records.want_all([*([records.before] if records.before else []), *runs[:2]])
    records.want([*page, *study.passing, *study.without_answer, *study.not_judged])
    return study


# --- the sheet ---------------------------------------------------------------------------------------------


def _sheet(records: Records, on_page: set[int]) -> list[SheetRow]:
    """The baseline first, then the shown version on each model."""
    before = [records.before] if records.before else []
    every = [*before, *records.shown]
    large = sum(len(run.frames) for run in every) <= MOST_LARGE_FRAMES
    if large:
        records.want(
            (RunCase(run, at) for run in every for at, state in enumerate(run.frames) if state in _OPENED),
            opened=False,
        )
    return [
        SheetRow(
            records=records,
            version=run.version.number,
            is_baseline=place < len(before),
            is_main=place == len(before),
            run=run,
            is_large=large,
            on_page=set() if place < len(before) else on_page,
        )
        for place, run in enumerate(every)
    ]


_OPENED = (FrameState.FAILED, FrameState.UNJUDGED)  # frames that lead to a result


def _linked(row: SheetRow, index: int, state: FrameState) -> Frame:
    """A failed frame leads to its row on the page, else to the result itself; so does one nothing judged."""
    href = ""
    if state == FrameState.FAILED and index in row.on_page:
        href = f"#case-{index + 1}"
    elif state in _OPENED and (result := _to_open(row.records.repeats(RunCase(row.run, index)))):
        href = f"results/{result}/"
    return Frame(index + 1, state, href)


def _to_open(repeats: Sequence[Repeat]) -> str:
    """The first that failed, else the first that nothing judged."""
    failed = [one for one in repeats if one.passed is False]
    unjudged = [one for one in repeats if one.passed is None and not one.is_error]
    return next((one.public_id for one in failed or unjudged), "")
