"""Turns: work of many transactions lets others write on SQLite, where nobody queues for the one lock.

Who waits for it looks again every 100 ms, and work that begins its next transaction as soon as it has ended
one is hardly ever found between two: saving a prompt then took as long as all of an import being undone.
"""

from time import monotonic, sleep

from django.db import connection

AT_LEAST_EVERY_S = 0.5  # others have their turn, or after the transaction that takes longer
TURN_S = 0.12  # longer than any wait between two looks: see sqlite3's busy_timeout


class Turns:
    """Of one piece of work, which gives them between its transactions."""

    def __init__(self) -> None:
        self._since = monotonic()

    def give(self) -> None:
        """Wait a moment, where others may have waited long enough."""
        if connection.vendor != "sqlite" or connection.in_atomic_block:
            return
        if monotonic() - self._since >= AT_LEAST_EVERY_S:
            sleep(TURN_S)
            self._since = monotonic()
