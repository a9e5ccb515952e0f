"""Asking the models of a try, with what they say kept as it comes.

As with runs, the row is the truth. Unlike a run, a try is never taken up again: who pressed the button reads
the answer now, and another call would be billed again. Where its worker vanishes, it says so.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from functools import partial
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.tasks import task
from django.utils import timezone

from prompts_app.actions.pictures.case_pictures import PictureSpool
from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.db_retry import persistently
from prompts_app.actions.runs.engine_thread import CANCELLED
from prompts_app.actions.runs.learned import refused_by
from prompts_app.actions.runs.outcomes import fill
from prompts_app.actions.runs.stopping import STOPPING
from prompts_app.engine.adaptations import Learned
from prompts_app.engine.endpoints.cancellation import CUT_SHORT
from prompts_app.engine.endpoints.scrubbing import scrub
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.growing import Growing
from prompts_app.engine.picture_asker import ReadPicture
from prompts_app.engine.render import pictures_for
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.shutdown import check_not_ending
from prompts_app.engine.types import Cell, EndpointConfig, Fault, Outcome
from prompts_app.models import KeyUnreadable, Try, TryAnswer
from prompts_app.models.answers import AnswerFields
from prompts_app.models.text import storable

LOOK_EVERY_S = 0.2  # at what came, and at the Stop button
LONGEST_SHOWN = 200_000  # characters of an answer that is still coming
VANISHED = "The worker that asked was ended before the answer was there. Try again."

log = logging.getLogger(__name__)


@task
def execute_try_task(try_id: int) -> None:
    execute_try(try_id)


def enqueue_try(try_id: int) -> None:
    execute_try_task.enqueue(try_id)


def execute_try(try_id: int) -> bool:
    """Ask its models side by side and keep what they say. Blocks until all have ended.

    False where there was nothing to do: it has ended, or was begun by another worker.
    """
    worker = str(uuid4())
    waiting = Try.objects.filter(state=Try.State.QUEUED)  # begun once is asked once
    if not persistently(lambda: waiting.claim(try_id, worker, state=Try.State.RUNNING)):
        return False
    one = persistently(lambda: Try.objects.select_related("prompt").get(pk=try_id))
    answers = persistently(lambda: list(one.answers.select_related("endpoint")))
    digests = {picture.sha256 for picture in pictures_for(one.text, one.values)}
    spool = persistently(lambda: PictureSpool(one.prompt_id or 0, digests))
    with closing(spool) as pictures, _Asking(one, answers, pictures.read) as asking:
        _keep(one, worker, asking)
    return True


def end_vanished_tries() -> int:
    """Say so of those whose worker vanished; how many. Those that the queue lost are enqueued again."""
    for pk in Try.objects.filter(state=Try.State.QUEUED).next_in_line():
        enqueue_try(pk)
    gone = Try.objects.filter(state=Try.State.RUNNING).abandoned()
    told = {"is_done": True, "error_kind": CUT_SHORT, "error_message": VANISHED}
    TryAnswer.objects.filter(of__in=gone, is_done=False).update(**told)
    return gone.update(state=Try.State.ENDED, finished_at=timezone.now())


class _Asking:
    """The calls, in a thread of their own with its own event loop. Leaving the ``with`` block ends them."""

    def __init__(self, one: Try, answers: list[TryAnswer], read_picture: ReadPicture) -> None:
        self.answers = {answer.pk: answer for answer in answers}
        self.coming: dict[int, Growing] = {}
        self.outcomes: Queue[tuple[int, Outcome | Fault]] = Queue()  # a fault, where nothing was asked
        self.keys: dict[int, str] = {}
        self._one, self._read_picture = one, read_picture
        self._reason = CANCELLED if one.cancel_requested else ""
        self._thread = Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(CANCELLED)
        self._thread.join()

    def stop(self, reason: str) -> None:
        self._reason = self._reason or reason

    def _work(self) -> None:
        asyncio.run(self._ask_all())

    async def _ask_all(self) -> None:
        await asyncio.gather(*(self._ask(pk, answer) for pk, answer in self.answers.items()))

    async def _ask(self, pk: int, answer: TryAnswer) -> None:
        try:
            came = await self._outcome_of(pk, answer)
        except KeyUnreadable as error:
            came = Fault("auth", str(error))  # as it ends a run
        except Exception as error:  # whatever it is, the other thread must hear of it
            check_not_ending(error)
            log.exception("Trying on %s failed", answer.asked_model)
            came = Fault("internal", FAULTS["internal"].next_step)
        self.outcomes.put((pk, came))

    async def _outcome_of(self, pk: int, answer: TryAnswer) -> Outcome | Fault:
        if answer.endpoint is None:
            return Fault(CUT_SHORT, "The endpoint was deleted.")
        endpoint = answer.endpoint.as_engine()
        self.keys[pk] = endpoint.key
        came: list[Outcome] = []
        await self._run(endpoint, answer, came.append, partial(self.coming.__setitem__, pk))
        return came[0] if came else Fault(CUT_SHORT, f"{FAULTS[CUT_SHORT].label.capitalize()}.")

    async def _run(
        self,
        endpoint: EndpointConfig,
        answer: TryAnswer,
        on_outcome: Callable[[Outcome], None],
        on_begun: Callable[[Growing], None],
    ) -> None:
        config = RunConfig(
            self._one.text, answer.asked_model, endpoint, 1,
            api=endpoint.api, learned=Learned(refused_by(answer.endpoint, answer.asked_model)),
            stream=True, on_begun=on_begun, read_picture=self._read_picture,
        )  # fmt: skip
        cells = [Cell(0, 0, self._one.values)]
        await run_cells(config, cells, on_outcome=on_outcome, stop_reason=lambda: self._reason or None)


def _keep(one: Try, worker: str, asking: _Asking) -> None:
    """Store what comes until all have answered, holding the lease and watching for Stop meanwhile."""
    shown: dict[int, str] = {}
    waiting, renewed = set(asking.answers), monotonic()
    begun = timezone.now()
    persistently(lambda: one.answers.update(begun_at=begun))
    while waiting:
        for pk, came in _arrived(asking, LOOK_EVERY_S):
            waiting.discard(pk)
            _store(asking.answers[pk], came)
        _show(asking, waiting, shown)
        if stopping.is_stopping():
            asking.stop(STOPPING)
        if persistently(lambda: not Try.objects.filter(pk=one.pk, cancel_requested=False).exists()):
            asking.stop(CANCELLED)  # or deleted with its prompt
        if monotonic() - renewed >= settings.RUN_LEASE_S / 3:
            renewed = monotonic()
            persistently(lambda: Try.objects.all().renew(one.pk, worker))
    ended = {"state": Try.State.ENDED, "finished_at": timezone.now()}
    persistently(lambda: Try.objects.all().give_back(one.pk, worker, **ended))


def _arrived(asking: _Asking, within_s: float) -> list[tuple[int, Outcome | Fault]]:
    found = []
    try:
        found.append(asking.outcomes.get(timeout=within_s))
        while True:
            found.append(asking.outcomes.get_nowait())
    except Empty:
        return found


def _show(asking: _Asking, waiting: set[int], shown: dict[int, str]) -> None:
    """Write down how far those have come that are still answering, without the key in it."""
    for pk in waiting:
        text = asking.coming[pk].text[:LONGEST_SHOWN] if pk in asking.coming else ""
        if text and text != shown.get(pk):
            shown[pk] = text
            said = storable(scrub(text, asking.keys.get(pk, "")))
            persistently(partial(TryAnswer.objects.filter(pk=pk).update, output=said))


def _store(answer: TryAnswer, came: Outcome | Fault) -> None:
    if isinstance(came, Fault):
        answer.error_kind, answer.error_message = came.kind, came.message
    else:
        fill(answer, came)
        answer.adapted = list(came.request.adapted)
    answer.is_done = True
    so_far = not answer.output and bool(answer.error_kind)  # what was shown of it stays
    columns = {field.name for field in AnswerFields._meta.get_fields()} | {"adapted", "is_done"}
    values = {name: getattr(answer, name) for name in columns - ({"output"} if so_far else set())}
    persistently(lambda: TryAnswer.objects.filter(pk=answer.pk).update(**values))
