"""Asking a run's missing cells, and keeping every answer the moment it comes.

Two threads: the engine asks in one, with its own event loop, and never waits for the database; this
one stores, renews the lease, and watches for the cancel button. Outcomes cross over by a queue.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, Sum

from prompts_app.actions import lease
from prompts_app.actions.evidence import count_run, rebuild_evidence
from prompts_app.actions.judge import JudgeGone, judge_of
from prompts_app.actions.outcomes import JUDGE_AGAIN, answered_of, judge_again, result_of
from prompts_app.actions.seal import seal_run
from prompts_app.actions.select_best import select_best, wants_comparing
from prompts_app.actions.tasks import enqueue_next
from prompts_app.engine.digests import case_from_json
from prompts_app.engine.errors import FAULTS
from prompts_app.engine.run import run_cells
from prompts_app.engine.types import Cell, Endpoint, Fault, Judge, Outcome, Price, Prompt
from prompts_app.models import Batch, KeyUnreadable, Result, Run

# Faults that every further call would meet as well: asking on would only cost time, or get a key locked.
FATAL = frozenset({"auth", "forbidden", "no_credit", "model_not_found", "blocked_address"})
LOST = "lost"  # another worker holds the run now, or it was deleted
CANCELLED = "cancelled"
OVER_CAP = "over_cap"

WATCH_EVERY_S = 0.5  # how long the cancel button may go unseen
MOST_AT_ONCE = 100  # results in one transaction
PATIENCE_S = 120.0  # how long a write is tried again while the database is locked or away

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class End:
    """How the asking ended: the engine's word (None: every cell was asked), and the fault behind it."""

    word: str | None
    reason: str = ""
    error: BaseException | None = None


def execute_run(run_id: int) -> bool:
    """Ask what is still missing of the run, store each answer as it comes, count, rebuild the evidence.

    Blocks until the run ended. False when there was nothing to do here: the run is not under way,
    another worker has it, or another run on the same endpoint is being asked (runs on one endpoint go
    one after the other; the next one is queued when this one ends). Raises what was not foreseen, after
    the run was stopped with a note.
    """
    worker = str(uuid4())
    if not persistently(lambda: lease.claim(run_id, worker)):
        return False
    _at_work.add(worker)
    try:
        _execute(run_id, worker)
    finally:
        _at_work.discard(worker)
    return True


_at_work: set[str] = set()


@atexit.register
def _give_back() -> None:
    """A worker that is told to stop gives its runs back, so that the next one need not wait."""
    if _at_work:
        with suppress(DatabaseError):
            lease.release_all(set(_at_work))


def _execute(run_id: int, worker: str) -> None:
    related = ("version", "endpoint", "batch__judge_endpoint", "prompt")
    run = Run.objects.select_related(*related).get(pk=run_id)
    try:
        end = _ask(run, worker)
        is_ours = end.word != LOST and _compare(run, worker, end)
    except Exception:
        _conclude(run, worker, End("internal", FAULTS["internal"].next_step))
        raise
    if is_ours:
        _conclude(run, worker, end)
    enqueue_next(run.endpoint_id)


def _compare(run: Run, worker: str, end: End) -> bool:
    """Compare the batch's outputs where this was its last run. False where the run was lost meanwhile."""
    batch = run.batch
    if batch is None or batch.runs.under_way().exclude(pk=run.pk).exists():
        return True
    ended = Q(state=Run.State.FINISHED) | (Q(pk=run.pk) if end.word is None else Q())
    runs = list(batch.runs.filter(ended).select_related("version", "prompt").order_by("pk"))
    try:
        judge = judge_of(batch) if wants_comparing(runs) else None
    except (JudgeGone, KeyUnreadable):
        return True
    if judge is None or not judge.model:
        return True
    room = None if batch.cost_cap is None else batch.cost_cap - _spent(batch)
    watch = _Watch(run, worker)
    select_best(runs, judge, room=room, go_on=watch.go_on)
    return not watch.is_lost


