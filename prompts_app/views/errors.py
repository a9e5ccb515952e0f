"""What a visitor sees when something is wrong. None of these pages says whether a private thing exists."""

import logging
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from django.contrib import messages
from django.core.exceptions import (
    ObjectDoesNotExist,
    ObjectNotUpdated,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

from portfolio.database import has_broken, is_away, limit_s, within
from portfolio.hashing import TooManyAtOnce
from prompts_app.access import is_gone
from prompts_app.engine.errors import OnRefusal, Refused
from prompts_app.views.limits import FIVE_MINUTES_S, told_to_wait

KEPT_CHARACTERS = 200_000
RETRY_AFTER_S = 5
WORTH_TRYING_S = 0.3
TRIES = 3
STATUS_OF = {"nothing_to_export": 404, "too_much_work": 422, "unreadable_file": 422}  # of a refusal; else 409
SAFE = {"GET", "HEAD"}
GONE = "What this is about is not there any more: it was deleted a moment ago, in another tab perhaps."
LEFT = "database_left"  # on an answer: the connection broke under it, so another one may do

type Typed = list[tuple[str, str]]

log = logging.getLogger(__name__)
_OF_A_PERSON = re.compile(r"/@([A-Za-z0-9-]{3,30})(?:/|\Z)")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; 410 at every address below a handle whose account is gone."""
    person = _OF_A_PERSON.match(request.path)
    if person and is_gone(person[1]):
        return render(request, "410.html", status=410)
    return render(request, "404.html", status=404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Called by django-allauth, which says nothing of which limit it was."""
    return told_to_wait(render(request, "429.html"), FIVE_MINUTES_S)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called by Django while it handles what was raised, by a view or by any middleware."""
    error = sys.exception()
    if is_away(error) or isinstance(error, TooManyAtOnce):
        return unavailable(request, error)
    return render(request, "500.html", status=500)


def unavailable(request: HttpRequest, error: BaseException | None = None) -> HttpResponse:
    """The database is away, or too many sign in. The page gives back what was typed, to be sent again.

    It is sent again only to where the check of its cookie has let it through.
    """
    typed = typed_in(request)
    context = {
        "typed": typed,
        "left_out": sorted(name for name in _posted(request) if is_secret(name) and "csrf" not in name),
        "files": sorted(request.FILES) if typed else [],
        "address": request.get_full_path(),
        "is_post": request.method not in SAFE,
        "is_busy": isinstance(error, TooManyAtOnce),
        "token": get_token(request) if getattr(request, "csrf_processing_done", False) else "",
    }
    is_part = bool(request.headers.get("HX-Request"))
    text = render_to_string("includes/away.html" if is_part else "503.html", context)
    told = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    response = HttpResponse(text, status=503, headers=told)
    setattr(response, LEFT, has_broken(error))
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log a traceback for each
    log.warning("Told to come back: %s %s: %r", request.method, request.path, error)
    return response


def asked_again(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the outermost: a page whose connection to the database broke is made once more, with a new
    one. Only what is safe to be asked twice."""

    def asked(request: HttpRequest) -> HttpResponse:
        deadline = monotonic() + limit_s()
        response = answer(request)
        for _ in range(TRIES):
            left = deadline - monotonic()
            if not getattr(response, LEFT, False) or request.method not in SAFE or left < WORTH_TRYING_S:
                break
            if not connection.in_atomic_block:
                connection.close()
            with within(left):
                response = answer(request)
        return response

    return asked


class Refusals:
    """Middleware: what an action refuses and no view says elsewhere, as a page, a part of one, or JSON."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refused):
            return refusal(request, error)
        # A view answers 404 for what is not there; this one was there a moment ago.
        if isinstance(error, (ObjectDoesNotExist, ObjectNotUpdated)) and request.method not in SAFE:
            log.warning("Gone meanwhile: %s %s", request.method, request.path, exc_info=error)
            return refusal(request, Refused("gone", GONE))
        return None


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    status = STATUS_OF.get(refused.code, 409)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"error": refused.code, "message": refused.sentence}, status=status)
    name = "includes/refused.html" if request.headers.get("HX-Request") else "refused.html"
    return render(request, name, {"refused": refused, "typed": _worth_copying(request)}, status=status)


def refusals_as_message(request: HttpRequest) -> OnRefusal:
    """``with refusals_as_message(request):`` what is refused inside is said on the next page."""
    return OnRefusal(lambda refused: messages.error(request, refused.sentence))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose cookie is gone: refused, but what was typed is shown, to be copied."""
    return render(request, "403_csrf.html", {"typed": _worth_copying(request)}, status=403)


def _worth_copying(request: HttpRequest) -> Typed:
    return [(name, value[:KEPT_CHARACTERS]) for name, value in typed_in(request) if value.strip()]


def typed_in(request: HttpRequest) -> Typed:
    """Every field of the form that was sent, but secrets: they are never put on a page."""
    return [
        (name, value)
        for name, values in _posted(request).items()
        for value in values
        if isinstance(value, str) and not is_secret(name)
    ]


def _posted(request: HttpRequest) -> dict[str, list[str]]:
    """Nothing where what was sent cannot be read."""
    with suppress(UnreadablePostError, RequestDataTooBig, SuspiciousOperation, MultiPartParserError):
        return {name: request.POST.getlist(name) for name in request.POST}
    return {}


def is_secret(name: str) -> bool:
    secret_words = ("csrf", "password", "passphrase", "key", "code", "credential")
    return any(word in name.lower() for word in secret_words)
