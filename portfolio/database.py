"""When the database is away: how long it is waited for, and how that is told from a wrong question."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection

ANY_ROW = "SELECT 1 FROM django_migrations LIMIT 1"
AWAY = (OperationalError, InterfaceError)  # what is raised then, but not only then: ask is_away


class NobodyThere(Exception):
    """No server could be reached, though it was waited for."""


_limit_s = ContextVar("limit_s", default=2.5)  # a restart takes less; who waits longer should hear of it

# Classes of SQLSTATE: connection, transaction rolled back for another's sake (a deadlock, a serialization
# failure), resources, operator's intervention, system. And: lock not available.
_POSTGRES_AWAY = ("08", "40", "53", "57", "58", "55P03")
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip


def is_away(error: BaseException | None) -> bool:
    """Whether the database was locked, restarting, full or gone, or let another go first: the same may
    succeed later."""
    if not isinstance(error, AWAY):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(_POSTGRES_AWAY)  # without one, the connection was lost


def has_broken(error: BaseException | None) -> bool:
    """Whether a connection ended under its query, as in a restart: a new one may do better at once."""
    cause = error.__cause__ if error else None
    if not is_away(error) or isinstance(cause, (sqlite3.Error, NobodyThere)):
        return False
    return (getattr(cause, "sqlstate", None) or "08").startswith(("08", "57P"))


def limit_s() -> float:
    """Seconds to wait for a database that does not answer."""
    return _limit_s.get()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Wait at most this long for a connection, or a sign of life on one. (SQLite has neither to wait for.)"""
    token = _limit_s.set(seconds)
    try:
        yield
    finally:
        _limit_s.reset(token)


def check_answers(within_s: float) -> None:
    """Raises one of AWAY where the database cannot be read in this time."""
    if connection.vendor == "sqlite":
        _check_file(Path(connection.settings_dict["NAME"]), within_s)
        return
    with within(within_s):
        try:
            _ask()
        except AWAY:  # a connection from before a restart
            connection.close()
            _ask()


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ANY_ROW)
        cursor.fetchone()


def _check_file(path: Path, within_s: float) -> None:
    """On a connection of its own: the usual one waits as long as a writer may."""
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", timeout=within_s, uri=True)
        ) as file:
            file.execute(ANY_ROW).fetchone()
    except sqlite3.Error as error:
        raise OperationalError(str(error)) from error