class _Watch:
    """Holds a run's lease while something else than asking takes its time."""

    def __init__(self, run: Run, worker: str) -> None:
        self._run, self._worker, self._renewed, self._watched = run, worker, 0.0, 0.0
        self.is_lost = False

    def go_on(self) -> bool:
        """False once the run was lost or cancelled. Asks the database only now and then."""
        now = monotonic()
        if now - self._renewed >= lease.renew_every():
            self._renewed = now
            self.is_lost = not persistently(lambda: lease.renew(self._run.pk, self._worker))
        if self.is_lost or now - self._watched < WATCH_EVERY_S:
            return not self.is_lost
        self._watched = now
        return not persistently(lambda: _cancel_requested(self._run))


def _ask(run: Run, worker: str) -> End:
    """Ask every missing cell of a run this worker holds; how that ended."""
    missing = missing_cells(run)
    try:
        endpoint, judge = _endpoint_of(run), judge_of(run.batch)
    except KeyUnreadable as error:
        return End("auth", str(error))
    except JudgeGone:
        return End("judge_gone", "The endpoint of the judge was deleted. Start a new run with another one.")
    if endpoint is None:
        return End("endpoint_gone", "The endpoint of this run was deleted. Start a new run on another one.")
    if not missing:
        return End(None)
    batch = run.batch
    cap = batch.cost_cap if batch else None
    with _Asking(run, endpoint, judge, missing, cap=cap, spent=_spent(batch)) as asking:
        return _keep(run, worker, asking)


def _endpoint_of(run: Run) -> Endpoint | None:
    return run.endpoint.as_engine() if run.endpoint else None


def missing_cells(run: Run) -> list[Cell]:
    """What was not asked yet, case by case, and what is to be judged again."""
    stored = set(run.results.exclude(error_kind=JUDGE_AGAIN).values_list("case_index", "repeat"))
    kept = {(r.case_index, r.repeat): answered_of(r) for r in run.results.filter(error_kind=JUDGE_AGAIN)}
    cases = [case_from_json(case) for case in run.suite]
    return [
        Cell(index, repeat, case, kept.get((index, repeat)))
        for index, case in enumerate(cases)
        for repeat in range(run.repeats)
        if (index, repeat) not in stored
    ]


def _spent(batch: Batch | None) -> Decimal:
    """US dollars the batch is known to have cost so far; unknown costs are not in it."""
    if batch is None:
        return Decimal(0)
    known = Result.objects.filter(run__batch=batch).aggregate(asked=Sum("cost"), judged=Sum("judge_cost"))
    return sum((part for part in known.values() if part is not None), Decimal(0))


