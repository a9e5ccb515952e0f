"""What every test gets: plain static files, a fast hash, no real queue, mail in memory, an empty cache."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# How long an example takes says something about the machine, not about the code: no deadline.
hypothesis_settings.register_profile("proofsheet", deadline=None)
hypothesis_settings.load_profile("proofsheet")


@pytest.fixture(scope="session", autouse=True)
def quiet_settings() -> Iterator[None]:
    files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        STORAGES={**settings.STORAGES, "staticfiles": files},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TASKS={"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}},
        # In memory: a test of what the shared one does asks for it. See test_across_processes.py.
        CACHES={
            name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
            for name in settings.CACHES
        },
        MAILERS={"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}},
    ):
        yield


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    for name in settings.CACHES:
        caches[name].clear()  # sign-ins are limited by the minute, and a process runs many tests in one


@pytest.fixture
def count_queries() -> Callable[[Callable[[], Any]], int]:
    """``count_queries(lambda: client.get("/"))``: how many queries that took."""

    def count(act: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            act()
        return len(queries)

    return count


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What `collectstatic` makes, once for all processes of a run: compressing takes seconds."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "collected"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "static" / "staticfiles.json").exists():
            subprocess.run(
                [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DATA_DIR": str(shared)},
                check=True,
            )
    return shared / "static"


@cache
def tables_of_tests() -> list[str]:
    """All but those whose rows `migrate` makes, which are left."""
    made = {"django_content_type", "auth_permission"}
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - made)


def empty_what_has_rows(case: TransactionTestCase) -> None:
    """After a test whose transactions are real.

    Django's own way empties every table and makes all permissions anew, which takes longer than most tests.
    Triggers may write rows into tables that are empty already: it is done when no table has any.
    """
    has_rows = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables_of_tests()
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(has_rows)
        while found := cursor.fetchall():
            for (table,) in found:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute(has_rows)


TransactionTestCase._fixture_teardown = empty_what_has_rows  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for processes begin first, so that nobody waits for them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


class BySetUp(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests stay in one process, and so do all browser tests: they share one running site."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "browser" if "/tests/browser/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BySetUp | None:
    return BySetUp(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A browser that is missing is said at the very end, where it is read."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("BROWSER TESTS DID NOT RUN" in str(report.longrepr) for report in skipped):
        terminalreporter.section("BROWSER TESTS DID NOT RUN: no Chromium on this machine", sep="!")
