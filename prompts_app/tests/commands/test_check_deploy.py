"""`check --deploy` tries what is configured; Redis works as documented; files of the site are its owner's."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from portfolio.supervisor import answers
from prompts_app.tests.commands.test_serve import free_port
from prompts_app.tests.workers import eventually

RIGHT = {
    "SITE_URL": "https://proofsheet.example",
    "BEHIND_PROXY": "1",
    "SECRET_KEY": "k" * 25 + "0123456789" * 4,
    "DATABASE_URL": "",
    "EMAIL_HOST": "",
}


def run(directory: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, **RIGHT, "DATA_DIR": str(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its database file was made by hand, for everybody to read."""
    directory = tmp_path_factory.mktemp("data")
    (directory / "proofsheet.sqlite3").touch(mode=0o644)
    assert run(directory, "migrate", "--verbosity", "0").returncode == 0
    return directory


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own."""
    program = shutil.which("redis-server")
    if program is None:
        assert os.environ.get("CI") != "true", "no redis-server on this machine"
        pytest.skip("no redis-server on this machine")
    port = free_port()
    process = subprocess.Popen([program, "--port", str(port), "--save", "", "--dir", str(tmp_path)])
    eventually(lambda: answers("127.0.0.1", port), 20)
    yield f"redis://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_an_installation_as_documented_has_nothing_open_but_mail(ready: Path) -> None:
    done = run(ready, "check", "--deploy")
    assert "identified 1 issue" in done.stderr, done.stderr
    assert "mail.E001" in done.stderr


def test_what_does_not_work_is_named(ready: Path) -> None:
    nobody = "127.0.0.1:1"
    said = run(
        ready, "check", "--deploy", BEHIND_PROXY="0", DATABASE_URL=f"postgres://nobody@{nobody}/none",
        CACHE_URL=f"redis://{nobody}/0", QUEUE_URL=f"redis://{nobody}/0", EMAIL_HOST="127.0.0.1",
        EMAIL_PORT="1",
    ).stderr  # fmt: skip
    for part in ("database", "cache", "queue", "mail"):
        assert f"The {part} does not work: " in said
    assert "proofsheet.W002" in said


@pytest.mark.parametrize("url", ["locmem://", "dummy://", "file:///tmp/proofsheet-no-cache"])
def test_a_cache_that_counts_for_each_process_alone_is_named(ready: Path, url: str) -> None:
    assert "proofsheet.W003" in run(ready, "check", "--deploy", CACHE_URL=url).stderr


def test_queue_and_cache_in_redis(ready: Path, redis: str) -> None:
    there = {"QUEUE_URL": f"{redis}/0", "CACHE_URL": f"{redis}/1"}
    said = run(ready, "check", "--deploy", **there).stderr
    assert "does not work" not in said
    assert "mail.E001" in said
    code = (
        "from django.core.cache import cache, caches;"
        "from prompts_app.actions.runs.execute import enqueue_run;"
        "from huey.contrib.djhuey import HUEY; cache.add('a', 1); cache.incr('a'); enqueue_run(1);"
        "print(cache.get('a'), HUEY.pending_count());"
        # Whoever asks for enough addresses must not fill it: tries at passwords are counted there.
        "cache.clear(); caches['pages'].set('a', 1);"
        "caches['pages_of_queries'].set('a', 1); print(caches['pages'].get('a'));"
        "print(len(cache._cache.get_client().keys()))"
    )
    assert run(ready, "shell", "--no-imports", "-c", code, **there).stdout.split() == ["2", "1", "1", "0"]


def test_databases_and_secrets_are_their_owners_alone(ready: Path) -> None:
    files = [path for path in ready.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"proofsheet.sqlite3", "queue.sqlite3", "endpoint.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
