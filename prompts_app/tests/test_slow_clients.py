"""Clients that never finish their request: they are let go of in time, and nobody else waits for them."""

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest

from prompts_app.tests.commands.test_serve import answers_http, free_port, serving
from prompts_app.tests.workers import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WITHIN_S = 3.0
THREADS = 3
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin="
NEVER_FINISHED = {"nothing": b"", "headers": HEAD + b"X-Slow: ", "a body": POST + FORM}


@pytest.fixture(scope="module")
def port(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, static_files: Path
) -> Iterator[int]:
    number, directory = free_port(), tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATA_DIR", str(directory))
        (directory / "static").symlink_to(static_files)
        environment.setenv("REQUEST_WITHIN_S", str(WITHIN_S))
        environment.setenv("WEB_THREADS", str(THREADS))
        with serving(Path(directory), number, "--no-worker"):
            eventually(lambda: answers_http(number), within_s=60)
            urllib.request.urlopen(f"http://127.0.0.1:{number}/accounts/login/", timeout=60)  # all is loaded
            yield number


def ended_after(connection: socket.socket) -> float:
    began = monotonic()
    connection.settimeout(WITHIN_S * 5)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return monotonic() - began


@pytest.mark.parametrize("sent", NEVER_FINISHED.values(), ids=NEVER_FINISHED)
def test_a_request_that_is_never_finished_is_closed(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert WITHIN_S * 0.5 < ended_after(connection) < WITHIN_S * 3


@pytest.mark.parametrize("sent", NEVER_FINISHED.values(), ids=NEVER_FINISHED)
def test_many_of_them_keep_nobody_from_a_page(port: int, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(THREADS * 20):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(sent)
        began = monotonic()
        assert answers_http(port)
        assert monotonic() - began < WITHIN_S


def sent_in_pieces(port: int) -> bytes:
    """How the answer begins."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(WITHIN_S * 5)
        connection.sendall(POST + FORM)
        connection.sendall(b"x" * (4000 - len("login=")))
        return connection.recv(12)


def test_a_body_that_comes_in_pieces_is_waited_for(port: int) -> None:
    # It has no token: it was read. Those who were slow in the test before may have to be let go of first.
    eventually(lambda: sent_in_pieces(port) == b"HTTP/1.1 403", within_s=WITHIN_S * 3)
