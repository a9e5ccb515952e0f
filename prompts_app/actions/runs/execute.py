"""Asking a run's missing cells, and keeping every answer the moment it comes.

Two threads: the engine asks in one (``runs.engine_thread``); this one stores, renews the lease, and looks for
the cancel button. Outcomes cross over by a queue.
"""

from __future__ import annotations

import atexit
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from time import monotonic
from uuid import uuid4

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q, Sum
from django.tasks import task
from django.utils import timezone

from portfolio.database import is_away
from prompts_app.actions.pictures.case_pictures import PictureSpool, digests_of_run
from prompts_app.actions.pictures.storage import pictures_of, store_pictures
from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.db_retry import persistently
from prompts_app.actions.runs.engine_thread import CANCELLED, LOST, OVER_CAP, Asking, End
from prompts_app.actions.runs.judge import JudgeGone, judge_of
from prompts_app.actions.runs.learned import remember
from prompts_app.actions.runs.outcomes import JUDGE_AGAIN, answered_of, judge_again, result_of
from prompts_app.actions.runs.seal import seal_if_possible
from prompts_app.actions.runs.select_best import max_scores, select_best, wants_comparing
from prompts_app.actions.runs.stopping import STOPPING
from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_from_json
from prompts_app.engine.endpoints.cancellation import CUT_SHORT
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.shutdown import ProgramEnds
from prompts_app.engine.types import Cell, Judge, Outcome
from prompts_app.models import Batch, KeyUnreadable, Result, Run
from prompts_app.models.suites import with_stored_suite

WATCH_EVERY_S = 0.5  # how long the cancel button may go unseen
MOST_RESUMES = 5  # workers that may vanish over a run before it is left to its author
GAVE_UP = "gave_up"
# A run says of all its answers where they are from, so it is never gone on with somewhere else.
MOVED = (
    "The endpoint’s address was changed since this run was started, so it is not continued there: its "
    "answers would be from two servers. Start a new run to ask the new address."
)
JUDGE_MOVED = (
    "The address of the judge’s endpoint was changed since this run was started, so it is not judged there. "
    "Start a new run to have the new one judge."
)


def execute_run(run_id: int) -> bool:
    """Ask what is still missing of the run, store each answer as it comes, count, rebuild the evidence.

    Blocks until the run ended. False when there was nothing to do here: the run is not under way,
    another worker has it, or another run on the same endpoint is being asked (runs on one endpoint go
    one after the other; the next one is queued when this one ends). Raises what was not foreseen, after
    the run was stopped with a note; where it is the database that is away for long, the run is left as it
    is, to be taken up again when its lease has run out.
    """
    worker = str(uuid4())
    if stopping.is_stopping():  # this worker takes up nothing more, and the queue has let go of it
        enqueue_run(run_id)
        return False
    if not persistently(lambda: Run.objects.claim(run_id, worker)):
        return False
    _at_work.add((run_id, worker))
    try:
        _execute(run_id, worker)
    finally:
        _at_work.discard((run_id, worker))
    return True


@task
def execute_run_task(run_id: int) -> bool:
    return execute_run(run_id)


def enqueue_run(run_id: int) -> None:
    execute_run_task.enqueue(run_id)


def enqueue_next(endpoint_id: int | None) -> None:
    """Enqueue the run that waited longest for this endpoint, if one does."""
    for run_id in Run.objects.filter(endpoint=endpoint_id).next_in_line():
        enqueue_run(run_id)


_at_work: set[tuple[int, str]] = set()  # runs, each with who holds it


@atexit.register
def give_back() -> None:
    """For a process that ends with runs in its hands: others need not wait for the lease to run out."""
    with suppress(DatabaseError):
        for run_id, worker in list(_at_work):
            Run.objects.give_back(run_id, worker)


def _execute(run_id: int, worker: str) -> None:
    related = ("version", "endpoint", "batch__judge_endpoint", "prompt")
    runs = Run.objects.select_related(*related).defer("suite")
    run = persistently(lambda: with_stored_suite(runs.get(pk=run_id)))
    try:
        end = _gave_up(run) or _ask(run, worker)
        if end.stop_reason not in {GAVE_UP, LOST, STOPPING}:
            end = End(reason) if (reason := _compare(run, worker)) else end
    except ProgramEnds:
        end = End(STOPPING)
    except Exception as error:
        if is_away(error):
            raise
        _conclude(run, worker, End("internal", FAULTS["internal"].next_step))
        raise
    if end.stop_reason == STOPPING:
        persistently(lambda: Run.objects.give_back(run_id, worker))
    elif end.stop_reason != LOST:
        _conclude(run, worker, end)
    persistently(lambda: enqueue_next(run.endpoint_id))


def _gave_up(run: Run) -> End | None:
    """A run whose worker vanishes each time is not tried for ever: it may be the run that ends the worker."""
    if run.resumed <= MOST_RESUMES:
        return None
    reason = (
        f"Its worker vanished {run.resumed} times, so it is not taken up again by itself. What was answered "
        "is kept. If asking again ends the same way, the worker may have too little memory for this run."
    )
    return End(GAVE_UP, reason)


