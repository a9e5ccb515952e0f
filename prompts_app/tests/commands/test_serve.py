"""`serve`: web server and worker as one, started as `make run` starts them."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from time import monotonic

import pytest
from django.conf import settings
from django.core.management import CommandError

from portfolio.supervisor import Child, answers
from prompts_app.management.commands.serve import check_port, environment
from prompts_app.tests.workers import database_url, eventually

started = pytest.mark.django_db(transaction=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(directory: Path, port: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "SITE_URL"}}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1", *arguments],
        cwd=settings.BASE_DIR,
        env={
            **kept,
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(directory),
            "ENDPOINT_KEYS": ",".join(settings.ENDPOINT_KEYS),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def commands(pids: list[int]) -> dict[int, str]:
    if not pids:
        return {}
    wanted = ",".join(map(str, pids))
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "-p", wanted], capture_output=True, text=True, check=False
    )
    return {int(pid): args for pid, args in (line.split(None, 1) for line in listed.stdout.splitlines())}


def child_called(word: str, parent: int) -> int:
    """0 where there is none."""
    return next((pid for pid, line in commands(children_of(parent)).items() if word in line), 0)


def kill(pid: int) -> None:
    """Number 0 would be this test, and all that was started with it."""
    assert pid > 0
    os.kill(pid, signal.SIGKILL)


def is_gone(pid: int) -> bool:
    return "defunct" in (line := commands([pid]).get(pid, "defunct")) or not line


def answers_http(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.mark.slow
@started
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_both_start_and_both_stop_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        said = list(takewhile(lambda line: f"http://127.0.0.1:{port}/" not in line, lines))
        assert answers_http(port)  # it says so when it does
        children = children_of(process.pid)
        running = " ".join(commands(children).values())
        assert "portfolio.web" in running
        assert "run_huey" in running
        process.send_signal(how)
        assert process.wait(20) == 0
        said += lines
    assert said[-1] == "Stopping …\n"
    assert "Traceback" not in " ".join(said)
    assert all(is_gone(child) for child in children)


@pytest.mark.slow
@started
def test_when_the_web_server_dies_the_worker_is_stopped_and_the_status_says_so(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        eventually(lambda: answers_http(port), within_s=90)
        children = commands(children_of(process.pid))
        kill(child_called("portfolio.web", process.pid))
        assert process.wait(20) == 1
        assert not answers("127.0.0.1", port)
        assert process.stdout
        assert "ended by itself" in process.stdout.read()
    assert all(is_gone(child) for child in children)


@pytest.mark.slow
@started
def test_a_worker_that_dies_is_started_again_beside_the_same_web_server(tmp_path: Path) -> None:
    """That a killed worker's run goes on with the next one is tested in actions/test_killed.py."""
    port = free_port()
    with serving(tmp_path, port) as process:
        eventually(lambda: answers_http(port), within_s=90)
        eventually(lambda: child_called("run_huey", process.pid) > 0, within_s=30)
        web, first = (child_called(word, process.pid) for word in ("portfolio.web", "run_huey"))
        kill(first)
        eventually(lambda: child_called("run_huey", process.pid) not in (0, first), within_s=30)
        assert child_called("portfolio.web", process.pid) == web
        second = child_called("run_huey", process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout
        assert "The worker ended by itself (status -9); it is started again in 1 s." in process.stdout.read()
    assert is_gone(second)


def test_one_that_ends_at_once_each_time_is_started_less_and_less_often() -> None:
    child = Child("worker", [], started_at=monotonic())
    assert [child.wait_before_start() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    child.started_at = monotonic() - 61
    assert child.wait_before_start() == 1


@pytest.mark.slow
@started
def test_killed_it_takes_its_children_along(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        eventually(lambda: answers_http(port), within_s=90)
        children = children_of(process.pid)
        process.kill()
        process.wait()
        eventually(lambda: all(is_gone(child) for child in children))
    assert not answers("127.0.0.1", port)


@pytest.mark.slow
def test_an_empty_database_is_one_sentence(tmp_path: Path) -> None:
    asked = [sys.executable, "manage.py", "serve", "--port", str(free_port())]
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        asked, cwd=settings.BASE_DIR, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: The database is not ready")


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is taken .* PORT={port + 1} make run"):
            check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [("127.0.0.1", 70000, "number from 1"), ("no.such.host.invalid", 8000, "no host called")],
)
def test_an_impossible_address_is_one_sentence(host: str, port: int, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        check_port(host, port)


def test_the_site_knows_its_own_address_unless_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    assert environment(8123)["SITE_URL"] == "http://127.0.0.1:8123"
    monkeypatch.setenv("SITE_URL", "https://proofs.example.org")
    assert environment(8123)["SITE_URL"] == "https://proofs.example.org"
