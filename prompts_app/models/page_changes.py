"""Since when a stored page may be out of date: when each thing that public pages show was last changed.

Database triggers (see page_triggers) write a row for each key in the transaction of the change, so that both
are seen at the same instant by everybody. A page is stored with the keys of all it shows and the moment
before its rendering began; it may be served as long as none of its keys changed after that moment.

Keys: ``p:1`` a prompt with all that hangs on it, ``a:1`` a person, ``w:1`` what a person has published,
``list`` what anybody has published, ``site`` everything.
"""

from collections.abc import Collection
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

TABLE = "prompts_app_pagechange"
LIST, SITE = "list", "site"
LONGEST_KEPT_S = 3600.0  # no page is stored for longer: what changed long before that need not be known

type Moment = str


def prompt_key(pk: int) -> str:
    return f"p:{pk}"


def person_key(pk: int) -> str:
    return f"a:{pk}"


def work_key(pk: int) -> str:
    return f"w:{pk}"


def moment() -> Moment:
    """Now, as the database counts. SQLite's writers come one after another: the number of the newest change
    says it. On Postgres one with a lower number may be committed later: there it is a snapshot."""
    if connection.vendor == "postgresql":
        return str(_ask("SELECT pg_current_snapshot()::text", [])[0])
    return str(_ask(f"SELECT coalesce(max(id), 0) FROM {TABLE}", [])[0])


# Key by key, each with a limit: that is read from the index always. For one LIMIT over ``key = ANY`` Postgres
# expects to find a row soon and reads the whole table, to find none.
_CHANGED_SINCE = (
    "SELECT 1 FROM unnest($1::text[]) AS shown(key), LATERAL ("
    f"SELECT 1 FROM {TABLE} AS change WHERE change.key = shown.key "
    "AND xid >= pg_snapshot_xmin($2::pg_snapshot) "
    "AND NOT pg_visible_in_snapshot(xid, $2::pg_snapshot) LIMIT 1) AS changed LIMIT 1"
).encode()


def have_changed(keys: Collection[str], since: Moment) -> bool:
    """Whether any of these was changed by a transaction that ``since`` did not see.

    One query, on the driver's own connection: Django's cursor costs as much as all else of a stored page.
    """
    at = connections[DEFAULT_DB_ALIAS]
    at.ensure_connection()
    with at.wrap_database_errors:
        if at.vendor == "postgresql":
            return bool(at.connection.has_row(_CHANGED_SINCE, [f"{{{','.join(keys)}}}", since]))
        places = ", ".join("?" * len(keys))
        statement = f"SELECT 1 FROM {TABLE} WHERE key IN ({places}) AND id > ? LIMIT 1"
        return at.connection.execute(statement, [*keys, int(since)]).fetchone() is not None


def _ask(statement: str, values: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def change(key: str, using: str = "default") -> None:
    """As the triggers do: every page that shows it is made anew. ``SITE``: every page there is."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            values = "VALUES (%s, pg_current_xact_id()) ON CONFLICT DO NOTHING"
            cursor.execute(f"INSERT INTO {TABLE} (key, xid) {values}", [key])
        else:
            cursor.execute(f"REPLACE INTO {TABLE} (key) VALUES (%s)", [key])


def forget_old_changes() -> None:
    """Those of long ago on Postgres, where each transaction has its own rows, so that none waits for another.
    On SQLite there is one row a key."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE at < clock_timestamp() - interval '1 day'")
