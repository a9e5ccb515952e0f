"""Stored pages: who gets them, in which form, and that nobody can spoil or drive out another's."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portfolio.cache import BoundedMemory
from prompts_app.tests.people import client_of
from prompts_app.tests.security.world import World, build_world
from prompts_app.tests.views import stored
from prompts_app.tests.views.stored import addresses, ask
from prompts_app.views import stored_pages

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def w() -> World:
    return build_world()


# --- who is asked for, and how --------------------------------------------------------------------------


def test_who_is_signed_in_neither_gets_nor_fills_the_store(w: World) -> None:
    path = w.prompt.get_absolute_url()
    cookie = client_of(w.prompt.owner).cookies[settings.SESSION_COOKIE_NAME].value
    mine = ask(path, cookie=f"{settings.SESSION_COOKIE_NAME}={cookie}")
    assert mine.headers["Cache-Control"] == "private, no-store"
    assert "Studio" in mine.text
    assert "Studio" not in ask(path).text
    again = ask(path, cookie=f"{settings.SESSION_COOKIE_NAME}={cookie}")
    assert (again.was_stored, "Studio" in again.text) == (False, True)
    for cookies in (f"{settings.SESSION_COOKIE_NAME}=x", "a=b; messages=c"):
        assert not ask(path, cookie=cookies).was_stored
    assert ask(path, cookie="theme=dark; csrftoken=abc").was_stored


@pytest.mark.parametrize(
    "address",
    ["{prompt}?private=shown", "/s/{token}/", "/s/{token}/notary/", "{prompt}random/", "{prompt}fork/"],
)
def test_never_stored(address: str, w: World) -> None:
    path = address.format(prompt=w.prompt.get_absolute_url(), token=w.token)
    assert ask(path).status == 200
    assert not ask(path).was_stored


def test_head_is_answered_from_what_get_has_stored_and_stores_nothing(w: World) -> None:
    path = w.prompt.get_absolute_url()
    assert not ask(path, "HEAD").was_stored
    assert not ask(path, "HEAD").was_stored
    page, head = ask(path), ask(path, "HEAD")
    assert head.was_stored
    assert (head.body, head.headers) == (b"", page.headers)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=nonsense", ""),
        ("identity", ""),
        ("*", ""),
        ("", ""),
        ("gzip;q=0,br;q=0.000", ""),
        (f"br, gzip, {'x' * 400_000}", ""),
    ],
)
def test_each_gets_the_compression_it_takes(accepted: str, encoding: str, w: World) -> None:
    path = w.prompt.get_absolute_url()
    for _ in range(2):
        answer = ask(path, accept_encoding=accepted)
        assert answer.headers.get("Content-Encoding", "") == encoding
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.text == Client().get(path).content.decode()
    assert answer.was_stored


def test_who_has_it_gets_304_for_one_query_whatever_the_compression(w: World) -> None:
    path = w.prompt.get_absolute_url()
    etag = ask(path, accept_encoding="br").headers["ETag"]
    ask(path)
    for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        for accepted in ("br", ""):
            answer = ask(path, if_none_match=known, accept_encoding=accepted)
            assert (answer.status, answer.body, answer.was_stored) == (304, b"", True)
            assert answer.headers.keys() >= {"ETag", "Cache-Control", "Vary", "Content-Security-Policy"}
            assert not answer.headers.keys() & {"Content-Length", "Content-Type", "Content-Encoding"}
    assert ask(path, if_none_match='"something else"').status == 200
    assert ask(path, range="bytes=0-9").status == 200


def test_a_get_writes_no_row(w: World) -> None:
    for path in addresses(w).values():
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                ask(path)
            writes = ("INSERT", "UPDATE", "DELETE", "REPLACE")
            wrote = [query["sql"] for query in queries if query["sql"].startswith(writes)]
            assert not wrote or path in {"/readyz", "/healthz"}, path


@pytest.mark.parametrize(
    "sent",
    [
        {"x_forwarded_host": "evil.example"},
        {"x_forwarded_proto": "https"},
        {"forwarded": "host=evil.example;proto=https"},
        {"x_original_url": "/studio/"},
        {"x_http_method_override": "POST"},
        {"accept": "application/json"},
        {"accept_language": "tlh"},
        {"hx_request": "true"},
        {"hx_request": "true", "hx_history_restore_request": "true"},
        {"hx_boosted": "true", "hx_target": "<script>"},
        {"accept_encoding": "gzip, <script>"},
        {"authorization": "Bearer quokka"},
        {"user_agent": "<script>"},
        {"referer": "https://evil.example/"},
        {"origin": "https://evil.example"},
        {"host": "localhost"},
        {"host": "127.0.0.1:81"},
    ],
)
def test_nobody_can_put_into_the_store_what_another_would_get(sent: dict[str, str], w: World) -> None:
    for path in (w.prompt.get_absolute_url(), "/prompts/", "/"):
        clean = Client().get(path)
        ask(path, **sent)
        mine = ask(path)
        assert (mine.body, mine.headers) == (clean.content, dict(clean.headers)), path


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "a b", "[::1", "testserver:99999x"]
)
def test_a_host_that_is_not_ours_gets_nothing_that_is_stored(host: str, w: World) -> None:
    ask("/")
    assert ask("/").was_stored
    for _ in range(2):
        assert ask("/", host=host).status == 400


def test_plain_http_is_led_to_https_and_not_answered_from_the_store(
    w: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    monkeypatch.setattr(stored, "SITE", stored_pages.Handler())
    assert ask("/", x_forwarded_proto="https").status == 200
    assert ask("/", x_forwarded_proto="https").was_stored
    for said in ("http", "", "http, https"):
        assert ask("/", x_forwarded_proto=said).status == 301


def test_a_visitor_of_many_queries_drives_out_nobody_elses_page(
    w: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_pages, "_SITE_HOST", "testserver")
    bounded = {"BACKEND": "portfolio.cache.BoundedMemory", "OPTIONS": {"MAX_BYTES": 8 * 50_000}}
    settings.CACHES |= {
        name: {**bounded, "LOCATION": f"test {name}"} for name in ("pages", "pages_of_queries")
    }
    path = w.prompt.get_absolute_url()
    size = len(ask(path).body)
    assert 5_000 < size < 50_000, "as is assumed here"
    for number in range(2 * 8 * 50_000 // size):
        ask(f"{path}?guess={number}")
        ask("/", host="localhost")
    assert ask(path).was_stored
    assert ask(f"{path}?guess={number}").was_stored
    assert not ask(f"{path}?guess=0").was_stored
    long = f"{path}?guess={'x' * stored_pages.LONGEST_QUERY}"
    ask(long)
    assert not ask(long).was_stored


def test_the_memory_of_pages_is_bounded() -> None:
    memory = BoundedMemory("bounded", {"OPTIONS": {"MAX_BYTES": 100_000}})
    memory.set("too-much", b"x" * 50_000)
    assert memory.get("too-much") is None
    for number in range(1000):
        memory.set(f"page-{number}", b"x" * 1000)
        memory.get("page-0")
    assert memory._size[0] <= 100_000
    assert 60 < len(memory._cache) < 100
    assert memory.get("page-0"), "what is asked for stays"
    assert memory.get("page-500") is None
    memory.set("page-0", b"y")
    memory.delete("page-0")
    memory.clear()
    assert memory._size[0] == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"hx_request": "false"},
        {"hx_request": "%74rue", "hx_request_uri_autoencoded": "true"},
        {"hx_request": "true", "hx_history_restore_request": "no"},
    ],
)
def test_what_htmx_never_sends_spoils_no_page_and_no_part(odd: dict[str, str], w: World) -> None:
    for _ in range(2):
        assert not ask("/prompts/", **odd).was_stored
    for headers in ({}, {"hx-request": "true"}):
        asked = {name.replace("-", "_"): value for name, value in headers.items()}
        assert ask("/prompts/", **asked).body == Client(headers=headers).get("/prompts/").content
