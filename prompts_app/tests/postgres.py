"""A Postgres of the tests' own: a scratch cluster on a free port, gone afterwards.

Where ``TEST_POSTGRES_URL`` names a server, that one is used instead.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# No durability (the cluster is thrown away), no socket files, room for test workers and subprocesses.
SERVER_OPTIONS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=''",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=80",
)


class NoPostgres(Exception):
    """There is no Postgres to be had here; the message says why."""


def binaries() -> Path:
    """The directory with ``initdb`` and ``postgres``. Raises NoPostgres."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [Path(p) for p in ("/opt/homebrew/bin", "/usr/local/bin", "/usr/local/opt/postgresql@16/bin")]
    for directory in found:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise NoPostgres("no initdb and postgres on this machine")


def _as_unprivileged() -> list[str]:
    """Postgres refuses to run as root: the words that make a command run as somebody else."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={name}", "--clear-groups", f"--regid={pwd.getpwnam(name).pw_gid}"]
    raise NoPostgres("running as root, and no user 'postgres' or 'nobody' to run the server as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scratch_postgres() -> Iterator[str]:
    """Yields a database URL. Raises NoPostgres."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with own_postgres() as server:
        yield server.url


class Server:
    """A running Postgres that can be treated badly."""

    def __init__(self, url: str, control: list[str], options: list[str], data: Path) -> None:
        self.url, self._control, self._options, self._data = url, control, options, data

    def start(self) -> None:
        _checked([*self._control, *self._options, "start"])

    def stop(self, mode: str = "fast") -> None:
        _checked([*self._control, "-m", mode, "stop"])

    def pause(self) -> None:
        """It keeps its connections and says nothing, as one whose machine was suspended."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
        pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
        for pid in [main, *(pid for pid, parent in pairs if parent == main)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def own_postgres() -> Iterator[Server]:
    """A scratch server, running; gone afterwards. Raises NoPostgres."""
    bin_dir, runner = binaries(), _as_unprivileged()
    with tempfile.TemporaryDirectory(prefix="proofsheet-pg-") as directory:
        Path(directory).chmod(0o777)
        data, port = f"{directory}/data", _free_port()
        initdb = [str(bin_dir / "initdb"), "-U", "proofsheet", "-A", "trust", "-E", "UTF8", "--no-sync"]
        _checked([*runner, *initdb, "-D", data])
        options = f"-p {port} {' '.join(f'-c {option}' for option in SERVER_OPTIONS)}"
        control = [*runner, str(bin_dir / "pg_ctl"), "-D", data, "-w"]
        url = f"postgres://proofsheet@127.0.0.1:{port}/postgres"
        server = Server(url, control, ["-o", options, "-l", f"{data}/log"], Path(data))
        server.start()
        try:
            yield server
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, check=False)


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise NoPostgres(
            f"{Path(command[-1]).name or command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}"
        )
