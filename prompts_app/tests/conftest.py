"""What every test gets: plain static files, a fast hash, no real queue, mail in memory, an empty cache."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# How long an example takes says something about the machine, not about the code: no deadline.
hypothesis_settings.register_profile("proofsheet", deadline=None)
hypothesis_settings.load_profile("proofsheet")


@pytest.fixture(autouse=True)
def quiet_settings(settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}}
    # In memory: a test of what the shared one does asks for it. See test_across_processes.py.
    settings.CACHES = {
        name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
        for name in settings.CACHES
    }
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
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
