"""What is limited, or works once, is so in all web processes together: real processes on one database."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from allauth.core.ratelimit import consume
from django.conf import settings as django_settings
from django.core.cache import cache, caches
from django.core.cache.backends.base import BaseCache
from django.db import connection
from django.test import RequestFactory, override_settings

from portfolio.secrets import local_secret_key
from prompts_app.actions.site.health import tidy_up
from prompts_app.tests.workers import database_url

SHARED = {
    "default": {
        "BACKEND": "portfolio.cache.SharedCache",
        "LOCATION": django_settings.CACHE_TABLE,
        "OPTIONS": {"MAX_ENTRIES": 20},
        "KEY_FUNCTION": "portfolio.cache.hidden",
    }
}
AT_ONCE, EACH = 4, 10

START = f"""
EACH = {EACH}
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "portfolio.settings"
import django; django.setup()
from django.core.cache import cache
cache.get("warm")
print("ready", flush=True); sys.stdin.readline()
"""
GUESS = """
from allauth.core.ratelimit import consume
from django.test import RequestFactory
request = RequestFactory().post("/")
print(sum(consume(request, action="blind_vote", key="one") for _ in range(20)))
"""
TAKE = """
print(sum(cache.add(f"code-{n}", "y", timeout=30) for n in range(EACH)))
"""


@pytest.fixture
def shared() -> Any:
    with override_settings(CACHES=SHARED):
        cache.clear()
        yield caches["default"]
        cache.clear()


def in_processes(code: str, directory: Path) -> list[int]:
    """What each of the processes counted; all begin at the same moment."""
    at = {"DATABASE_URL": database_url(), "DATA_DIR": str(directory), "CACHE_URL": ""}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START + code],
            env={**os.environ, **at},
            cwd=django_settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(AT_ONCE)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [int(process.communicate(timeout=60)[0]) for process in processes]


@pytest.mark.django_db(transaction=True)
def test_tries_in_several_processes_are_counted_together(shared: BaseCache, tmp_path: Path) -> None:
    """60 an hour are meant, and 4 processes try 20 each."""
    counted = in_processes(GUESS, tmp_path)
    assert 0 < sum(counted) <= 60


@pytest.mark.django_db(transaction=True)
def test_what_is_added_at_once_is_added_by_one(shared: BaseCache, tmp_path: Path) -> None:
    assert sum(in_processes(TAKE, tmp_path)) == EACH


def test_who_makes_the_secret_second_takes_the_firsts_and_nobody_reads_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, first = os.link, []

    def second(source: str, target: Path) -> None:
        assert not target.exists()  # whoever starts now makes one, too; an empty file would be read
        monkeypatch.setattr(os, "link", link)
        first.append(local_secret_key(tmp_path))
        link(source, target)

    monkeypatch.setattr(os, "link", second)
    assert [local_secret_key(tmp_path)] == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_what_ran_out_is_added_anew_by_one(shared: BaseCache, tmp_path: Path) -> None:
    for n in range(EACH):
        cache.set(f"code-{n}", "y", timeout=-1)
    assert sum(in_processes(TAKE, tmp_path)) == EACH


@pytest.mark.django_db
def test_nothing_is_forgotten_before_its_time_to_make_room(shared: BaseCache) -> None:
    cache.set("counted", 5, timeout=60)
    for n in range(50):
        cache.set(f"zz-{n}", n, timeout=60)
        cache.set(f"aa-{n}", n, timeout=-1)
    assert cache.get("counted") == 5
    assert cache.get_many([f"zz-{n}" for n in range(50)]).keys() == {f"zz-{n}" for n in range(50)}


@pytest.mark.django_db
def test_what_is_added_lasts_as_long_as_said(shared: BaseCache) -> None:
    assert cache.add("once", [1.5], timeout=60)
    assert not cache.add("once", 2, timeout=60)
    assert cache.get("once") == [1.5]
    assert cache.add("for-ever", 1, timeout=None)
    assert cache.add("over", 1, timeout=0)
    assert cache.get("over") is None


@pytest.mark.django_db
def test_neither_addresses_nor_codes_can_be_read_in_the_table(shared: BaseCache) -> None:
    assert consume(RequestFactory().post("/", REMOTE_ADDR="192.0.2.77"), action="login")
    cache.add("used?code=123456", "y")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT cache_key FROM {django_settings.CACHE_TABLE}")
        keys = str(cursor.fetchall())
    assert len(keys) > 100
    assert "192.0.2" not in keys
    assert "123456" not in keys


@pytest.mark.django_db
def test_what_ran_out_is_dropped_each_day(shared: BaseCache) -> None:
    cache.set("over", 1, timeout=-1)
    cache.set("counts", 1, timeout=60)
    tidy_up()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {django_settings.CACHE_TABLE}")
        assert cursor.fetchone() == (1,)


def test_the_site_counts_in_the_database_by_default() -> None:
    """Whatever these tests use: the settings as a process reads them."""
    asked = "from portfolio import settings; print(settings.CACHES['default']['BACKEND'])"
    environ = {**os.environ, "CACHE_URL": ""}
    said = subprocess.check_output(
        [sys.executable, "-c", asked], env=environ, cwd=django_settings.BASE_DIR, text=True
    )
    assert said.strip() == "portfolio.cache.SharedCache"
