"""Asking the site as the web server does, for stored pages too."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import brotli
from django.conf import settings
from django.db import connection, connections
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from prompts_app.tests.security.addresses import TABLE as ADDRESSES
from prompts_app.tests.security.addresses import Rule
from prompts_app.tests.security.world import World
from prompts_app.views import stored_pages

PUBLIC = [
    name
    for name, row in ADDRESSES.items()
    if row.rule in (Rule.OPEN, Rule.PROMPT, Rule.AUTHOR)
    and not name.startswith(("account_", "socialaccount_", "github_"))
]
# Drawn or asked anew each time, of one visitor, or with a form that needs a token: kept by nobody.
NEVER_STORED = {"random", "fork", "blind", "blind_pair", "verify", "healthz", "readyz", "favicon"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    queries: int
    was_stored: bool

    @property
    def text(self) -> str:
        encoding = self.headers.get("Content-Encoding", "")
        open_ = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[encoding]
        return str(open_(self.body).decode("utf-8", "replace"))


SITE, FIND = stored_pages.Handler(), stored_pages.find


def ask(path: str, method: str = "GET", **headers: str) -> Answer:
    """As the web server asks the site; header names with _ for -."""
    sent = {"host": "testserver"} | {name.replace("_", "-"): value for name, value in headers.items()}
    environ = RequestFactory().generic(method, path, headers=sent).environ
    said: list[tuple[str, list[tuple[str, str]]]] = []
    found: list[stored_pages.Page | None] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Any:
        said.append((status, headers))

    def find(place: stored_pages.Place) -> stored_pages.Page | None:
        found.append(FIND(place))
        return found[-1]

    with CaptureQueriesContext(connection) as queries, patch.object(stored_pages, "find", find):
        answer = SITE(environ, start_response)
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
    ((status, told),) = said
    assert len(dict(told)) == len(told), "no header is said twice"
    was_stored = found not in ([], [None])
    assert len(queries) <= 1 or not was_stored
    return Answer(int(status.split()[0]), dict(told), body, len(queries), was_stored)


def addresses(w: World) -> dict[str, str]:
    """Of every public page."""
    found = {name: reverse(name, args=ADDRESSES[name].args(w)) for name in PUBLIC}
    found["oembed"] += "?" + urlencode({"url": settings.SITE_URL + w.prompt.get_absolute_url()})
    return found


def elsewhere[T](act: Callable[[], T]) -> T:
    """In another thread, which has a connection and so transactions of its own."""
    said: list[T] = []

    def acted() -> None:
        try:
            said.append(act())
        finally:
            connections.close_all()

    thread = Thread(target=acted)
    thread.start()
    thread.join(30)
    return said[0]
