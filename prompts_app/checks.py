"""``manage.py check --deploy``: tries what is configured, and names what is still open.

Each problem has a number, so that an operator who knows better can silence it (SILENCED_SYSTEM_CHECKS).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.mail import mailers
from django.db import connection

TRIED = "proofsheet-check"
OLDEST_POSTGRES = (15,)
EACH_PROCESS_ITS_OWN = (LocMemCache, DummyCache, FileBasedCache)  # the last has files, but counts by no lock


@register(Tags.security, deploy=True)
def what_is_configured_works(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    tries = {"database": _database, "cache": _cache, "queue": _queue, "mail": _mail, "data directory": _files}
    return [problem for part, attempt in tries.items() for problem in _problems(part, attempt)]


def _problems(part: str, attempt: Callable[[], Iterator[CheckMessage]]) -> Iterator[CheckMessage]:
    """Whatever a driver raises is an answer: it does not work."""
    try:
        yield from attempt()
    except Exception as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        yield Error(f"The {part} does not work: {said}", id="proofsheet.E001")


def _database() -> Iterator[CheckMessage]:
    connection.ensure_connection()
    if connection.vendor == "postgresql" and connection.get_database_version() < OLDEST_POSTGRES:
        yield Error("Postgres is older than 15.", id="proofsheet.E002")


def _cache() -> Iterator[CheckMessage]:
    for name in settings.CACHES:
        caches[name].set(TRIED, name, 10)
        if caches[name].get(TRIED) != name:
            yield Error(f"The cache “{name}” forgets what it was given.", id="proofsheet.E003")
    if isinstance(caches["default"], EACH_PROCESS_ITS_OWN):
        yield Warning(
            "The cache is each process's own: with several, limits on tries are as many times as wide, and a "
            "one-time code works once in each.",
            hint="Leave CACHE_URL out, or name a Redis in it.",
            id="proofsheet.W003",
        )


def _queue() -> Iterator[CheckMessage]:
    if "huey" in settings.TASKS["default"]["BACKEND"]:
        from huey.contrib.djhuey import HUEY

        HUEY.pending_count()
    yield from ()


def _mail() -> Iterator[CheckMessage]:
    """A server that is named; that none is, Django says itself."""
    for alias in settings.MAILERS if settings.EMAIL_SERVER else ():
        server = mailers[alias]
        server.open()
        server.close()
    yield from ()


def _files() -> Iterator[CheckMessage]:
    if not os.access(settings.DATA_DIR, os.W_OK):
        yield Error(f"{settings.DATA_DIR} cannot be written.", id="proofsheet.E004")
    for path in sorted(Path(settings.DATA_DIR).iterdir()):
        if path.suffix in {".key", ".sqlite3"} and path.stat().st_mode & 0o077:
            yield Warning(f"{path} can be read by others.", hint="chmod 600 it.", id="proofsheet.W001")
    if not settings.LOCAL and not settings.BEHIND_PROXY:
        yield Warning(
            "BEHIND_PROXY is not set: behind a proxy all visitors would share one address and rate limit.",
            hint="Set BEHIND_PROXY=1, and have the proxy send X-Forwarded-For and X-Forwarded-Proto.",
            id="proofsheet.W002",
        )
