"""Work of many transactions, and who waits meanwhile for SQLite's one lock."""

import sqlite3
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from django.db import connection

from prompts_app.actions.accounts.jobs import begin, work_on
from prompts_app.actions.importing.apply import CHUNK
from prompts_app.actions.importing.job import run_import, undo
from prompts_app.actions.runs.turns import Turns
from prompts_app.models import Job
from prompts_app.tests.actions.test_import_job import begun, fresh, table
from prompts_app.tests.people import alice

TRANSACTIONS, EACH_S = 30, 0.1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere writers queue")
def test_who_waits_writes_before_the_work_has_ended(tmp_path: Path) -> None:
    file, ended = tmp_path / "site.sqlite3", list[int]()

    def work() -> None:
        database, turns = sqlite3.connect(file, isolation_level=None), Turns()
        for number in range(TRANSACTIONS):
            database.execute("BEGIN IMMEDIATE")
            sleep(EACH_S)
            database.execute("COMMIT")
            ended.append(number)
            turns.give()
        database.close()

    worker = Thread(target=work)
    worker.start()
    sleep(EACH_S / 2)
    other = sqlite3.connect(file, isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    done_meanwhile = len(ended)
    other.execute("COMMIT")
    other.close()
    worker.join()
    assert done_meanwhile < TRANSACTIONS / 2


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Turns]:
    turns: list[Turns] = []
    monkeypatch.setattr(Turns, "give", lambda self: turns.append(self))
    return turns


@pytest.mark.django_db
def test_an_import_and_its_undoing_give_turns_after_each_chunk(given: list[Turns]) -> None:
    row = begun(table(CHUNK + 50))
    run_import(row.pk)
    assert len(given) >= 2
    given.clear()
    undo(fresh(row), keep_changed=True)
    run_import(row.pk)
    assert len(given) >= 150 / 20


@pytest.mark.django_db
def test_a_job_on_an_account_gives_turns_after_each_step(given: list[Turns]) -> None:
    job = begin(alice(), Job.Kind.EXPORT, 0)
    left = [True, True, False]
    work_on(job.pk, lambda job: left.pop(0))
    assert len(given) == 2