class _Asking:
    """The engine at work in its own thread. Leaving the ``with`` block ends it, calls in flight included."""

    def __init__(
        self,
        run: Run,
        endpoint: Endpoint,
        judge: Judge | None,
        cells: list[Cell],
        *,
        cap: Decimal | None,
        spent: Decimal,
    ) -> None:
        self.outcomes: Queue[Outcome | End] = Queue()
        self._cap, self._spent = cap, spent
        self._word: str | None = None
        self._fault: Fault | None = None
        asked = (run.version.as_engine(), run.model, cells, endpoint, judge)
        self._thread = Thread(target=self._work, args=asked, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(LOST)
        self._thread.join()

    def stop(self, word: str) -> None:
        """Ask nothing more. The first word given is the one that counts."""
        self._word = self._word or word

    def _work(
        self, prompt: Prompt, model: str, cells: list[Cell], endpoint: Endpoint, judge: Judge | None
    ) -> None:
        asking = run_cells(
            prompt, model, cells, endpoint,
            concurrency=settings.ENDPOINT_CONCURRENCY, deadline_s=settings.CALL_DEADLINE_S,
            on_outcome=self._on_outcome, should_stop=self._should_stop,
            judge=judge, on_price=self._on_price,
        )  # fmt: skip
        try:
            word = asyncio.run(asking)
        except BaseException as error:  # whatever it is, the other thread must hear of it
            self.outcomes.put(End("internal", error=error))
        else:
            self.outcomes.put(End(word, _reason(word, self._fault)))

    def _on_outcome(self, outcome: Outcome) -> None:
        """Runs on the engine's thread: here a refused key is seen before the next call."""
        if (fault := outcome.fault) and (met := fault.cause or fault.kind) in FATAL:
            self._fault = self._fault or fault
            self.stop(met)
        self.outcomes.put(outcome)

    def _on_price(self, price: Price) -> None:
        """Runs on the engine's thread: here the cap is seen before the next call, the judge's too."""
        self._spent += price.dollars or 0

    def _should_stop(self) -> str | None:
        over = self._cap is not None and self._spent >= self._cap
        return self._word or (OVER_CAP if over else None)


def _reason(word: str | None, fault: Fault | None) -> str:
    if fault is not None:
        return f"{FAULTS[fault.kind].label.capitalize()}: {fault.message}"
    return FAULTS[word].label.capitalize() if word in FAULTS else ""


def _keep(run: Run, worker: str, asking: _Asking) -> End:
    """Store what comes until the asking ends, holding the lease and watching for a cancel meanwhile."""
    renewed = watched = monotonic()
    while True:
        outcomes, end = _arrived(asking.outcomes)
        if not _store(run, worker, outcomes):
            return End(LOST)
        if end is not None:
            if end.error is not None:
                raise end.error
            return end
        now = monotonic()
        if now - renewed >= lease.renew_every():
            renewed = now
            if not persistently(lambda: lease.renew(run.pk, worker)):
                return End(LOST)
        if now - watched >= WATCH_EVERY_S:
            watched = now
            if persistently(lambda: _cancel_requested(run)):
                asking.stop(CANCELLED)


def _arrived(queue: Queue[Outcome | End]) -> tuple[list[Outcome], End | None]:
    """Everything that waits, after waiting a moment for the first."""
    outcomes: list[Outcome] = []
    with suppress(Empty):
        item = queue.get(timeout=WATCH_EVERY_S / 2)
        while isinstance(item, Outcome):
            outcomes.append(item)
            if len(outcomes) == MOST_AT_ONCE:
                return outcomes, None
            item = queue.get_nowait()
        return outcomes, item
    return outcomes, None


def _store(run: Run, worker: str, outcomes: Iterable[Outcome]) -> bool:
    """Keep them; what is stored already stays as it is. False when the run is gone."""
    rows = [result_of(run, outcome) for outcome in outcomes if outcome.cell.answered is None]
    judged = [result_of(run, outcome) for outcome in outcomes if outcome.cell.answered is not None]
    if not rows and not judged:
        return True

    def write() -> None:
        Result.objects.bulk_create(rows, ignore_conflicts=True)
        for row in judged:
            judge_again(row)

    try:
        persistently(write)
    except IntegrityError:  # the run was deleted with its prompt or account: there is nothing to hold
        if persistently(lambda: lease.renew(run.pk, worker)):
            raise
        return False
    return True


def _cancel_requested(run: Run) -> bool:
    return run.batch is not None and Batch.objects.filter(pk=run.batch.pk, cancel_requested=True).exists()


_STATES = {None: Run.State.FINISHED, CANCELLED: Run.State.CANCELLED, OVER_CAP: Run.State.CAPPED}


def _conclude(run: Run, worker: str, end: End) -> None:
    """Count, write the state and rebuild the evidence: all of it, or, where the run was lost, nothing."""

    def write() -> None:
        with transaction.atomic():
            state = _STATES.get(end.word, Run.State.STOPPED)
            # A word that came after the last answer changes nothing: the run is complete.
            if not missing_cells(run):
                state = Run.State.FINISHED
            reason = "" if state == Run.State.FINISHED else end.reason[:300]
            if lease.finish(run.pk, worker, state, reason):
                count_run(run)
                _seal(run)
                rebuild_evidence(run.prompt)

    persistently(write)


def _seal(run: Run) -> None:
    """A run that cannot be sealed is finished all the same: it stays at the level below."""
    try:
        seal_run(run)
    except (ValueError, KeyUnreadable):
        log.exception("Run %s could not be sealed.", run.public_id)


def persistently[T](write: Callable[[], T]) -> T:
    """Do ``write``, again while the database is locked or away. Raises its error when patience ends."""
    deadline, wait = monotonic() + PATIENCE_S, 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or monotonic() + wait > deadline:
                raise
            log.warning("The database did not take a write; trying again in %.1f s.", wait, exc_info=True)
            connection.close()  # the next try gets a fresh one
            sleep(wait)
            wait = min(wait * 2, 5.0)
