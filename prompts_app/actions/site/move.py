"""Moving everything to another database, SQLite or Postgres: each row exactly as it is, or nothing at all.

Rows are taken and put as Django's columns read them, so that what one database writes differently (times,
money, JSON, bytes) is the same afterwards. No default, no "now" and no check of a form comes between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched, zip_longest
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import Error, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, JSONField, JSONNull, Model, QuerySet
from django.db.utils import ConnectionHandler

from portfolio.database import is_away
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.errors import Refused
from prompts_app.models import Run

HERE, THERE = "default", "moved_to"
ROWS_AT_ONCE = 100  # pictures are rows of some 200 kB
MADE_BY_MIGRATE: tuple[type[Model], ...] = (Permission, ContentType)

type Table = type[Model]


@dataclass(frozen=True, slots=True)
class MovedRows:
    rows: dict[str, int]  # by table
    seals: int  # that hold there as they held here
    broken: int  # that did not hold here either


@contextmanager
def other_database(database: dict[str, Any]) -> Iterator[None]:
    """``connections[THERE]`` while it is open."""
    connections.settings[THERE] = ConnectionHandler({HERE: database}).settings[HERE]
    try:
        yield
    finally:
        connections[THERE].close()
        del connections[THERE]
        del connections.settings[THERE]


def move_all() -> MovedRows:
    """Copy every row to THERE, which is migrated and empty, and check it. Raises Refused: then nothing
    was written."""
    check_at_rest()
    try:
        with transaction.atomic(using=HERE), transaction.atomic(using=THERE):
            _hold_still()
            _check_ready()
            for table in MADE_BY_MIGRATE:
                _rows(table, THERE).delete()
            rows = {table._meta.db_table: _copy(table) for table in tables()}
            for table in tables():
                _check_same(table)
            _set_sequences()
            seals, broken = _check_seals()
    except Error as error:
        if is_away(error):
            raise Refused("move", f"A database did not answer, so nothing was moved: {error}") from error
        raise Refused("move", f"The other database did not take it, so nothing was moved: {error}") from error
    return MovedRows(rows, seals, broken)


def tables() -> list[Table]:
    """All that hold rows of ours. The cache is left behind: it is no more than counts of the last hour."""
    known = apps.get_models(include_auto_created=True)
    return [table for table in known if table._meta.managed and not table._meta.proxy]


def check_at_rest() -> None:
    """Raises Refused while a worker writes."""
    if Run.objects.held().exists():
        raise Refused("move", "A worker is at work. Stop the web server and all workers, then move.")


def _hold_still() -> None:
    """All is read as it is now. On SQLite the transaction has the one write lock already."""
    if connections[HERE].vendor == "postgresql":
        with connections[HERE].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _check_ready() -> None:
    applied = [set(MigrationRecorder(connections[alias]).applied_migrations()) for alias in (HERE, THERE)]
    if applied[0] != applied[1]:
        raise Refused(
            "move", "The other database is of another release. Migrate both with this one, then move."
        )
    filled = [t for t in tables() if t not in MADE_BY_MIGRATE and _rows(t, THERE).exists()]
    if filled:
        raise Refused(
            "move",
            f"The other database is not empty: it has rows in {filled[0]._meta.db_table}. Give an empty one.",
        )


def _rows(table: Table, alias: str) -> QuerySet[Any]:
    return table._base_manager.using(alias).order_by("pk")


def _columns(table: Table) -> list[Field[Any, Any]]:
    return [field for field in table._meta.local_concrete_fields if not field.generated]


def _values(table: Table, alias: str) -> Iterator[tuple[Any, ...]]:
    names = [field.attname for field in _columns(table)]
    return iter(_rows(table, alias).values_list(*names).iterator(chunk_size=ROWS_AT_ONCE))


def _copy(table: Table) -> int:
    columns, count = _columns(table), 0
    most = connections[THERE].ops.bulk_batch_size(columns, [None] * ROWS_AT_ONCE)
    for values in batched(_values(table, HERE), max(1, min(most, ROWS_AT_ONCE))):
        rows = [_row(table, columns, one) for one in values]
        try:
            # "Raw", as fixtures are loaded: without it, times that Django sets itself would be those of now.
            _rows(table, THERE)._insert(rows, columns, using=THERE, raw=True)  # type: ignore[attr-defined]
        except (Error, ValueError) as error:
            if is_away(error):
                raise
            which = f"{table._meta.db_table}, rows {rows[0].pk} to {rows[-1].pk}"
            raise Refused("move", f"Nothing was moved, as {which} cannot be kept there: {error}") from error
        count += len(rows)
    return count


def _row(table: Table, columns: list[Field[Any, Any]], values: tuple[Any, ...]) -> Model:
    row = table()
    for column, value in zip(columns, values, strict=True):
        is_null_of_json = value is None and isinstance(column, JSONField) and not column.null
        setattr(row, column.attname, JSONNull() if is_null_of_json else value)
    return row


def _check_same(table: Table) -> None:
    for number, (here, there) in enumerate(zip_longest(_values(table, HERE), _values(table, THERE)), 1):
        if here is None or there is None or not all(map(_equal, here, there)):
            raise Refused("move", f"Nothing was moved: row {number} of {table._meta.db_table} differs there.")


def _equal(here: Any, there: Any) -> bool:
    if isinstance(here, memoryview | bytes) and isinstance(there, memoryview | bytes):
        return bytes(here) == bytes(there)
    return type(here) is type(there) and bool(here == there)


def _set_sequences() -> None:
    """Postgres counts apart from the rows; SQLite has learned from them."""
    with connections[THERE].cursor() as cursor:
        for statement in connections[THERE].ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)


def _check_seals() -> tuple[int, int]:
    """How many hold, and how many did not here either."""
    count: Counter[bool] = Counter()
    for pk in Run.objects.filter(seals__isnull=False).distinct().order_by("pk").values_list("pk", flat=True):
        holds = _holds(pk)
        with _read_from(THERE):
            if _holds(pk) != holds:
                raise Refused(
                    "move", f"Nothing was moved: the seal of run {pk} does not hold there as it does here."
                )
        count[holds] += 1
    return count[True], count[False]


def _holds(pk: int) -> bool:
    run = Run.objects.select_related("prompt__owner", "version").get(pk=pk)
    return verify(sealed_file(run)).holds


@contextmanager
def _read_from(alias: str) -> Iterator[None]:
    """Whatever asks the default database asks that one."""
    usual = connections[HERE]
    connections[HERE] = connections[alias]
    try:
        yield
    finally:
        connections[HERE] = usual
