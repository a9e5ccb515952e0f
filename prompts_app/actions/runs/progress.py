"""Where a batch stands, read from its rows: what the live page shows, at any moment.

Finished runs are shown from their stored totals; only those under way are counted result by result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Substr
from django.utils import timezone

from prompts_app.actions.runs.counting import case_states
from prompts_app.actions.runs.execute import what_moved
from prompts_app.actions.runs.outcomes import JUDGE_AGAIN
from prompts_app.actions.runs.run_notices import Need, needs_of
from prompts_app.engine.prices import sources_told
from prompts_app.evidence.frames import Frame, FrameState
from prompts_app.evidence.picture_sheet import Shot, shots_of
from prompts_app.models import Batch, Result, Run

MOST_FAILURES = 50  # rows in the table of failures
OUTPUT_SHOWN = 300  # characters of an output there

_OF_THE_JUDGE = Q(error_kind__in=["judge_error", JUDGE_AGAIN])  # there is an answer all the same


@dataclass(frozen=True, slots=True)
class Totals:
    """What is stored of one run's results."""

    answers: int = 0  # with whatever verdict they were to have
    errors: int = 0  # no answer
    wanting: int = 0  # answers whose judge failed, or is to be asked again
    spent: Decimal = Decimal(0)  # US dollars, of the answers whose price is known
    unpriced: int = 0  # answers whose price is not
    judged: int = 0  # answers a judge model graded
    judge_spent: Decimal = Decimal(0)  # US dollars, of those whose price is known
    judge_unpriced: int = 0
    sources: Counter[str] = field(default_factory=Counter)  # answers by where their cost is from

    @property
    def cost_told(self) -> str:
        return sources_told(self.sources)

    @property
    def is_cost_unknown(self) -> bool:
        """Whether calls were made and nothing is known of what any of them cost."""
        return bool(self.answers or self.errors or self.wanting) and not (self.spent or self.sources)

    def plus(self, other: Totals) -> Totals:
        return Totals(
            self.answers + other.answers,
            self.errors + other.errors,
            self.wanting + other.wanting,
            self.spent + other.spent,
            self.unpriced + other.unpriced,
            self.judged + other.judged,
            self.judge_spent + other.judge_spent,
            self.judge_unpriced + other.judge_unpriced,
            self.sources + other.sources,
        )


