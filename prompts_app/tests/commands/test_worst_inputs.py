"""The worst inputs at a site that really runs: their sender gets a sentence, all others get their pages."""

import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from prompts_app.tests.commands.test_serve import answers_http, children_of, commands, free_port, serving
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.workers import eventually

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Browser:
    """Posts forms, as a browser without JavaScript does, of somebody who is signed in."""

    def __init__(self, port: int, session: str) -> None:
        self.site = f"http://127.0.0.1:{port}"
        self._session, self._token = session, "a" * 32

    def get(self, path: str) -> str:
        return self._read(urllib.request.Request(self.site + path))

    def post(self, path: str, fields: dict[str, str]) -> str:
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": self._token, **fields}).encode()
        return self._read(urllib.request.Request(self.site + path, data))

    def _read(self, request: urllib.request.Request) -> str:
        cookies = {settings.SESSION_COOKIE_NAME: self._session, settings.CSRF_COOKIE_NAME: self._token}
        request.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))
        try:
            with urllib.request.urlopen(request, timeout=100) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.headers} {error.read().decode()}"


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, static_files: Path
) -> Iterator[tuple[Browser, int]]:
    """A running site with somebody signed in, and the process of its web server."""
    monkeypatch.setenv("SECRET_KEY", settings.SECRET_KEY)  # so that the session is good there too
    session = client_of(alice()).cookies[settings.SESSION_COOKIE_NAME].value
    (tmp_path / "static").symlink_to(static_files)
    port = free_port()
    with serving(tmp_path, port) as process:
        eventually(lambda: answers_http(port), within_s=90)
        browser = Browser(port, session)
        assert "Read it as" in browser.get("/studio/import/")
        children = commands(children_of(process.pid))
        server = next(pid for pid, line in children.items() if "portfolio.web" in line)
        yield browser, server


# What is pasted, what it is read as, and what is said.
WORST = {
    "nested": ("prompts: " + "[" * 16_000 + "\nproviders: [a]\ntests: []", "promptfoo", "nested too deeply"),
    "wide": ("prompts:\n" + "- 1\n" * 1_000_000 + "providers: [a]", "promptfoo", "too many values"),
    "json": ("[" + "1," * 1_000_000 + "1]", "messages", "too many values"),
    "deep json": ("[" * 2_000_000, "messages", "nested too deeply"),
}


def test_the_worst_files_cost_their_sender_a_sentence_and_nobody_else_anything(
    site: tuple[Browser, int],
) -> None:
    browser, server = site
    workers = children_of(server)
    waits: list[float] = []
    done = threading.Event()

    def others() -> None:
        while not done.wait(0.1):
            begun = time.monotonic()
            with urllib.request.urlopen(f"{browser.site}/healthz", timeout=30) as answer:
                assert answer.status == 200
            waits.append(time.monotonic() - begun)

    watching = threading.Thread(target=others)
    watching.start()
    try:
        for text, kind, why in WORST.values():
            assert why in browser.post("/studio/import/", {"text": text, "kind": kind})
        blocks = browser.post("/verify/", {"part": "1", "block": '{"format": "x"} ' * 30_000})
        assert "too many values" in blocks
    finally:
        done.set()
        watching.join()
    assert waits
    assert max(waits) < 10
    assert set(workers) <= set(children_of(server))  # none of them died of it