def _compare(run: Run, worker: str) -> str | None:
    """Compare the batch's outputs where this was its last run. LOST or STOPPING where that ended it."""
    batch = run.batch
    if batch is None or not wants_comparing([run]):
        return None
    if persistently(lambda: batch.runs.under_way().exclude(pk=run.pk).exists()):
        return None
    ended = Q(state=Run.State.FINISHED) | (Q(pk=run.pk) if persistently(lambda: is_complete(run)) else Q())
    done = batch.runs.filter(ended).select_related("version", "prompt").order_by("pk")
    runs = persistently(lambda: list(done))
    watch = _Watch(run, worker)
    if (judge := _judge_to_compare(batch, run)) is not None:
        _select_best(batch, runs, judge, watch)
    if watch.reason not in {LOST, STOPPING}:
        max_scores(runs)
    return watch.reason if watch.reason in {LOST, STOPPING} else None


def _judge_to_compare(batch: Batch, run: Run) -> Judge | None:
    """None where there is none, or none that can be asked."""
    if not batch.judge_model or batch.judge_has_moved(run):
        return None
    try:
        return judge_of(batch)
    except (JudgeGone, KeyUnreadable):
        return None


def _select_best(batch: Batch, runs: list[Run], judge: Judge, watch: _Watch) -> None:
    room = None if batch.cost_cap is None else batch.cost_cap - persistently(lambda: _spent(batch))
    select_best(runs, judge, room=room, stop_reason=watch.stop_reason)
    _remember_of_judge(batch, judge)


def renew_every() -> float:
    """Seconds between two renewals: one may fail, and one come late, before the lease runs out."""
    return Run.lease_s() / 3


class _Watch:
    """Holds a run's lease while something else than asking takes its time."""

    def __init__(self, run: Run, worker: str) -> None:
        self._run, self._worker, self._renewed, self._watched = run, worker, 0.0, 0.0
        self.reason: str | None = None

    def stop_reason(self) -> str | None:
        """LOST or CANCELLED once the run, or its batch, is, STOPPING once the worker is to end. Asks the
        database only now and then."""
        now = monotonic()
        if now - self._renewed >= renew_every():
            self._renewed = now
            if not persistently(lambda: Run.objects.renew(self._run.pk, self._worker)):
                self.reason = LOST
        if self.reason is None and now - self._watched >= WATCH_EVERY_S:
            self._watched = now
            cancelled = Batch.objects.filter(runs=self._run, cancel_requested=True)
            self.reason = CANCELLED if persistently(cancelled.exists) else None
        if self.reason is None and stopping.is_stopping():
            self.reason = STOPPING
        return self.reason


def _ask(run: Run, worker: str) -> End:
    """Ask every missing cell of a run this worker holds; how that ended."""
    batch, missing = run.batch, persistently(lambda: MissingCells(run))
    try:
        endpoint, judge = _endpoint_of(run), judge_of(batch)
    except KeyUnreadable as error:
        return End("auth", str(error))
    except JudgeGone:
        return End("judge_gone", "The endpoint of the judge was deleted. Start a new run with another one.")
    if endpoint is None:
        return End("endpoint_gone", "The endpoint of this run was deleted. Start a new run on another one.")
    if end := _end_before_asking(run):
        return end
    if not missing:
        return End(None)
    cap, spent = batch.cost_cap if batch else None, persistently(lambda: _spent(batch))
    spool = persistently(lambda: PictureSpool(run.prompt_id, digests_of_run(run.pk)))
    with (
        closing(spool) as pictures,
        Asking(run, endpoint, judge, missing, cap=cap, spent=spent, read_picture=pictures.read) as asking,
    ):
        return _keep(run, worker, asking)


def _end_before_asking(run: Run) -> End | None:
    if moved := what_moved(run):
        return End("endpoint_moved", moved)
    is_cancelled = persistently(lambda: _cancel_requested(run))
    return End(CANCELLED, FAULTS[CANCELLED].label.capitalize()) if is_cancelled else None


def what_moved(run: Run) -> str:
    """Why it may not be gone on with where its endpoints are now, as a sentence; "" where it may."""
    if run.has_moved:
        return MOVED
    return JUDGE_MOVED if run.batch and run.batch.judge_has_moved(run) else ""


def _endpoint_of(run: Run) -> engine.EndpointConfig | None:
    return run.endpoint.as_engine() if run.endpoint else None


class MissingCells(Collection[Cell]):
    """What was not asked yet, case by case, and what is to be judged again. A cell is made when it is its
    turn, so that a long suite is never whole in memory."""

    def __init__(self, run: Run) -> None:
        self._suite, self._repeats = run.suite, range(run.repeats)
        answers = run.results.exclude(error_kind=JUDGE_AGAIN)
        self._stored = set(answers.values_list("case_index", "repeat"))
        again = run.results.filter(error_kind=JUDGE_AGAIN)
        self._kept = {(r.case_index, r.repeat): answered_of(r) for r in again}

    def _places(self, index: int) -> list[tuple[int, int]]:
        return [(index, repeat) for repeat in self._repeats if (index, repeat) not in self._stored]

    def __len__(self) -> int:
        return sum(len(self._places(index)) for index in range(len(self._suite)))

    def __iter__(self) -> Iterator[Cell]:
        for index, case in enumerate(self._suite):
            if places := self._places(index):
                read = case_from_json(case)
                yield from (Cell(*place, read, self._kept.get(place)) for place in places)

    def __contains__(self, cell: object) -> bool:
        return any(cell == one for one in self)