@dataclass(frozen=True, slots=True)
class RunProgress:
    """One run's line of frames and figures."""

    run: Run
    frames: list[Frame]
    totals: Totals
    states: Counter[str]

    @property
    def passed(self) -> int:
        return self.states[FrameState.PASSED]

    @property
    def counted(self) -> int:
        return self.states[FrameState.PASSED] + self.states[FrameState.FAILED]

    @property
    def answered(self) -> int:
        return self.totals.answers + self.totals.wanting

    @property
    def can_be_asked_again(self) -> bool:
        """Also where it was stopped when all answers were there: by an error of ours, or a lost worker."""
        is_short = self.totals.answers < self.run.expected_results
        return not self.run.is_under_way and (is_short or self.run.state == Run.State.STOPPED)

    @property
    def moved(self) -> str:
        """Why it is not to be asked again where its endpoints are now; "" where it may be."""
        return what_moved(self.run)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case of a run that failed: the first repeat that did, and how many passed."""

    run: Run
    result: Result
    number: int
    case: str
    passes: int
    distinct: int  # different outputs of its repeats; 0: not known, or asked once
    anchor: str

    @property
    def output(self) -> str:
        return str(getattr(self.result, "excerpt", ""))


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything the page of a batch shows."""

    batch: Batch
    runs: list[RunProgress]
    failures: list[Failure]
    failures_in_all: int
    needs: list[Need]
    now: datetime
    totals: Totals = field(default_factory=Totals)
    shots: list[Shot] = field(default_factory=list)  # where the outputs are pictures, and all have come

    @property
    def under_way(self) -> bool:
        return any(run.run.is_under_way for run in self.runs)

    @property
    def expected(self) -> int:
        return sum(run.run.expected_results for run in self.runs)

    @property
    def needs_author(self) -> bool:
        return any(need.is_problem or need.look_at for need in self.needs)

    @property
    def cases(self) -> int:
        """In the suite, which all runs of a batch share."""
        return len(self.runs[0].run.suite) if self.runs else 0

    @property
    def asked(self) -> int:
        return self.totals.answers + self.totals.errors + self.totals.wanting

    @property
    def passed(self) -> int:
        return sum(run.passed for run in self.runs)

    @property
    def counted(self) -> int:
        return sum(run.counted for run in self.runs)

    @property
    def failed(self) -> int:
        return self.counted - self.passed

    @property
    def without_answer(self) -> int:
        return sum(run.states[FrameState.NO_ANSWER] for run in self.runs)

    @property
    def without_verdict(self) -> int:
        """Cases that were answered, but whose judge failed."""
        return sum(run.states[FrameState.NO_VERDICT] for run in self.runs)

    @property
    def can_end_one(self) -> bool:
        """Whether one run can be ended while others go on."""
        return len(self.runs) > 1

    @property
    def is_practice(self) -> bool:
        return any(run.run.source == "practice" for run in self.runs)

    @property
    def cap_permille(self) -> int:
        """The cost so far in thousandths of the cap, for a meter."""
        cap = self.batch.cost_cap
        return min(1000, int((self.totals.spent + self.totals.judge_spent) * 1000 / cap)) if cap else 0

    @property
    def elapsed_s(self) -> float | None:
        """From the first call to the last, or to now."""
        started = [run.run.started_at for run in self.runs if run.run.started_at]
        if not started:
            return None
        ended = [run.run.finished_at for run in self.runs if run.run.finished_at]
        end = self.now if self.under_way else max(ended, default=self.now)
        return max(0.0, (end - min(started)).total_seconds())

    @property
    def left_s(self) -> float | None:
        """At the pace so far; None while nothing can be said."""
        if not self.under_way or not self.elapsed_s or self.asked < 3:
            return None
        ahead = sum(
            run.run.expected_results - run.totals.answers - run.totals.errors - run.totals.wanting
            for run in self.runs
            if run.run.is_under_way
        )
        return self.elapsed_s / self.asked * ahead


def progress_of(batch: Batch) -> Progress:
    """A handful of queries, however many runs and results there are."""
    runs = list(batch.runs.select_related("version", "endpoint").order_by("pk"))
    for run in runs:
        run.batch, run.prompt = batch, batch.prompt
    totals, judged, now = _totals(runs), _judge_failed(runs), timezone.now()
    failures, in_all = _failures(runs)
    linked = {(failure.run.pk, failure.number): f"#{failure.anchor}" for failure in failures}
    lines = [
        _line(run, _with_verdicts_wanting(run, letters, judged), totals.get(run.pk, Totals()), linked)
        for run, letters in _letters(runs, now)
    ]
    whole = Totals()
    for line in lines:
        whole = whole.plus(line.totals)
    return Progress(batch, lines, failures, in_all, needs_of(runs, now), now, whole, _shots(runs))


def _shots(runs: Sequence[Run]) -> list[Shot]:
    """Not while more are coming: the page is asked each second then."""
    return shots_of(runs, runs[0].suite) if runs and not any(run.is_under_way for run in runs) else []


def _totals(runs: Sequence[Run]) -> dict[int, Totals]:
    answered, judged = Q(error_kind=""), Q(judge_calls__gt=0)
    shown = Result.objects.unmasked_values()  # for the author's own page
    rows = shown.filter(run__in=runs).order_by().values("run_id")
    sources: dict[int, Counter[str]] = defaultdict(Counter)
    priced = rows.exclude(cost=None).annotate(answers=Count("pk"))
    for run_id, source, count in priced.values_list("run_id", "cost_source", "answers"):
        sources[run_id][source] = count
    return {
        row["run_id"]: Totals(
            row["answers"],
            row["errors"],
            row["wanting"],
            row["spent"] or Decimal(0),
            row["unpriced"],
            row["judged"],
            row["judge_spent"] or Decimal(0),
            row["judge_unpriced"],
            sources[row["run_id"]],
        )
        for row in rows.annotate(
            answers=Count("pk", filter=answered),
            errors=Count("pk", filter=~answered & ~_OF_THE_JUDGE),
            wanting=Count("pk", filter=_OF_THE_JUDGE),
            spent=Sum("cost"),
            unpriced=Count("pk", filter=answered & Q(cost=None)),
            judged=Count("pk", filter=judged),
            judge_spent=Sum("judge_cost"),
            judge_unpriced=Count("pk", filter=judged & Q(judge_cost=None)),
        )
    }


