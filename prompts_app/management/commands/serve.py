"""``manage.py serve``: the web server and the worker together, started and stopped as one.

A worker that ends by itself (out of memory, a database that was locked while it started) is started again:
its runs go on where they were. Without the web server there is nothing to serve, so then all ends.
"""

import os
import resource
import signal
import socket
import sys
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection

from portfolio.release import check_release
from portfolio.supervisor import STOP_SIGNALS, Child, Stop, become, raise_stop

BACKLOG = 2048
MOST_CONNECTIONS = 8192  # of each web process, most of them idle or slow: beyond it nobody else gets in
OTHER_FILES = 256  # what else a web process has open: each thread its database
# Of glibc, which else gives each thread up to 64 MB of its own, and keeps what was large and is freed.
MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(64 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024),
}


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
            children.append(Child("worker", worker_command(), comes_back=True))
        for number in STOP_SIGNALS:
            signal.signal(number, raise_stop)
        try:
            if options["prepare"]:
                self._prepare()
            check_release()
            connection.close()
        except Stop:
            self._say("Stopping …")
            return
        os.chdir(settings.BASE_DIR)
        become(children, host, port, environment(port))

    def _prepare(self) -> None:
        self._say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        self._say("Collecting static files …")
        call_command("collectstatic", interactive=False, verbosity=0)
        self._say("Looking after the demo content …")
        call_command("load_demo", stdout=self.stdout)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


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


def web_command(host: str, port: int, workers: int) -> list[str]:
    return [
        sys.executable, "-m", "portfolio.web", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(settings.WEB_THREADS),
        "--no-ws", "--log-level", "warning", "--http", "1",  # of others it cannot tell that they never begin
        "--http1-header-read-timeout", str(round(settings.REQUEST_WITHIN_S * 1000)),
        "--backlog", str(BACKLOG), "--backpressure", str(connections()),
        "--respawn-failed-workers", "portfolio.wsgi:application",
    ]  # fmt: skip


def worker_command() -> list[str]:
    # The checks are those of `serve`; they load all views, which a worker has no use for.
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_huey", "--quiet", "--skip-checks"]


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
    return {**MALLOC, **os.environ, "SITE_URL": address, "PYTHONUNBUFFERED": "1"}
