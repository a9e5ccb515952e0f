"""What ``manage.py serve`` becomes once all is prepared: web server and worker, started and stopped as one.

Without Django: it stays in memory for as long as the site runs, and its guardian with it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from types import FrameType
from typing import NoReturn

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 15.0
ORPHANS_WITHIN_S = 10.0  # as long as a worker may take (see actions.runs.stopping)
LOOK_EVERY_S = 0.2
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0  # before a worker is started again; doubled each time
LIVED_LONG_S = 60.0  # after which it is no longer one that ends at once
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ALL_WELL = b"all well\n"
SAID = "PROOFSHEET_PROGRAMS"


class Stop(Exception):
    """Somebody asked us to end."""


class Ended(Exception):
    """A child that does not come back ended by itself. The sentence says which."""


def become(children: list[Child], host: str, port: int, environ: dict[str, str]) -> NoReturn:
    """Run them in this process's place, from this directory. Returns to nobody."""
    programs = [(child.name, child.command, child.comes_back) for child in children]
    said = json.dumps({"host": host, "port": port, "programs": programs})
    sys.stdout.flush()
    # Not in the command line, where the children's would be found by who looks for theirs.
    os.execve(sys.executable, [sys.executable, "-m", __name__], environ | {SAID: said})  # noqa: S606 our own


def main() -> None:
    said = json.loads(os.environ.pop(SAID))
    family = Family([Child(*program) for program in said["programs"]], say)
    for number in STOP_SIGNALS:
        signal.signal(number, raise_stop)
    try:
        family.start()
        host, port = said["host"], said["port"]
        family.watch(until=lambda: answers(host, port), at_most_s=READY_WITHIN_S)
        say(f"Proofsheet is running at http://{shown(host)}:{port}/ (Ctrl-C stops it).")
        family.watch()
    except Stop:
        say("Stopping …")
    except Ended as why:
        sys.exit(str(why))
    finally:
        family.stop()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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

    def __init__(self, children: list[Child], say: Callable[[str], None]) -> None:
        self._children, self._say = children, say
        self._guardian: int | None = None  # where it listens

    def start(self) -> None:
        self._guardian = start_guardian()
        for child in self._children:
            self._start(child)

    def _start(self, child: Child) -> None:
        assert self._guardian is not None
        # Ctrl-C goes to us alone; the children are told in their own way.
        child.process = subprocess.Popen(  # noqa: S603 our own commands
            child.command, process_group=0
        )
        child.started_at, child.start_at = monotonic(), float("inf")
        os.write(self._guardian, f"{child.process.pid}\n".encode())

    def watch(self, until: Callable[[], bool] = lambda: False, at_most_s: float = float("inf")) -> None:
        """Returns when ``until`` is true or the time is up; raises Ended when a child died that does
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
            raise Ended(f"The {child.name} ended by itself (status {status}); all is stopped.")
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


def raise_stop(number: int, frame: FrameType | None) -> None:
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


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((shown(host), port), timeout=1):
            return True
    except OSError:
        return False


def shown(host: str) -> str:
    """An address a browser can open: "every address" is not one."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 it is compared, not bound


if __name__ == "__main__":
    main()
