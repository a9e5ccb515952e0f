"""Work on what people send, done in a child process with limits of processor time and memory.

What is read, judged or drawn has limits of its own (see ``budget``); this is for what nobody thought of. The
child knows no database, no secret and no other request. Where it dies, ``Overrun`` is raised, and the process
that serves pages goes on.

A child takes half a second to start, so it is kept for further work, and ends by itself when none comes. On
macOS, which does not hold processes to their memory, only the limits of time hold.
"""

import atexit
import logging
import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, NamedTuple

from prompts_app.engine.errors import Overrun

log = logging.getLogger(__name__)

AT_ONCE = 2  # children of one process
ENDS_WITHIN_S = 0.2  # after its pipe is closed
WAIT_S = 30.0  # until one gets free
IDLE_S = 300.0  # after which a child ends by itself; one is not used again a minute before
MOST_ANSWER = 128 * 1024 * 1024  # bytes that may come back
MOST_KEPT = 400 * 1024 * 1024  # of memory at its peak: a child that had more ends after its work
_ROOT = Path(__file__).resolve().parents[2]
_KNOWN_TO_IT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")  # of the environment: no secrets
_WARM = "prompts_app.engine.formats", "prompts_app.engine.pictures", "prompts_app.engine.run"


TOO_MUCH = (
    "This takes more time or memory than one request may have, so it was stopped. "
    "Make it smaller or simpler, and try again."
)
OURS = (
    "This site could not look at it: that is no fault of yours. Try again in a moment; if it stays, tell "
    "whoever runs the site."
)
BUSY = "The server has its hands full right now. Try again in a moment."


class Limits(NamedTuple):
    """Of one piece of work: seconds of processor time (by the clock it may be three times as long), and MB
    of memory beside what the process has anyway."""

    seconds: int
    megabytes: int


FILE = Limits(20, 700)  # reading what is brought in
PICTURE = Limits(15, 500)
JUDGING = Limits(20, 400)  # an output held to all assertions of a case
WHILE_TYPING = Limits(5, 300)  # a preview


