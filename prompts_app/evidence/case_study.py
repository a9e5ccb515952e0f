"""What a prompt page shows, gathered in a constant number of queries. Everything is computed from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, F, Q
from django.http import QueryDict
from django.utils.safestring import SafeString

from prompts_app.evidence import case_outcomes
from prompts_app.evidence.case_outcomes import CaseRow, Cell
from prompts_app.evidence.frames import Frame, FrameState
from prompts_app.evidence.sentences import (
    headline,
    headline_text,
    tests_dated,
    why_main,
)
from prompts_app.evidence.summary import Summary, VersionEvidence, summary_of
from prompts_app.models import Prompt, Result, Run, Version

MOST_LARGE_FRAMES = 450  # on one page; beyond it, small strips are drawn instead
MOST_LISTED_PASSES = 30
MOST_LISTED_ERRORS = 10
MOST_LISTED_OPEN = 30  # outputs that nothing judged


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One version on one model."""

    version: int
    is_baseline: bool
    is_main: bool
    run: Run
    frames: list[Frame]  # empty where the strip is drawn small

    @property
    def label(self) -> str:
        return f"v{self.version} on {self.run.named}, cases 1 to {len(self.frames)}"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which cases the visitor asked to see: ``state`` is that of a frame."""

    state: FrameState = FrameState.FAILED
    is_chosen: bool = False  # asked for in the address
    page: object = 1
    word: str = "all"


def read_shown(get: QueryDict) -> Shown:
    """From ``?show=all|passes|errors|unjudged&page=``; anything else is the usual page."""
    states = {
        "all": FrameState.FAILED,
        "passes": FrameState.PASSED,
        "errors": FrameState.NO_ANSWER,
        "unjudged": FrameState.UNJUDGED,
    }
    word = get.get("show", "")
    if word not in states:
        return Shown()
    return Shown(states[word], True, get.get("page", 1), word)


@dataclass(frozen=True, slots=True)
class Study:
    """The evidence part of a prompt page."""

    evidence: Summary
    baseline: VersionEvidence | None
    sheet: list[SheetRow]
    failed: int  # case results over all models of the shown version
    passed: int
    errors: int
    unjudged: int
    waiting: int  # pasted of some cases only
    page: Page[Cell]
    rows: list[CaseRow]
    passes: list[CaseRow] = field(default_factory=list)  # only where they are few
    unanswered: list[CaseRow] = field(default_factory=list)
    open: list[CaseRow] = field(default_factory=list)  # the first that nothing judged
    main: Run | None = None
    target: str = ""  # the model its author says it is written for
    suite: Sequence[Mapping[str, Any]] = ()
    answers: Mapping[str, int] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        return headline(self.evidence, self.baseline)

    @property
    def headline_text(self) -> str:
        return headline_text(self.evidence, self.baseline)

    @property
    def is_judged(self) -> bool:
        return bool(self.evidence.cases)

    @property
    def is_unjudged(self) -> bool:
        """Whether no frame of the sheet has a verdict."""
        return not any(row.run.cases_counted for row in self.sheet)

    @property
    def why_main(self) -> SafeString:
        return why_main(self.evidence, self.target)

    @property
    def assertions(self) -> int:
        return sum(len(case.get("assertions") or ()) for case in self.suite)

    @property
    def tests_dated(self) -> str:
        return tests_dated(self.main) if self.main else ""

    @property
    def answered(self) -> int:
        return self.answers["results"] - self.answers["errors"]

    @property
    def more_failures(self) -> int:
        return self.page.paginator.count - len(self.rows)


def study_of(prompt: Prompt, shown: Shown) -> Study | None:
    """None where nothing was tested. Reads the outputs of the cases on the page and no others."""
    evidence = summary_of(prompt)
    if not evidence:
        return None
    baseline = evidence.before
    runs = runs_of(prompt, [model.run for model in evidence.models])
    before = runs_of(prompt, [baseline.run]) if baseline else []
    if not runs:
        return None
    suites = case_outcomes.suites_of(runs)
    names = case_outcomes.names_of(suites)
    page = case_outcomes.page_of(
        case_outcomes.cells_in(runs, shown.state), shown.page if shown.is_chosen else 1
    )
    return Study(
        evidence=evidence,
        baseline=baseline if before else None,
        sheet=_sheet(prompt, before, runs, {cell.index for cell in page if shown.state == FrameState.FAILED}),
        failed=sum(run.frames.count(FrameState.FAILED) for run in runs),
        passed=sum(run.frames.count(FrameState.PASSED) for run in runs),
        errors=sum(run.frames.count(FrameState.NO_ANSWER) for run in runs),
        unjudged=sum(run.frames.count(FrameState.UNJUDGED) for run in runs),
        waiting=sum(run.frames.count(FrameState.WAITING) for run in runs),
        page=page,
        rows=case_outcomes.rows_of(page, names, anchors=True),
        passes=_few(runs, FrameState.PASSED, names, MOST_LISTED_PASSES),
        unanswered=_some(runs, FrameState.NO_ANSWER, names, MOST_LISTED_ERRORS),
        open=_some(runs, FrameState.UNJUDGED, names, MOST_LISTED_OPEN),
        main=runs[0],
        target=prompt.target_model,
        suite=suites[runs[0].suite_digest],
        answers=_answers(runs[0]),
    )


def runs_of(prompt: Prompt, public_ids: list[str]) -> list[Run]:
    """These runs without their suites, in this order; one query."""
    found = (
        Run.objects.filter(prompt=prompt, public_id__in=public_ids).select_related("version").defer("suite")
    )
    by_id = {run.public_id: run for run in found}
    return [by_id[public_id] for public_id in public_ids if public_id in by_id]


def _few(runs: list[Run], state: FrameState, names: case_outcomes.Names, most: int) -> list[CaseRow]:
    """All rows in ``state``, or none where they are more than ``most``."""
    cells = case_outcomes.cells_in(runs, state)
    return case_outcomes.rows_of(cells if len(cells) <= most else [], names)


def _some(runs: list[Run], state: FrameState, names: case_outcomes.Names, most: int) -> list[CaseRow]:
    return case_outcomes.rows_of(case_outcomes.cells_in(runs, state)[:most], names)


def _answers(run: Run) -> dict[str, int]:
    return Result.objects.filter(run=run).aggregate(
        results=Count("pk"),
        errors=Count("pk", filter=~Q(error_kind="")),
        retried=Count("pk", filter=Q(attempts__gt=1)),
    )


# --- the sheet ---------------------------------------------------------------------------------------------


def _sheet(prompt: Prompt, before: list[Run], runs: list[Run], on_page: set[int]) -> list[SheetRow]:
    """The baseline first, then the shown version on each model."""
    every = [*before, *runs]
    large = sum(len(run.frames) for run in every) <= MOST_LARGE_FRAMES
    opened = _results_to_open(every) if large else {}
    return [
        SheetRow(
            version=run.version.number,
            is_baseline=place < len(before),
            is_main=place == len(before),
            run=run,
            frames=_linked(prompt, run, opened, set() if place < len(before) else on_page) if large else [],
        )
        for place, run in enumerate(every)
    ]


def _results_to_open(runs: list[Run]) -> dict[tuple[int, int], str]:
    """(run, case) → the public id of its first failed result, else of one nothing judged; one query."""
    wanted = Q(passed=False) | Q(passed=None, error_kind="")
    order = ("run_id", "case_index", F("passed").desc(nulls_first=True), "-repeat")
    failed = Result.objects.filter(wanted, run__in=runs).order_by(*order)
    return {
        (run, index): public_id
        for run, index, public_id in failed.values_list("run_id", "case_index", "public_id")
    }


def _linked(prompt: Prompt, run: Run, opened: dict[tuple[int, int], str], on_page: set[int]) -> list[Frame]:
    """A failed frame leads to its row on the page, else to the result itself; so does one nothing judged."""
    frames = []
    for index, state in enumerate(map(FrameState, run.frames)):
        href, result = "", opened.get((run.pk, index), "")
        if state == FrameState.FAILED and index in on_page:
            href = f"#case-{index + 1}"
        elif state in (FrameState.FAILED, FrameState.UNJUDGED) and result:
            href = f"results/{result}/"
        frames.append(Frame(index + 1, state, href))
    return frames


def versions_of(prompt: Prompt) -> list[Version]:
    """All versions without their texts, newest first."""
    return list(prompt.versions.defer("messages", "variables", "parameters").order_by("-number"))
