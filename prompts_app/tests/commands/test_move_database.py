"""`move_database`: every row, exactly, to the other kind of database and back."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.utils import ConnectionHandler

from portfolio.addresses import database_at
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.lifecycle import practice_endpoint, start_batch
from prompts_app.actions.site.move import HERE, _values, tables
from prompts_app.models import Prompt, Result, Run, SearchDocument, User
from prompts_app.tests.actions.running import YES, a_run, a_version, fresh
from prompts_app.tests.engine.servers import answering
from prompts_app.tests.people import alice
from prompts_app.tests.postgres import NoPostgres, own_postgres
from prompts_app.tests.workers import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MOMENT = datetime(2026, 11, 29, 23, 59, 59, 999_999, UTC)
ODD_TEXT = "  été ÅÅ \u2028 👩‍👩‍👧 \\u0000 '\";\t\r\n"


@pytest.fixture
def run() -> Run:
    """A sealed run, and beside it what databases write in ways of their own."""
    with answering(YES) as server:
        made = a_run(server, cases=3)
        execute_run(made.pk)
    other = a_practice_run()
    Result.objects.filter(run=other).update(
        created_at=MOMENT,
        cost=Decimal("123456.00000001"),
        latency_ms=0.1 + 0.2,
        output=ODD_TEXT,
        request={"z": 1, "a": [1.5, None, True, {"b": ODD_TEXT, "": 12345678901234567}], "model": "m"},
    )
    Prompt.objects.filter(pk=made.prompt_id).update(created_at=MOMENT, updated_at=MOMENT, summary="")
    made.endpoint.encrypted_key = bytes(range(256))  # type: ignore[union-attr]
    made.endpoint.save()  # type: ignore[union-attr]
    User.objects.filter(pk=made.prompt.owner_id).update(last_login=None, date_joined=MOMENT)
    return fresh(made)


def a_practice_run() -> Run:
    version = a_version(2)
    made = start_batch(
        version.prompt, BatchPlan([version], practice_endpoint(alice()), ["practice"])
    ).runs.get()
    execute_run(made.pk)
    return made


def everything() -> dict[str, list[Any]]:
    """Each row of each table, bytes as bytes."""
    return {
        table._meta.db_table: [
            [bytes(value) if isinstance(value, memoryview) else value for value in row]
            for row in _values(table, HERE)
        ]
        for table in tables()
    }


@contextmanager
def on(url: str) -> Iterator[None]:
    """That database is the one this process asks."""
    usual = connections[HERE]
    connections[HERE] = ConnectionHandler({HERE: database_at(url, sqlite_timeout_s=5)})[HERE]
    try:
        yield
    finally:
        connections[HERE].close()
        connections[HERE] = usual


def at(url: str) -> dict[str, list[Any]]:
    with on(url):
        return everything()


def move(to: str, start: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DATABASE_URL": start, "ENDPOINT_KEYS": ",".join(settings.ENDPOINT_KEYS)}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "move_database", "--to", to]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def moved(to: str, start: str | None = None) -> str:
    """What the command says, run from the database at ``start`` (else the tests' own)."""
    done = move(to, start or database_url())
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(to: str) -> str:
    """The one sentence."""
    done = move(to, database_url())
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: ")
    return done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    try:
        with own_postgres() as server:
            yield server.url
    except NoPostgres as why:
        pytest.skip(str(why))


@pytest.fixture
def other_kind(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of the kind the tests do not run on."""
    if connection.vendor == "postgresql":
        return f"sqlite:///{tmp_path}/moved.sqlite3"
    server = request.getfixturevalue("postgres")
    name = f"moved_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as there:
        there.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"


def test_there_and_back_every_row_is_what_it_was(run: Run, other_kind: str, tmp_path: Path) -> None:
    before = everything()
    assert sum(map(len, before.values())) > 40
    said = moved(other_kind)
    assert "1 seals hold there." in said
    assert "rows are there as they are here" in said
    assert "set DATABASE_URL" in said
    assert everything() == before  # nothing was taken away
    assert at(other_kind) == before
    assert "not empty: it has rows in" in refused(other_kind)
    assert at(other_kind) == before
    back = f"sqlite:///{tmp_path}/back.sqlite3"
    assert "1 seals hold there." in moved(back, start=other_kind)
    assert at(back) == before
    check_goes_on(other_kind)


def check_goes_on(url: str) -> None:
    """New rows get numbers of their own, and what was moved is found."""
    indexed = SearchDocument.objects.count()
    with on(url):
        known = set(User.objects.values_list("pk", flat=True))
        assert User.objects.create(username="later", email="l@example.org").pk not in known
        assert SearchDocument.objects.count() == indexed


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite takes what Postgres does not")
def test_what_the_other_kind_does_not_take_is_named_and_nothing_moved(run: Run, other_kind: str) -> None:
    longer_than_the_column, nul_in_a_text = {"fingerprint": "x" * 201}, {"output": "NUL \x00"}
    for spoilt in (longer_than_the_column, {"fingerprint": "", **nul_in_a_text}):
        Result.objects.update(**spoilt)
        said = refused(other_kind)
        assert re.search(
            r"Nothing was moved, as prompts_app_result, rows \d+ to \d+ cannot be kept there", said
        )
        assert not any(rows for name, rows in at(other_kind).items() if name.startswith("prompts_app"))


def test_what_cannot_be_moved_now_is_one_sentence(run: Run, tmp_path: Path) -> None:
    for to, said in (
        (database_url(), "all this is in already"),
        ("no address", "no address of a database"),
        ("postgres://nobody:hush@127.0.0.1:1/nothing", "could not be made there, and nothing was moved"),
    ):
        with pytest.raises(CommandError, match=said) as told:
            call_command("move_database", "--to", to, stdout=StringIO())
        assert "hush" not in str(told.value)
    Run.objects.filter(pk=run.pk).update(state=Run.State.QUEUED, finished_at=None)
    assert Run.objects.claim(run.pk, "at work")
    with pytest.raises(CommandError, match="A worker is at work"):
        call_command("move_database", "--to", f"sqlite:///{tmp_path}/there.sqlite3", stdout=StringIO())


def test_a_seal_that_does_not_hold_here_is_counted_and_moved_as_it_is(run: Run, tmp_path: Path) -> None:
    Result.objects.filter(run=run, case_index=0).update(output="changed behind its back")
    there = f"sqlite:///{tmp_path}/there.sqlite3"
    assert "1 did not hold here" in moved(there)
    assert at(there) == everything()