def apart[**P, R](limits: Limits, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """``work(*args, **kwargs)``, done apart: the same result, the same exceptions.

    ``work`` is a function of a module; it, what it is given and what it gives can be pickled. Raises Overrun.
    """
    with _pool.child() as child:
        answer = child.ask((work, args, kwargs, limits), 3 * limits.seconds)
    if answer.raised is not None:
        raise answer.raised
    return answer.value  # type: ignore[no-any-return]  # what ``work`` gave


class _Answer(NamedTuple):
    value: Any
    raised: BaseException | None
    is_last: bool  # the child ends now


# --- the side that asks ---------------------------------------------------------------------------------


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    pipe: Connection
    used_at: float
    is_done: bool = False

    def ask(self, job: object, seconds: float) -> _Answer:
        """Raises Overrun; the child is no more then."""
        try:
            self.pipe.send(job)
            if not self.pipe.poll(seconds):
                raise EOFError  # noqa: TRY301  # as when it ends before it answers
            answer = _Answer(*pickle.loads(self.pipe.recv_bytes(MOST_ANSWER)))  # noqa: S301  # our own code's
        except (OSError, EOFError, pickle.UnpicklingError, MemoryError):
            raise Overrun(self._why_it_ended()) from None
        self.is_done, self.used_at = answer.is_last, time.monotonic()
        return answer

    def _why_it_ended(self) -> str:
        """Limits end it by a signal; an error of ours, such as a release half replaced, by itself."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_WITHIN_S)
        by_itself = self.process.returncode == 1
        self.end()
        if by_itself:
            log.error("A process for work with limits ended by itself; its words stand above.")
        return OURS if by_itself else TOO_MUCH

    @property
    def is_fresh(self) -> bool:
        is_young = time.monotonic() - self.used_at < IDLE_S - 60
        return not self.is_done and is_young and self.process.poll() is None

    def end(self) -> None:
        self.is_done = True
        self.process.kill()
        self.pipe.close()
        self.process.wait()


class _Pool:
    """Children that wait for work. After a fork the other process keeps them."""

    def __init__(self) -> None:
        self._begin()
        os.register_at_fork(after_in_child=self._begin)
        atexit.register(self.end_all)

    def _begin(self) -> None:
        self._places: LifoQueue[_Child | None] = LifoQueue()
        for _ in range(AT_ONCE):
            self._places.put(None)

    @contextmanager
    def child(self) -> Iterator[_Child]:
        """Raises Overrun where none gets free in time."""
        try:
            child = self._places.get(timeout=WAIT_S)
        except Empty:
            raise Overrun(BUSY) from None
        try:
            child = _fresh(child) or _started()
            yield child
        finally:
            self._places.put(_fresh(child))

    def end_all(self) -> None:
        """Those that wait; one at work ends when its pipe does."""
        for _ in range(self._places.qsize()):
            with suppress(Empty):
                if child := self._places.get_nowait():
                    child.end()


def _fresh(child: _Child | None) -> _Child | None:
    """``child`` where it can be used again; otherwise it is ended."""
    if child is None or child.is_fresh:
        return child
    child.end()
    return None


def _started() -> _Child:
    known = {name: os.environ[name] for name in _KNOWN_TO_IT if name in os.environ}
    ours, its = Pipe()
    with its:
        process = subprocess.Popen(  # noqa: S603  # ourselves
            [sys.executable, "-c", f"from {__name__} import serve; serve({its.fileno()})"],
            stdin=subprocess.DEVNULL,
            stdout=2,  # whatever it prints is for the log
            env={**known, "PYTHONPATH": str(_ROOT)},
            pass_fds=[its.fileno()],
            start_new_session=True,  # Ctrl-C on the terminal is for the server
        )
    return _Child(process, ours, time.monotonic())


_pool = _Pool()


# --- the side that works --------------------------------------------------------------------------------


def serve(pipe: int) -> None:
    """What a child does: one piece of work after the other, until nothing comes for long, or the asking side
    is gone."""
    for module in _WARM:
        __import__(module)
    with Connection(pipe) as asking, suppress(EOFError):
        while asking.poll(IDLE_S):
            asking.send_bytes(_worked(*asking.recv()))


def _peak() -> int:
    """Bytes of memory the process has had at most. What the system counts as a process' own is on Linux at
    least what that one had which started it, so a child of a large server would never be used again."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _worked(work: Callable[..., Any], args: Any, kwargs: Any, limits: Limits) -> bytes:
    try:
        with _held_to(limits):
            value = work(*args, **kwargs)
            return pickle.dumps((value, None, _peak() > MOST_KEPT))
    except (MemoryError, RecursionError):
        return pickle.dumps((None, Overrun(TOO_MUCH), True))
    except Exception as error:  # it is raised where the work was asked for
        return _told(error)


def _told(error: Exception) -> bytes:
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        written = pickle.dumps((None, error, False))
        pickle.loads(written)  # noqa: S301  # some can be written and not read again
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}"), False))
    return written


@contextmanager
def _held_to(limits: Limits) -> Iterator[None]:
    """The system ends a process that takes more time, and gives it no more memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + limits.seconds + 1)
    _limit(resource.RLIMIT_AS, _memory() + limits.megabytes * 1024 * 1024)
    try:
        yield
    finally:
        _limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
        _limit(resource.RLIMIT_CPU, resource.RLIM_INFINITY)


def _limit(what: int, most: int) -> None:
    with suppress(ValueError, OSError):  # macOS takes no limit of memory; one that is set from outside stays
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _memory() -> int:
    """Bytes of addresses the process has now; where that cannot be told, what it has at most."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 1024 * 1024 * 1024
    return pages * resource.getpagesize()