def _line(run: Run, letters: str, totals: Totals, linked: dict[tuple[int, int], str]) -> RunProgress:
    frames = [
        Frame(number, FrameState(letter), linked.get((run.pk, number), ""))
        for number, letter in enumerate(letters, 1)
    ]
    return RunProgress(run, frames, totals, Counter(letters))


def _letters(runs: Sequence[Run], now: datetime) -> Iterable[tuple[Run, str]]:
    """Each run with one letter a case."""
    live = [run for run in runs if run.is_under_way]
    results: dict[int, list[Result]] = {run.pk: [] for run in live}
    fields = ("run_id", "case_index", "repeat", "passed", "error_kind")
    for result in Result.objects.filter(run__in=live).only(*fields) if live else ():
        results[result.run_id].append(result)
    for run in runs:
        if run.pk in results:
            yield run, _with_asking(run, case_states(run, results[run.pk]), now)
        else:
            yield run, run.frames or FrameState.WAITING * len(run.suite)


def _with_asking(run: Run, letters: str, now: datetime) -> str:
    """Cases are asked in order, so those a worker asks now are among the first that wait. Which ones they are
    is not written down each time: the page says "or next"."""
    if run.state != Run.State.RUNNING or run.lease_until is None or run.lease_until < now:
        return letters
    return letters.replace(
        FrameState.WAITING, FrameState.ASKING, max(1, settings.ENDPOINT_CONCURRENCY // run.repeats)
    )


def _judge_failed(runs: Sequence[Run]) -> set[tuple[int, int]]:
    """Run and case of those whose only trouble is their judge."""
    faults = Result.objects.filter(run__in=runs).exclude(error_kind="").order_by()
    cells = faults.values("run_id", "case_index").annotate(unanswered=Count("pk", filter=~_OF_THE_JUDGE))
    return set(cells.filter(unanswered=0).values_list("run_id", "case_index"))


def _with_verdicts_wanting(run: Run, letters: str, judged: set[tuple[int, int]]) -> str:
    return "".join(
        FrameState.NO_VERDICT if letter == FrameState.NO_ANSWER and (run.pk, index) in judged else letter
        for index, letter in enumerate(letters)
    )


def _failures(runs: Sequence[Run]) -> tuple[list[Failure], int]:
    """The failed cases, in the suite's order, the first of them in full; and how many there are."""
    by_run = {run.pk: run for run in runs}
    failed = Q(passed=False)
    cells = (
        Result.objects.filter(run__in=runs)
        .order_by("case_index", "run_id")
        .values("case_index", "run_id")
        .annotate(first=Min("pk", filter=failed), passes=Count("pk", filter=Q(passed=True)))
        .filter(first__isnull=False)
    )
    rows = list(cells[:MOST_FAILURES])
    results = Result.objects.filter(pk__in=[row["first"] for row in rows]).defer("output", "request")
    whole = results.unmasked_values()  # for the author's own page
    found = {result.pk: result for result in whole.annotate(excerpt=Substr("output", 1, OUTPUT_SHOWN))}
    shown = [
        _failure(by_run[row["run_id"]], found[row["first"]], row["passes"])
        for row in rows
        if row["first"] in found
    ]
    return shown, len(rows) if len(rows) < MOST_FAILURES else cells.count()


def _failure(run: Run, result: Result, passes: int) -> Failure:
    result.run = run
    number = result.case_index + 1
    return Failure(
        run=run,
        result=result,
        number=number,
        case=str(result.case.get("name", "")),
        passes=passes,
        distinct=run.distinct_of(result.case_index),
        anchor=f"fail-{run.public_id}-{number}",
    )
