"""Clients that do not take what they are sent: nobody waits for them, and in the end they are let go of."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from portfolio.slow_clients import ANSWER_AT_ONCE, PIECE, without_slow_clients
from prompts_app.tests.commands.test_serve import free_port
from prompts_app.tests.workers import eventually

WITHIN_S = 5.0  # on a busy machine the others are asked within that
THREADS = 3


class File:
    """What a view answers with, as Django's own responses: made piece by piece, and closed in the end."""

    def __init__(self, size: int) -> None:
        self.size, self.was_closed = size, 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"x" * self.size])

    def close(self) -> None:
        self.was_closed += 1


def site(answer: Callable[[], Iterable[bytes]]) -> Callable[[], tuple[str, dict[str, str], Iterable[bytes]]]:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return answer()

    guarded = without_slow_clients(application, within_s=WITHIN_S, threads=THREADS)

    def asked() -> tuple[str, dict[str, str], Iterable[bytes]]:
        said: list[Any] = []
        sent = guarded({"wsgi.input": None}, lambda status, headers: said.extend([status, dict(headers)]))
        return said[0], said[1], sent

    return asked


def test_what_is_short_is_given_to_the_server_whole_and_holds_no_thread() -> None:
    file = File(ANSWER_AT_ONCE)
    _, _, sent = site(lambda: file)()
    assert isinstance(sent, list)
    assert (len(b"".join(sent)), file.was_closed) == (ANSWER_AT_ONCE, 1)


def test_of_long_ones_a_third_of_the_threads_is_on_its_way_and_the_next_is_told_to_come_back() -> None:
    files: list[File] = []

    def long() -> File:
        files.append(File(ANSWER_AT_ONCE + 1))
        return files[-1]

    asked = site(long)
    _, _, sent = asked()
    status, headers, said = asked()
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "30")
    assert b"Try again" in b"".join(said)
    assert [file.was_closed for file in files] == [0, 1]
    pieces = list(sent)
    assert (sum(map(len, pieces)), max(map(len, pieces))) == (ANSWER_AT_ONCE + 1, PIECE)
    for _ in range(2):  # a server may close twice
        sent.close()  # type: ignore[attr-defined]  # as WSGI has it
    assert files[0].was_closed
    assert [asked()[0] for _ in range(2)] == ["200 OK", "503 Service Unavailable"]


APPLICATION = f"""
from portfolio.slow_clients import without_slow_clients

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"x" * 100_000] * 400) if environ["PATH_INFO"] == "/file" else [b"a page"]

application = without_slow_clients(application, within_s={WITHIN_S}, threads={THREADS})
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "slow_site.py").write_text(APPLICATION)
    number = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(number), "--http", "1",
        "--blocking-threads", str(THREADS), "--working-dir", str(tmp_path), "slow_site:application",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            eventually(lambda: status_of(number, "/page") == 200, within_s=30)
            yield number
        finally:
            server.terminate()


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has no such limit")
def test_readers_that_take_nothing_keep_nobody_from_a_page_and_lose_their_place(port: int) -> None:
    with ExitStack() as stack:

        def is_refused_beside_readers() -> bool:
            """More come each time: on a busy machine those before may have lost their place already."""
            for _ in range(THREADS * 4):
                reader = stack.enter_context(socket.socket())
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect(("127.0.0.1", port))
                reader.sendall(b"GET /file HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return status_of(port, "/file") == 503

        eventually(is_refused_beside_readers)
        assert status_of(port, "/page") == 200
        eventually(lambda: status_of(port, "/file") == 200, within_s=WITHIN_S * 10)
