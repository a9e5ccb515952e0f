"""The default queue: huey, without the record it would keep of every task for ever, and its consumer.

What came of a run is in the run's row. Nobody asks the queue, so it forgets a task once it is done.
"""

import logging
import os
import signal
from time import monotonic
from types import FrameType
from typing import Any

from huey import RedisHuey, SqliteHuey
from huey import consumer as huey

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ENDED_WITHIN_S = 9.5  # Docker kills after 10
LOOK_EVERY_S = 5.0  # for runs whose worker vanished: with the lease's 25 s they go on within 35

log = logging.getLogger(__name__)


class Scheduler(huey.Scheduler):  # type: ignore[misc]  # huey has no types
    """Also looks for runs whose worker vanished. Here, so that it is done while every worker is busy."""

    _next_look = 0.0

    def loop(self, now: Any = None) -> None:
        super().loop(now)
        if monotonic() >= self._next_look:
            self._next_look = monotonic() + LOOK_EVERY_S
            try:
                self.huey.look_after_runs()
            except Exception as error:  # the database may be away; the schedule goes on
                log.warning("Runs whose worker vanished could not be looked for: %s", error)


class Consumer(huey.Consumer):  # type: ignore[misc]  # huey has no types
    """Told to stop by whatever signal, it tells those at work first, and waits ``shutdown_timeout`` seconds.

    A process manager may send the signal twice (to the group, and through ``serve``): the second changes
    nothing. Only a second Ctrl-C ends it at once.
    """

    scheduler_class = Scheduler
    _signum: int | None

    def _set_signal_handlers(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self._handle_signal)

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signum is None:
            self._signum, self._restart, self._graceful = number, False, True
            signal.setitimer(signal.ITIMER_REAL, ENDED_WITHIN_S)  # whatever holds it up, the kernel ends it
        elif number == signal.SIGINT:
            raise KeyboardInterrupt

    def stop(self, graceful: bool = False) -> None:
        self.huey.tell_to_stop()
        super().stop(graceful)

    def run(self) -> None:
        super().run()
        # At once: Python would end under what is still at work, whose last gasps look like faults of a run.
        # And on a busy machine its tidying up took 14 s.
        self.huey.give_back()
        logging.shutdown()
        os._exit(0)


def _nothing() -> None:
    """Until the tasks are loaded (prompts_app.tasks)."""


class _Forgets:
    look_after_runs = tell_to_stop = give_back = staticmethod(_nothing)

    def put_result(self, key: str, data: object) -> None:
        """Nothing is kept."""

    def create_consumer(self, **options: Any) -> Consumer:
        return Consumer(self, **options)


class SqliteQueue(_Forgets, SqliteHuey):  # type: ignore[misc]  # huey has no types
    pass


class RedisQueue(_Forgets, RedisHuey):  # type: ignore[misc]  # huey has no types
    pass
