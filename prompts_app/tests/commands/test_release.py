"""A release is started on its own database only: one sentence says what to do, and nothing is written."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from portfolio.release import check_release, what_does_not_fit
from prompts_app.models import page_triggers
from prompts_app.tests.workers import database_url

pytestmark = pytest.mark.django_db

OLDER = "older than its database, which has 9999_from_the_future: start the newer release again"
NEWER = "The database is not ready for this version. Run `manage.py migrate`"

BETWEEN = "it has 0009_jobs.* Run `manage.py migrate` of a version that still has 0010_listing_waits"

COMMANDS: dict[str, list[Any]] = {
    "run_huey": [],
    "load_demo": [],
    "record_demo": ["--model", "m", "http://127.0.0.1:1/v1"],
    "import_prompts": ["x", "--owner", "alice"],
    "run_suite": ["alice/x", "--endpoint", "practice", "--model", "m"],
    "rotate_keys": [],
    "free_handle": ["nobody"],
    "move_database": ["--to", "sqlite:////tmp/never.sqlite3"],
}


def of_a_newer_release() -> None:
    MigrationRecorder(connection).record_applied("prompts_app", "9999_from_the_future")


def of_an_older_release() -> None:
    loader, recorder = MigrationLoader(connection), MigrationRecorder(connection)
    (newest,) = loader.graph.leaf_nodes("prompts_app")
    for app, name in (newest, *loader.disk_migrations[newest].replaces):
        recorder.record_unapplied(app, name)


def of_a_version_between_two_releases() -> None:
    """All of 0003 to 0009 was applied, and 0010 was not there yet."""
    recorder = MigrationRecorder(connection)
    for name in ("0003_lists_and_jobs", "0010_listing_waits", "0004_search_costs"):
        recorder.record_unapplied("prompts_app", name)


def test_its_own_database_is_fine() -> None:
    assert what_does_not_fit() == ""
    check_release()


def test_what_another_app_has_left_behind_does_not_matter() -> None:
    MigrationRecorder(connection).record_applied("account", "9999_squashed_long_ago")
    MigrationRecorder(connection).record_applied("an_app_that_was", "0001_initial")
    assert what_does_not_fit() == ""


def test_a_database_from_before_the_migrations_were_squashed_is_fine() -> None:
    applied = MigrationRecorder(connection)
    for name in ("0001_squashed", "0002_squashed_search"):
        applied.record_unapplied("prompts_app", name)
    assert {"0001_initial", "0029_ended_early"} <= set(
        applied.migration_qs.filter(app="prompts_app").values_list("name", flat=True)
    )
    assert what_does_not_fit() == ""


def test_a_database_that_stopped_between_two_releases_is_not_migrated_and_keeps_what_it_has() -> None:
    of_a_version_between_two_releases()
    before = MigrationRecorder(connection).applied_migrations().keys()
    with pytest.raises(CommandError, match=BETWEEN):
        call_command("migrate", verbosity=0)
    assert MigrationRecorder(connection).applied_migrations().keys() == before
    assert page_triggers.are_there()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (of_a_newer_release, OLDER),
        (of_an_older_release, NEWER),
        (of_a_version_between_two_releases, BETWEEN),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_writes_is_not_started(command: str, make: Any, said: str) -> None:
    make()
    with pytest.raises(CommandError, match=said):
        call_command(command, *COMMANDS[command])


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nor_is_a_web_server() -> None:
    start = [sys.executable, "-c", "import portfolio.wsgi"]
    environ = {**os.environ, "DATABASE_URL": database_url()}

    def started() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            start, cwd=settings.BASE_DIR, env=environ, capture_output=True, text=True, check=False
        )

    of_a_newer_release()
    try:
        refused = started()
        assert refused.returncode == 1
        assert OLDER in refused.stderr
        assert "Traceback" not in refused.stderr
    finally:
        MigrationRecorder(connection).record_unapplied("prompts_app", "9999_from_the_future")
    assert started().returncode == 0
    environ["DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/away"
    assert started().returncode == 0  # its pages say that the database is away, until it is there


@pytest.mark.django_db(transaction=True)
def test_a_worker_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    came, started = iter([OperationalError("away"), OperationalError("away"), None]), list[bool]()

    def check() -> None:
        if error := next(came):
            raise error

    monkeypatch.setattr("prompts_app.management.commands.run_huey.check_release", check)
    monkeypatch.setattr("prompts_app.actions.runs.db_retry.sleep", lambda seconds: None)
    monkeypatch.setattr(
        "huey.contrib.djhuey.management.commands.run_huey.Command.handle",
        lambda self, *args, **options: started.append(True),
    )
    call_command("run_huey")
    assert started == [True]
