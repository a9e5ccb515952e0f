"""What every public page has in common: where moved addresses lead, and what may be kept by whom."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from html import unescape
from typing import Any, Concatenate

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods, require_safe

from portfolio.encoding import compressed, encoding_for
from prompts_app.access import LinkReader, Moved, author_visible_to, prompt_visible_to, reads_as_visitor
from prompts_app.actions.prompts.private_parts import is_said_openly
from prompts_app.engine.masking import LEAST
from prompts_app.engine.matching import fold
from prompts_app.models import Profile, Prompt, User
from prompts_app.models.page_changes import LIST, SITE
from prompts_app.models.reading import Reading, reading

type View = Callable[..., HttpResponseBase]

# Anybody may keep the page, but asks each time whether it is still so: unpublishing works at once.
SHARED = "public, max-age=0, must-revalidate"
KEPT_BY_NOBODY = "private, no-store"


def public_page(view: Callable[..., HttpResponse]) -> View:
    """For views anybody may ask for: read only, a former handle or slug redirects, headers are set, and
    private parts are masked, for their author too unless they ask otherwise."""

    @require_safe
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with read_by_visitor(request) as reader:
            try:
                response = view(request, *args, **kwargs)
            except Moved as moved:
                response = HttpResponsePermanentRedirect(_new_address(request, moved, kwargs))
            refuse_to_show_private(request, response, reader)
        return _with_cache_headers(request, response, pages_shown(reader, kwargs))

    return shown


def prompt_page(view: Callable[..., HttpResponse]) -> View:
    """``public_page`` of the prompt that the address names: ``view(request, prompt, what else it names)``.
    For nobody's memory and no index where the prompt is not public."""

    @public_page
    @wraps(view)
    def shown(request: HttpRequest, handle: str, slug: str, **named: Any) -> HttpResponse:
        prompt = prompt_visible_to(request.user, handle, slug)
        response = view(request, prompt, **named)
        return response if is_indexable(prompt) else kept_by_nobody(response)

    return shown


def author_page(view: Callable[[HttpRequest, User], HttpResponse]) -> View:
    """The same of the author that the address names."""

    @public_page
    @wraps(view)
    def shown(request: HttpRequest, handle: str) -> HttpResponse:
        author = author_visible_to(request.user, handle)
        response = view(request, author)
        is_public = author.profile.visibility == Profile.Visibility.PUBLIC
        return response if is_public else kept_by_nobody(response)

    return shown


def prompt_form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a form below a prompt's page, which is each visitor's own: in no cache and no index, and not below
    a share link."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def shown(request: HttpRequest, handle: str, slug: str, **named: Any) -> HttpResponse:
        if isinstance(request.user, LinkReader):
            raise Http404
        try:
            prompt = prompt_visible_to(request.user, handle, slug)
        except Moved as moved:
            return HttpResponseRedirect(
                _new_address(request, moved, {"handle": handle, "slug": slug, **named})
            )
        return kept_by_nobody(view(request, prompt, **named))

    return shown


def kept_by_nobody[R: HttpResponse](response: R) -> R:
    """The same, for nobody's memory and no index."""
    response.headers["Cache-Control"] = KEPT_BY_NOBODY
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def picture_response(request: HttpRequest, digest: str, kind: str, read: Callable[[], bytes]) -> HttpResponse:
    """The picture of this digest; 304 for who has it, without reading or drawing it."""
    etag = f'"{digest}"'
    response = get_conditional_response(request, etag=etag)
    if not isinstance(response, HttpResponse):
        response = HttpResponse(read(), content_type=kind)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = SHARED
    return response


def pages_shown(reader: Reading, kwargs: Mapping[str, Any]) -> set[str]:
    """The keys of all that a page shows (see ``models.page_changes``). One that is neither of a person nor of
    a prompt may show anything that anybody published; none where something under way was read."""
    if reader.saw_run_under_way:
        return set()
    return reader.keys() | {SITE} if "handle" in kwargs else {LIST, SITE}