def _spent(batch: Batch | None) -> Decimal:
    """US dollars the batch is known to have cost so far; unknown costs are not in it."""
    if batch is None:
        return Decimal(0)
    known = Result.objects.filter(run__batch=batch).aggregate(asked=Sum("cost"), judged=Sum("judge_cost"))
    return sum((part for part in known.values() if part is not None), Decimal(0))


def is_complete(run: Run) -> bool:
    """Whether every cell was asked to its end: a provider's fault is one, our own breaking off is not."""
    return run.results.exclude(error_kind__in=[JUDGE_AGAIN, CUT_SHORT]).count() >= run.expected_results


def _keep(run: Run, worker: str, asking: Asking) -> End:
    """Store what comes until the asking ends, holding the lease and watching for a cancel meanwhile."""
    renewed = watched = monotonic()
    while True:
        if stopping.is_stopping():
            asking.stop(STOPPING)
        outcomes, end = asking.arrived(WATCH_EVERY_S / 2)
        _note_adapted(run, asking, outcomes)
        if not _store(run, worker, [outcome for outcome in outcomes if not asking.is_void(outcome)]):
            return End(LOST)
        asking.are_stored(outcomes)
        if end is not None:
            if end.error is not None:
                raise end.error
            return end
        now = monotonic()
        if now - renewed >= renew_every():
            renewed = now
            if not persistently(lambda: Run.objects.renew(run.pk, worker)):
                return End(LOST)
        if now - watched >= WATCH_EVERY_S:
            watched = now
            if persistently(lambda: _cancel_requested(run)):
                asking.stop(CANCELLED)


def _note_adapted(run: Run, asking: Asking, outcomes: Iterable[Outcome]) -> None:
    """Say on the run what was changed of what is sent, before there is a result of it; and remember it for
    this endpoint and model."""
    changed = {word for outcome in outcomes for word in outcome.request.adapted} - set(run.adapted)
    if changed:
        run.adapted = [*run.adapted, *sorted(changed)]
        persistently(lambda: Run.objects.filter(pk=run.pk).update(adapted=run.adapted))
        persistently(lambda: remember(run.endpoint, run.model, list(asking.learned.words)))
    if run.batch and asking.judge:
        _remember_of_judge(run.batch, asking.judge)


def _remember_of_judge(batch: Batch, judge: Judge) -> None:
    persistently(lambda: remember(batch.judge_endpoint, judge.model, list(judge.learned)))


def _store(run: Run, worker: str, outcomes: Iterable[Outcome]) -> bool:
    """Keep them; what is stored already stays as it is. False when the run is gone."""
    asked = [outcome for outcome in outcomes if outcome.cell.answered is None]
    rows = [result_of(run, outcome) for outcome in asked]
    pictures = pictures_of(zip(rows, asked, strict=True))
    judged = [result_of(run, outcome) for outcome in outcomes if outcome.cell.answered is not None]
    if not rows and not judged:
        return True

    def write() -> None:
        with transaction.atomic():  # a result and its picture, or neither
            Result.objects.bulk_create(rows, ignore_conflicts=True)
            store_pictures(pictures)
        for row in judged:
            judge_again(row)

    try:
        persistently(write)
    except IntegrityError:  # the run was deleted with its prompt or account: there is nothing to hold
        if persistently(lambda: Run.objects.renew(run.pk, worker)):
            raise
        return False
    return True


def _cancel_requested(run: Run) -> bool:
    cancelled = Q(cancel_requested=True) | Q(batch__cancel_requested=True)
    return Run.objects.filter(cancelled, pk=run.pk).exists()


_STATES = {None: Run.State.FINISHED, CANCELLED: Run.State.CANCELLED, OVER_CAP: Run.State.CAPPED}
_UNFINISHED = "Ended before every answer was there."


def _conclude(run: Run, worker: str, end: End) -> None:
    """Count, write the state and rebuild the evidence: all of it, or, where the run was lost, nothing."""

    def write() -> None:
        with transaction.atomic():
            state, reason = _state_of(run, end)
            ended = {"state": state, "stop_reason": reason, "finished_at": timezone.now()}
            if Run.objects.give_back(run.pk, worker, **ended):
                count_run(run)
                seal_if_possible(run)
                rebuild_evidence(run.prompt)

    persistently(write)


def _state_of(run: Run, end: End) -> tuple[str, str]:
    """A reason that came after the last answer changes nothing: the run is complete."""
    if end.stop_reason != GAVE_UP and is_complete(run):
        return Run.State.FINISHED, ""
    if end.stop_reason is None:
        return Run.State.STOPPED, _UNFINISHED
    return _STATES.get(end.stop_reason, Run.State.STOPPED), end.message[:300]
