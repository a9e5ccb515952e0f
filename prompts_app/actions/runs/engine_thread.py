"""The engine at work in a thread of its own, with its own event loop; it never waits for the database."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Self

from django.conf import settings

from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.learned import refused_by
from prompts_app.actions.runs.stopping import STOPPING
from prompts_app.engine.adaptations import Learned
from prompts_app.engine.endpoints.cancellation import CUT_SHORT
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.picture_asker import ReadPicture, no_pictures
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import Api, Cell, EndpointConfig, Fault, Judge, Outcome, Price
from prompts_app.models import Run
from prompts_app.models.endpoints import IMAGES, RESPONSES
from prompts_app.models.text import as_written

# Faults that every further call would meet as well: asking on would only cost time, or get a key locked.
FATAL = frozenset(
    {
        "auth", "forbidden", "no_credit", "model_not_found", "wrong_path", "other_api", "blocked_address",
        "picture_address", "no_such_format", "bad_schema",
    }
)  # fmt: skip
_APIS: dict[str, Api] = {IMAGES: "images", RESPONSES: "responses"}
LOST = "lost"  # another worker holds the run now, or it was deleted
CANCELLED = "cancelled"
OVER_CAP = "over_cap"

LAST_CALLS_S = 15.0  # how long calls in flight are awaited once nothing further is asked
MOST_AT_ONCE = 100  # results in one transaction

log = logging.getLogger(__name__)

_URGENCY = {STOPPING: 1, CANCELLED: 2, LOST: 3}


@dataclass(frozen=True, slots=True)
class End:
    """How the asking ended: why it stopped (None: every cell was asked), and that in a sentence."""

    stop_reason: str | None
    message: str = ""
    error: BaseException | None = None


def grace_s(reason: str) -> float:
    """Who cancels wants it to end now. Otherwise what is being asked is billed, so better have the answer."""
    if reason == STOPPING:
        return 0.0 if stopping.is_time_up() else inf
    return 0.0 if reason in _URGENCY else LAST_CALLS_S


class Asking:
    """Asks cells of a run. Leaving the ``with`` block ends it, calls in flight included."""

    def __init__(
        self,
        run: Run,
        endpoint: EndpointConfig,
        judge: Judge | None,
        cells: Collection[Cell],
        *,
        cap: Decimal | None,
        spent: Decimal,
        read_picture: ReadPicture = no_pictures,
    ) -> None:
        self._outcomes: Queue[Outcome | End] = Queue()
        self._unstored: dict[int, Future[None]] = {}  # by the outcome's id
        self._cap, self._spent = cap, spent
        self._reason: str | None = None
        self._fault: Fault | None = None
        self.learned, self.judge = Learned(refused_by(run.endpoint, run.model)), judge
        config = RunConfig(
            replace(run.version.as_engine(), parameters=as_written(run.parameters)),
            run.model, endpoint, settings.ENDPOINT_CONCURRENCY, judge,
            api=_APIS.get(run.api, "chat"), learned=self.learned,
            judges_after_thinking=run.judges_after_thinking, stream=run.stream, read_picture=read_picture,
        )  # fmt: skip
        self._thread = Thread(target=self._work, args=(config, cells), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(LOST)
        self._thread.join()

    def stop(self, reason: str) -> None:
        """Ask nothing more. Of several reasons the most urgent counts, and of those the first."""
        if self._reason is None or _URGENCY.get(reason, 0) > _URGENCY.get(self._reason, 0):
            self._reason = reason

    def is_void(self, outcome: Outcome) -> bool:
        """A call that is cut short because the worker stops: the next worker makes it again."""
        cut = outcome.fault is not None and outcome.fault.kind == CUT_SHORT
        if void := cut and self._reason == STOPPING:
            log.warning("A call was ended as this worker stops; it is made again, and may be billed twice.")
        return void

    def arrived(self, within_s: float) -> tuple[list[Outcome], End | None]:
        """Everything that waits, after waiting a moment for the first; the end, once there is one."""
        outcomes: list[Outcome] = []
        with suppress(Empty):
            item = self._outcomes.get(timeout=within_s)
            while isinstance(item, Outcome):
                outcomes.append(item)
                if len(outcomes) == MOST_AT_ONCE:
                    return outcomes, None
                item = self._outcomes.get_nowait()
            return outcomes, item
        return outcomes, None

    def are_stored(self, outcomes: Iterable[Outcome]) -> None:
        """Only now is anything further asked in their places. While storing fails, nothing is."""
        for outcome in outcomes:
            self._unstored.pop(id(outcome)).set_result(None)

    def _work(self, config: RunConfig, cells: Collection[Cell]) -> None:
        asking = run_cells(
            config, cells, on_outcome=self._on_outcome, stop_reason=self._stop_reason,
            on_price=self._on_price, grace_s=grace_s,
        )  # fmt: skip
        try:
            reason = asyncio.run(asking)
        except BaseException as error:  # whatever it is, the other thread must hear of it
            self._outcomes.put(End("internal", error=error))
        else:
            self._outcomes.put(End(reason, _in_words(reason, self._fault)))

    # What follows runs on the engine's thread.

    def _on_outcome(self, outcome: Outcome) -> Future[None]:
        """Here a refused key is seen before the next call."""
        if (fault := outcome.fault) and (met := fault.cause or fault.kind) in FATAL:
            self._fault = self._fault or fault
            self.stop(met)
        stored = self._unstored[id(outcome)] = Future()
        stored.set_running_or_notify_cancel()  # from now on nobody can cancel it
        self._outcomes.put(outcome)
        return stored

    def _on_price(self, price: Price) -> None:
        """Here the cap is seen before the next call, the judge's too."""
        self._spent += price.dollars or 0

    def _stop_reason(self) -> str | None:
        over = self._cap is not None and self._spent >= self._cap
        return self._reason or (OVER_CAP if over else None)


def _in_words(reason: str | None, fault: Fault | None) -> str:
    if fault is not None and reason in FATAL:
        return f"{FAULTS[fault.kind].label.capitalize()}: {fault.message}"
    return FAULTS[reason].label.capitalize() if reason in FAULTS else ""
