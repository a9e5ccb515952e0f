"""A column that is added to a table leaves its rows where they are."""

from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from portfolio.added_columns import AddColumn

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM zoo_animal ORDER BY id")
        return list(cursor.fetchall())


def place() -> int:
    """Where SQLite has the table: another page after it was written anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'zoo_animal'")
        return int(cursor.fetchone()[0])


def apply(operation: Any, state: ProjectState, *, back: bool = False) -> ProjectState:
    after = state.clone()
    operation.state_forwards("zoo", after)
    with connection.schema_editor() as editor:
        if back:
            operation.database_backwards("zoo", editor, after, state)
        else:
            operation.database_forwards("zoo", editor, state, after)
    return after


@pytest.fixture
def animals() -> Any:
    columns: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.AutoField(primary_key=True)),
        ("name", models.TextField()),
    ]
    make = migrations.CreateModel("Animal", columns)
    state = apply(make, ProjectState())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO zoo_animal (name) VALUES ('quokka'), ('the numbat')")
    yield state
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE zoo_animal")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (models.CharField(max_length=12, default="it's"), "it's"),
        (models.CharField(max_length=12, blank=True), ""),
        (models.JSONField(default=list), "[]"),
        (models.JSONField(default=dict, blank=True), "{}"),
        (models.BooleanField(default=False), 0),
        (models.PositiveSmallIntegerField(default=7), 7),
        (models.PositiveSmallIntegerField(null=True), None),
    ],
)
def test_every_row_has_its_default_and_none_was_moved(animals: ProjectState, field: Any, value: Any) -> None:
    is_sqlite = connection.vendor == "sqlite"
    before = place() if is_sqlite else 0
    add = AddColumn("animal", "more", field)
    apply(add, animals)
    assert [(name, more) for _, name, more in rows()] in (
        [("quokka", value), ("the numbat", value)],
        [("quokka", bool(value)), ("the numbat", bool(value))],
        [("quokka", str(value)), ("the numbat", str(value))],
    )
    if is_sqlite:
        assert place() == before
    apply(add, animals, back=True)
    assert rows() == [(1, "quokka"), (2, "the numbat")]
