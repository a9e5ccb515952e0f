"""``manage.py serve``: the web server and the worker together, started and stopped as one.

A worker that ends by itself (out of memory, a database that was locked while it started) is started again:
its runs go on where they were. Without the web server there is nothing to serve, so then all ends.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection

from portfolio.release import check_release

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 15.0
ORPHANS_WITHIN_S = 10.0  # as long as a worker may take (see actions.runs.stopping)
LOOK_EVERY_S = 0.2
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0  # before a worker is started again; doubled each time
LIVED_LONG_S = 60.0  # after which it is no longer one that ends at once
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ALL_WELL = b"all well\n"
BACKLOG = 2048
MOST_CONNECTIONS = 8192  # of each web process, most of them idle or slow: beyond it nobody else gets in
OTHER_FILES = 256  # what else a web process has open: each thread its database


class Stop(Exception):
    """Somebody asked us to end."""


class Command(BaseCommand):
    help = "Start the web server and the worker, and stop both together (Ctrl-C)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--workers", type=int, default=2, help="web server processes (default: 2)")
        parser.add_argument(
            "--no-worker", action="store_true", help="web only; runs wait for a worker elsewhere"
        )
        parser.add_argument(
            "--prepare",
            action="store_true",
            help="first migrate, collect static files and load the demo content",
        )

    def handle(self, **options: Any) -> None:
        host, port = options["host"], options["port"]
        check_port(host, port)
        children = [Child("web server", web_command(host, port, options["workers"]))]
        if not options["no_worker"]:
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_huey", "--quiet"]
            children.append(Child("worker", command, comes_back=True))
        family = Family(children, environment(port), self._say)
        for number in STOP_SIGNALS:
            signal.signal(number, _raise_stop)
        try:
            if options["prepare"]:
                self._prepare()
            check_release()
            connection.close()
            family.start()
            self._greet(family, host, port)
            family.watch()
        except Stop:
            self._say("Stopping …")
        finally:
            family.stop()

    def _prepare(self) -> None:
        self._say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        self._say("Collecting static files …")
        call_command("collectstatic", interactive=False, verbosity=0)
        self._say("Looking after the demo content …")
        call_command("load_demo", stdout=self.stdout)

    def _greet(self, family: Family, host: str, port: int) -> None:
        family.watch(until=lambda: answers(host, port), at_most_s=READY_WITHIN_S)
        self._say(f"Proofsheet is running at http://{_shown(host)}:{port}/ (Ctrl-C stops it).")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@dataclass
class Child:
    """A program, and the process that runs it now."""

    name: str
    command: list[str]
    comes_back: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = field(default=float("inf"))  # when it is to be started again
    wait_s: float = FIRST_WAIT_S

    def status(self) -> int | None:
        """That of a process which ended by itself; None while there is one, or none yet."""
        return None if self.process is None else self.process.poll()

    def wait_before_start(self) -> float:
        """How long to wait before it is started again: longer each time, if it ends at once each time."""
        if monotonic() - self.started_at >= LIVED_LONG_S:
            self.wait_s = FIRST_WAIT_S
        wait, self.wait_s = self.wait_s, min(self.wait_s * 2, LONGEST_WAIT_S)
        self.start_at = monotonic() + wait
        return wait


class Family:
    """Child processes that live and die together. Each leads a process group of its own."""

    def __init__(self, children: list[Child], environ: dict[str, str], say: Callable[[str], None]) -> None:
        self._children, self._environ, self._say = children, environ, say
        self._guardian: int | None = None  # where it listens

    def start(self) -> None:
        self._guardian = start_guardian()
        for child in self._children:
            self._start(child)

    def _start(self, child: Child) -> None:
        assert self._guardian is not None
        # Ctrl-C goes to us alone; the children are told in their own way.
        child.process = subprocess.Popen(  # noqa: S603 our own commands
            child.command, env=self._environ, cwd=settings.BASE_DIR, process_group=0
        )
        child.started_at, child.start_at = monotonic(), float("inf")
        os.write(self._guardian, f"{child.process.pid}\n".encode())

    def watch(self, until: Callable[[], bool] = lambda: False, at_most_s: float = float("inf")) -> None:
        """Returns when ``until`` is true or the time is up; raises CommandError when a child died that does
        not come back."""
        deadline = monotonic() + at_most_s
        while monotonic() < deadline and not until():
            for child in self._children:
                self._look_after(child)
            sleep(LOOK_EVERY_S)

    def _look_after(self, child: Child) -> None:
        if monotonic() >= child.start_at:
            self._start(child)
        if (status := child.status()) is None:
            return
        if not child.comes_back:
            raise CommandError(f"The {child.name} ended by itself (status {status}); all is stopped.")
        self._bury(child)
        wait = child.wait_before_start()
        self._say(f"The {child.name} ended by itself (status {status}); it is started again in {wait:.0f} s.")

    def _bury(self, child: Child) -> None:
        """End what a dead child left behind; its number may soon be another program's."""
        assert child.process is not None
        assert self._guardian is not None
        signal_group(child.process.pid, signal.SIGKILL)
        os.write(self._guardian, f"-{child.process.pid}\n".encode())
        child.process = None

    def stop(self) -> None:
        """Ask all to end; end those that do not, and whatever a child that died left behind."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        processes = [child.process for child in self._children if child.process is not None]
        for child in processes:
            if child.poll() is None:
                child.terminate()
        deadline = monotonic() + STOPPED_WITHIN_S
        for child in processes:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - monotonic()))
            signal_group(child.pid, signal.SIGKILL)
            child.wait()
        if self._guardian is not None:
            os.write(self._guardian, ALL_WELL)


def _raise_stop(number: int, frame: FrameType | None) -> None:
    raise Stop


def signal_group(leader: int, number: int) -> bool:
    """Signal a child and its own children; False where none is left."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS says it in the second way
        return False
    return True


