"""The door of the author's area: signed in, or sent to sign in without losing what was typed.

Use ``author_view`` in place of ``login_required`` on every view of the author's, or ``owner_view`` where the
address names one thing of theirs. Where a form should come back as it was typed, bind it to
``typed(request)``::

    @owner_view(own_span)
    def part(request: AuthorRequest, span: PrivateSpan) -> HttpResponse:
        form = LabelForm(typed(request), initial={"label": span.label})

What is kept: the text fields of one form per browser, never files, keys, passwords or codes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from prompts_app.models import User
from prompts_app.views.errors import csrf_failure, is_secret

SESSION_KEY = "kept_typing"
MOST_KEPT = 500_000  # characters: a session is a database row, and a stranger may fill one
STOP_POLLING = 286  # htmx's own status: swap this, and ask no more


class AuthorRequest(HttpRequest):
    """A request that passed the door."""

    user: User
    htmx: HtmxDetails


def author_view[**P, R: HttpResponseBase](
    view: Callable[Concatenate[AuthorRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
    """Only for people who are signed in; a POST whose session ran out comes back after signing in."""
    allowed = require_http_methods(["GET", "HEAD", "POST"])(view)

    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        if not request.user.is_authenticated:
            return _send_to_sign_in(cast(AuthorRequest, request))
        response = allowed(cast(AuthorRequest, request), *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return door


def owner_view[O, R: HttpResponseBase](
    find: Callable[..., O],
) -> Callable[[Callable[[AuthorRequest, O], R]], Callable[..., R | HttpResponse]]:
    """``author_view`` of the one thing that ``find(user, **what the address names)`` gives, or a 404."""

    def named(view: Callable[[AuthorRequest, O], R]) -> Callable[..., R | HttpResponse]:
        @author_view
        @wraps(view)
        def found(request: AuthorRequest, /, **named: str | int) -> R:
            return view(request, find(request.user, **named))

        return found

    return named


def typed(request: HttpRequest) -> QueryDict | None:
    """The form that was posted, now or before signing in; None where there is none."""
    return request.POST or typing_kept(request) or None


def typing_kept(request: HttpRequest) -> QueryDict | None:
    """What was posted to this very page while signed out. Given once, then forgotten."""
    kept = request.session.get(SESSION_KEY)
    if not kept or kept["path"] != request.path:
        return None
    del request.session[SESSION_KEY]
    typed = QueryDict(mutable=True)
    for name, values in kept["data"].items():
        typed.setlist(name, values)
    return typed


def _send_to_sign_in(request: AuthorRequest) -> HttpResponse:
    if request.method == "POST" and not _keep(request):
        return csrf_failure(request)  # too much for a session: shown, to be copied
    if request.htmx:
        response = render(request, "studio/_signed_out.html", {"page": _page(request)}, status=STOP_POLLING)
        response["HX-Retarget"], response["HX-Reswap"] = "#signed-out", "innerHTML"
        return response
    if request.method == "POST":
        messages.info(request, "You were signed out. What you typed is kept: sign in and it is here again.")
    return redirect_to_login(_page(request) if request.method == "POST" else request.get_full_path())


def _keep(request: AuthorRequest) -> bool:
    """Whether the posted text could be kept."""
    data = {name: request.POST.getlist(name) for name in request.POST if not is_secret(name)}
    if sum(len(value) for values in data.values() for value in values) > MOST_KEPT:
        return False
    request.session[SESSION_KEY] = {"path": _page(request), "data": data}
    return True


def _page(request: AuthorRequest) -> str:
    """The page the person looks at: for an htmx request not the address it was sent to."""
    current = request.htmx.current_url_abs_path if request.htmx else None
    return (current or request.path).partition("?")[0]
