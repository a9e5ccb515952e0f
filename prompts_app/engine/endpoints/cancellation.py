"""Cancelling the calls of a run: each comes to the fault "cut_short", which is stored like any outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.types import Embedded, Fault, Reply, Request

CUT_SHORT = "cut_short"  # the kind of fault such a call comes to
WATCH_EVERY_S = 0.25
LOOK_UP_S = 0.25  # how often a worker that waits for storing looks whether the run is to stop

type Worker = asyncio.Task[str | None]


class Cancellation:
    """Cancels the calls of several askers at once. One for each run: it cannot be used again."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self._is_over = False

    def hold(self, asker: Asker) -> Asker:
        return _CancellableAsker(asker, self)

    def end(self) -> None:
        """End the calls in flight; further ones are not made. Said again, it changes nothing."""
        if self._is_over:
            return
        self._is_over = True
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())

    async def wait[A](self, call: Awaitable[A]) -> A | Fault:
        """What the call comes to, or the fault that it was cut short."""
        limit = asyncio.timeout(0 if self._is_over else None)
        try:
            async with limit:
                self._limits.add(limit)
                return await call
        except TimeoutError:
            if not limit.expired():
                raise
            return cut_short("while it was being asked; the provider may bill it all the same")
        finally:
            self._limits.discard(limit)

    async def watch(
        self,
        workers: Sequence[Worker],
        stop_reason: Callable[[], str | None],
        grace_s: Callable[[str], float],
    ) -> str | None:
        """Wait for the workers; the last ``stop_reason()``, or one of theirs, while some were left.

        Their calls are ended ``grace_s(reason)`` seconds after it. What a worker raises is raised here,
        after the others were cancelled.
        """
        left, reason, clock = set(workers), None, asyncio.get_running_loop().time
        since = clock()
        try:
            while left:
                done, left = await asyncio.wait(left, timeout=WATCH_EVERY_S, return_when="FIRST_COMPLETED")
                reasons = [worker.result() for worker in done]
                if left:
                    reasons.append(stop_reason())
                since = since if reason else clock()
                reason = next((one for one in reversed(reasons) if one), reason)
                if reason and clock() - since >= grace_s(reason):
                    self.end()
            return reason
        finally:
            await _cancel(workers)


async def _cancel(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.cancel()
    for worker in workers:
        with suppress(asyncio.CancelledError, Exception):
            await worker


def cut_short(when: str) -> Fault:
    return Fault(CUT_SHORT, f"The run was ended {when}.")


async def until_stored(stored: Future[None], stop_reason: Callable[[], str | None]) -> None:
    """Wait until an outcome is stored, which is another thread's doing, or the run is to stop."""
    waited_for = asyncio.wrap_future(stored)
    while not waited_for.done() and not stop_reason():
        await asyncio.wait([waited_for], timeout=LOOK_UP_S)


class _CancellableAsker:
    """An asker whose calls are ended by a ``Cancellation``."""

    def __init__(self, asker: Asker, cancellation: Cancellation) -> None:
        self._asker, self._cancellation = asker, cancellation

    @property
    def origin(self) -> str:
        return self._asker.origin

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        return await self._cancellation.wait(self._asker.ask(request, deadline_s))

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        return await self._cancellation.wait(self._asker.embed(model, texts, deadline_s))

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return await self._cancellation.wait(self._asker.list_models(deadline_s))
