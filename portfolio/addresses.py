"""What a ``DATABASE_URL`` means to Django: one place for the site's own database and for one it moves to."""

from pathlib import Path
from typing import Any

import dj_database_url

from portfolio.secrets import keep_private


def database_at(url: str, *, sqlite_timeout_s: float) -> dict[str, Any]:
    """An entry of DATABASES. ``sqlite_timeout_s`` is how long one writer waits for another."""
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    database["CONN_MAX_AGE"] = (
        600  # one connection a thread: on SQLite too, a new one costs more than a query
    )
    if database["ENGINE"] != "django.db.backends.sqlite3":
        # Looked at before each request.
        return database | {"ENGINE": "portfolio.postgres", "CONN_HEALTH_CHECKS": True}
    # WAL and one writer at a time, taken at the start of a transaction: no "database is locked" surprises.
    # 500 KB of cache, not 2 MB, for each of some fifty connections: the system has the file in memory, too.
    database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": sqlite_timeout_s,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-500;",
    }
    keep_private(Path(database["NAME"]))
    return database
