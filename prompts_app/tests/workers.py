"""Real worker processes on the tests' own database."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from prompts_app.management.commands.serve import worker_command


def database_url() -> str:
    """The address of the database this test runs on, for another process."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    user = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    return f"postgres://{user}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@contextmanager
def worker(directory: Path, log: Path | None = None, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as ``manage.py serve`` starts it, with a queue of its own in ``directory``; killed at the end.

    What it says on its standard error goes to ``log``, where one is given.
    """
    environ = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(directory),
        "ENDPOINT_KEYS": ",".join(settings.ENDPOINT_KEYS),
        **environment,
    }
    said = log.open("ab") if log else None
    process = subprocess.Popen(worker_command(), env=environ, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if said:
            said.close()


def eventually(true: Callable[[], bool], within_s: float = 30.0) -> None:
    """Returns as soon as ``true()`` is; fails when the time is up."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not true within {within_s:g} s"
        time.sleep(0.05)