def start_guardian() -> int:
    """A process that outlives us to end our children, should we die without a word (kill -9).

    Returns the descriptor it listens to: a line with each child's process id, one with a minus before it when
    that child is no more, and ALL_WELL at the end. When it closes before that, we are gone.
    """
    listen, speak = os.pipe()
    if os.fork():
        os.close(listen)
        return speak
    try:
        os.close(speak)
        _guard(listen)
    finally:
        os._exit(0)


def _guard(listen: int) -> None:
    os.setsid()  # no Ctrl-C here
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(listen, "rb") as heard:
        lines = heard.read().splitlines()
    if ALL_WELL.strip() not in lines:
        numbers = [int(line) for line in lines]
        end_groups([number for number in numbers if number > 0 and -number not in numbers])


def end_groups(leaders: list[int]) -> None:
    """Ask these process groups to end, then end them."""
    for number, within_s in ((signal.SIGTERM, ORPHANS_WITHIN_S), (signal.SIGKILL, 1.0)):
        left, deadline = (
            [leader for leader in leaders if signal_group(leader, number)],
            monotonic() + within_s,
        )
        while left and monotonic() < deadline:
            sleep(LOOK_EVERY_S)
            left = [leader for leader in left if signal_group(leader, 0)]
        if not left:
            return


def check_port(host: str, port: int) -> None:
    """Raises CommandError with one sentence where nothing can listen there."""
    if not 0 < port < 65536:
        raise CommandError("A port is a number from 1 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        raise CommandError(f"Port {port} needs more rights than you have. Choose one above 1023.") from None
    except socket.gaierror:
        raise CommandError(f"There is no host called {host!r} on this machine.") from None
    except OSError as error:
        raise CommandError(
            f"Port {port} is taken ({error.strerror}). Stop what uses it, or choose another: "
            f"PORT={port + 1} make run"
        ) from None


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((_shown(host), port), timeout=1):
            return True
    except OSError:
        return False


def _shown(host: str) -> str:
    """An address a browser can open: "every address" is not one."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 it is compared, not bound


def web_command(host: str, port: int, workers: int) -> list[str]:
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(settings.WEB_THREADS),
        "--no-ws", "--log-level", "warning", "--http", "1",  # of others it cannot tell that they never begin
        "--http1-header-read-timeout", str(round(settings.REQUEST_WITHIN_S * 1000)),
        "--backlog", str(BACKLOG), "--backpressure", str(connections()),
        "--respawn-failed-workers", "portfolio.wsgi:application",
    ]  # fmt: skip


def connections() -> int:
    """How many a web process may have open at once: as many as this system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # the children's as well
    return max(128, min(soft, wanted) - OTHER_FILES)


def environment(port: int) -> dict[str, str]:
    """The children's: with the address people reach the site at, where nobody set one."""
    address = os.environ.get("SITE_URL") or f"http://127.0.0.1:{port}"
    return {**os.environ, "SITE_URL": address, "PYTHONUNBUFFERED": "1"}