def read_as_visitors_read[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """For a public view that is no ``public_page``, since it takes a form: the same masking."""

    @wraps(view)
    def shown(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with read_by_visitor(request) as reader:
            response = view(request, *args, **kwargs)
            refuse_to_show_private(request, response, reader)
        return response

    return shown


IN_FULL = "shown"  # ?private=shown: the author's own prompts as they are


def wants_in_full(request: HttpRequest) -> bool:
    return request.GET.get("private") == IN_FULL


@contextmanager
def read_by_visitor(request: HttpRequest) -> Iterator[Reading]:
    """What is loaded inside is what visitors read; the reading says what was hidden."""
    reader = reads_as_visitor(request.user, in_full=wants_in_full(request))
    with reading(reader):
        yield reader


def kept_where_it_is_said(
    answer: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: what says nothing of being kept is kept by nobody. Without it browsers and proxies may keep
    a 404 of what is published later, and an account's own pages after its owner has signed out."""

    def answered(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        response.headers.setdefault("Cache-Control", KEPT_BY_NOBODY)
        return response

    return answered


class PrivatePartShown(Exception):
    """A page was about to show what it must not. Nobody got it; it names no text."""


def refuse_to_show_private(request: HttpRequest, response: HttpResponse, reader: Reading) -> None:
    """The last look at a page before it leaves. Raises PrivatePartShown.

    Not where the visitor typed words of their own, which pages repeat, nor where several people's prompts are
    named: whether the answer is refused would tell whether a guess was right.
    """
    kind = response.headers.get("Content-Type", "")
    if kind in _PICTURES or any(len(fold(str(v))) >= LEAST for v in request.GET.values()):
        return
    text = response.content.decode("utf-8", "replace")
    shown = dict.fromkeys([*reader.shown_in(text), *reader.shown_in(unescape(_TAG.sub("", text)))])
    if leaks := [one for one in shown if not is_said_openly(*one)]:
        raise PrivatePartShown(f"{request.path} shows {len(leaks)} private parts of a prompt.")


_TAG = re.compile(r"<[^>]*>")
_PICTURES = {"image/png", "image/webp"}


def _new_address(request: HttpRequest, moved: Moved, kwargs: dict[str, Any]) -> str:
    match = request.resolver_match
    assert match is not None
    assert match.url_name is not None  # every public address is named
    new = {**kwargs, "handle": moved.handle} | ({"slug": moved.slug} if "slug" in kwargs else {})
    query = request.META.get("QUERY_STRING", "")
    return reverse(match.url_name, kwargs=new) + (f"?{query}" if query else "")


def _with_cache_headers(request: HttpRequest, response: HttpResponse, shows: set[str]) -> HttpResponseBase:
    if request.user.is_authenticated:
        response.headers["Cache-Control"] = KEPT_BY_NOBODY
        return response
    if not response.has_header("Cache-Control"):
        response.headers["Cache-Control"] = SHARED
    if response.status_code != 200 or response.headers["Cache-Control"] != SHARED:
        return response
    if not response.has_header("ETag"):
        response.headers["ETag"] = f'"{sha256(response.content).hexdigest()[:32]}"'
        _compress(request, response)
    if not wants_in_full(request):
        setattr(response, SHOWS, shows)
    return get_conditional_response(request, etag=response.headers["ETag"], response=response) or response


SHOWS = "shows"  # on an answer that may be stored: the keys of what it shows
_LEAST_COMPRESSED = 200  # bytes


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    """As the middleware for all other answers does, but with Brotli too. Nothing secret is in such a page: no
    random bytes are needed against guesses of it."""
    if len(response.content) < _LEAST_COMPRESSED:
        return
    patch_vary_headers(response, ["Accept-Encoding"])
    if encoding := encoding_for(request.META.get("HTTP_ACCEPT_ENCODING", "")):
        response.content = compressed(response.content, encoding)
        response.headers["Content-Encoding"] = encoding
        response.headers["ETag"] = f"W/{response.headers['ETag']}"  # other bytes for the same page


def is_indexable(prompt: Prompt) -> bool:
    """Public, by an author whose own page is public too, and not read through a share link."""
    listed = prompt.is_public and prompt.owner.is_active and prompt.owner.profile.visibility == "public"
    return listed and not prompt.read_at


def page_ld(kind: str, name: str, path: str, **more: object) -> SafeString:
    """A page of the site itself as structured data; ``kind`` is a type of schema.org."""
    about = {"@context": "https://schema.org", "@type": kind, "name": name, "url": settings.SITE_URL + path}
    return json_in_html(about | more)


def part_ld(prompt: Prompt, name: str, path: str) -> SafeString | None:
    """A page below a prompt's as structured data; None where the prompt is not to be indexed."""
    whole = {"@type": "CreativeWork", "url": settings.SITE_URL + prompt.get_absolute_url()}
    return page_ld("CreativeWork", name, path, isPartOf=whole) if is_indexable(prompt) else None


_ESCAPES = {ord(letter): f"\\u{ord(letter):04X}" for letter in "<>&\u2028\u2029"}


def json_in_html(data: object) -> SafeString:
    """``data`` as JSON that cannot end the script element it stands in."""
    return mark_safe(json.dumps(data, ensure_ascii=True).translate(_ESCAPES))  # noqa: S308 escaped here
