"""Pages for people who are not signed in, stored as they were sent and answered before any other work.

The outermost part of the site: around Django's own handler, so that a stored page costs neither a request
object nor middleware. What may be stored is said by ``public_page`` alone. A page is looked up by all of the
request that it can depend on, and served only after the database has said that nothing it shows was changed
since before it was made (``models.page_changes``): one query. Where the database does not say so, Django
makes the page, or tells that the database is away. See ADR 0025.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from sys import intern
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.http import parse_etags

from portfolio.encoding import encoding_for
from prompts_app.models.page_changes import LONGEST_KEPT_S, Moment, have_changed, moment
from prompts_app.views.public.public_page import SHARED, SHOWS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LONGEST_QUERY = 256  # characters
QUERIES_KEPT_S = 300.0
MOST_KEYS = 200  # of what one page shows
# Pages that each process makes at once: more take no less time, as Python makes one at a time, but memory.
MADE_AT_ONCE = 3

# Never stored: answered without the database, or of one person. What else is not is found out by its headers.
_NEVER = ("/studio/", "/accounts/", "/admin/", "/s/", "/healthz", "/readyz", settings.STATIC_URL)
# The answer depends on who asks (a cookie), or on more than the page (conditions that Django knows).
_COOKIES = (settings.SESSION_COOKIE_NAME, "messages")
_CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")
# A page or a part of it. What htmx never sends, Django may read in another way than we do.
_HTMX = ("HTTP_HX_REQUEST", "HTTP_HX_HISTORY_RESTORE_REQUEST")
_NOT_OF_A_304 = ("content-type", "content-length", "content-encoding", "content-disposition")

log = logging.getLogger(__name__)

type Headers = list[tuple[str, str]]


class Place(NamedTuple):
    """Where a page is stored."""

    cache: str  # its alias
    key: str
    kept_s: float
    encoding: str


@dataclass(frozen=True, slots=True)
class Page:
    """An answer with status 200 as it was sent, and what has to hold for it to be sent again."""

    headers: Headers
    headers_of_304: Headers
    body: bytes
    etag: str
    shows: tuple[str, ...]  # keys
    made_after: Moment

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _is_known(self.etag, environ.get("HTTP_IF_NONE_MATCH", "")):
            start_response("304 Not Modified", list(self.headers_of_304))
            return []
        start_response("200 OK", list(self.headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


class Handler(WSGIHandler):
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        place = place_of(environ)
        if place is None:
            return super().__call__(environ, start_response)
        with ExitStack() as turn:
            page, made_after = _found_or_now(place, turn)
            if page:
                return page.answer(environ, start_response)
            if made_after:
                return self._made(environ, start_response, place, made_after)
        return super().__call__(environ, start_response)

    def _made(
        self, environ: WSGIEnvironment, start_response: StartResponse, place: Place, made_after: Moment
    ) -> Any:
        """Made whole, whatever the visitor has of it already; then stored, and answered as ever after. Django
        hears of the one compression that the page is stored in: how it reads the header is not how we do."""
        known, kept_s = environ.pop("HTTP_IF_NONE_MATCH", None), min(place.kept_s, _until_midnight_s())
        environ["HTTP_ACCEPT_ENCODING"] = place.encoding
        said: list[tuple[str, Headers]] = []
        response: Any = super().__call__(environ, _noting(said))
        if known is not None:
            environ["HTTP_IF_NONE_MATCH"] = known
        ((status, headers),) = said
        etag = dict(headers).get("ETag", "")
        if not status.startswith("200 ") or not etag or getattr(response, "streaming", True):
            start_response(status, headers)
            return response
        headers = [(intern(name), intern(value)) for name, value in headers]  # most are those of other pages
        of_304 = [header for header in headers if header[0].lower() not in _NOT_OF_A_304]
        shows = tuple(getattr(response, SHOWS, ()))
        page = Page(headers, of_304, response.content, etag, shows, made_after)
        response.close()
        if may_be_stored(page) and environ["REQUEST_METHOD"] == "GET":
            caches[place.cache].set(place.key, page, kept_s)
        return page.answer(environ, start_response)


def _found_or_now(place: Place, turn: ExitStack) -> tuple[Page | None, Moment | None]:
    """The page that is stored there, or, once it is this request's ``turn`` to make it, the moment it is made
    after. Neither where the database does not say."""
    try:
        page = find(place)
        if page is None and turn.enter_context(_turn()):  # made for somebody else meanwhile?
            page = find(place)
        return page, None if page else moment()
    except (DatabaseError, InterfaceError) as error:
        log.warning("Stored pages cannot be checked: %r", error)
        return None, None


@contextmanager
def _turn() -> Iterator[bool]:
    """To make a page; gives whether it had to be waited for."""
    has_waited = not _TURNS.acquire(blocking=False) and _TURNS.acquire()
    try:
        yield has_waited
    finally:
        _TURNS.release()


def _noting(said: list[tuple[str, Headers]]) -> StartResponse:
    def start_response(status: str, headers: Headers, _: Any = None, /) -> Callable[[bytes], object]:
        said.append((status, headers))
        return lambda data: None  # what nobody here uses: to write before returning

    return start_response


def may_be_stored(page: Page) -> bool:
    """By what ``public_page`` says it shows, and by its headers, all middleware having had its say."""
    said = {name.lower(): value for name, value in page.headers}
    is_shared = said.get("cache-control") == SHARED and "set-cookie" not in said
    return is_shared and 0 < len(page.shows) <= MOST_KEYS


def find(place: Place) -> Page | None:
    """The page that is stored there, if it is still so. Raises what the database raises."""
    page: Page | None = caches[place.cache].get(place.key)
    return None if page is None or have_changed(page.shows, page.made_after) else page


def place_of(environ: WSGIEnvironment) -> Place | None:
    """Where the answer to this request belongs; None where it is none of ours."""
    path, query, cookie = (
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_COOKIE", ""),
    )
    if (
        environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        or path.startswith(_NEVER)
        or len(query) > LONGEST_QUERY
        or any(name in cookie for name in _COOKIES)
        or any(name in environ for name in _CONDITIONS)
        or any(environ.get(name, "true") != "true" for name in _HTMX)
    ):
        return None
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    encoding = encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
    parts = (
        _scheme_of(environ),
        host,
        environ.get("SCRIPT_NAME", ""),
        path,
        query,
        encoding,
        *(str(name in environ) for name in _HTMX),
    )
    key = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    # Everything there is without number goes where it drives out no more than its like.
    if query or host != _SITE_HOST:
        return Place("pages_of_queries", key, QUERIES_KEPT_S, encoding)
    return Place("pages", key, LONGEST_KEPT_S, encoding)


def _scheme_of(environ: WSGIEnvironment) -> str:
    """As Django tells it (HttpRequest.scheme)."""
    if header := settings.SECURE_PROXY_SSL_HEADER:
        name, secure = header
        if (said := environ.get(name)) is not None:
            return "https" if said.split(",", 1)[0].strip() == secure else "http"
    return str(environ["wsgi.url_scheme"])


def _is_known(etag: str, wanted: str) -> bool:
    """Whether If-None-Match names it; what differs in nothing but its compression is the same."""
    if not wanted or wanted == etag:
        return bool(wanted)
    return wanted == "*" or etag.removeprefix("W/") in [one.removeprefix("W/") for one in parse_etags(wanted)]


def _until_midnight_s() -> float:
    """Pages say "yesterday" and leave out this year: each day they are others."""
    now = timezone.now().astimezone(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    return (tomorrow - now).total_seconds()


_TURNS = BoundedSemaphore(MADE_AT_ONCE)
_SITE_HOST = urlsplit(settings.SITE_URL).netloc
