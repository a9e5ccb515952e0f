"""Writing in spite of a database that is locked, restarting, or has ended our connection."""

import logging
from collections.abc import Callable
from time import monotonic, sleep

from django.db import connection

from portfolio.database import AWAY, is_away
from prompts_app.actions.runs import stopping

PATIENCE_S = 120.0  # how long something is tried again while the database is locked or away

log = logging.getLogger(__name__)


def persistently[T](act: Callable[[], T]) -> T:
    """Do ``act``, again while the database is locked or away. Raises its error when patience ends.

    A connection may end when the work was done but nobody heard of it: ``act`` must be fit to be done twice.
    """
    deadline, wait = monotonic() + PATIENCE_S, 0.1
    while True:
        try:
            return act()
        except AWAY as error:
            over = monotonic() + wait > deadline or stopping.is_time_up()
            if over or connection.in_atomic_block or not is_away(error):
                raise
            log.warning("The database did not do its part; trying again in %.1f s: %s", wait, error)
            connection.close()  # the next try gets a fresh one
            sleep(wait)
            wait = min(wait * 2, 5.0)
