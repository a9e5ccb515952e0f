"""The door of the author's area: signed in, or sent to sign in without losing what was typed.

Use ``author_view`` in place of ``login_required`` on every studio view. On a view whose form should come
back as it was typed, ask ``typing_kept(request)`` on GET and, if it gives something, bind the form to it::

    @author_view
    def details(request: AuthorRequest, slug: str) -> HttpResponse:
        kept = typing_kept(request)
        form = DetailsForm(request.POST or kept, instance=own_prompt(request.user, slug))

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

    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        if not request.user.is_authenticated:
            return _send_to_sign_in(cast(AuthorRequest, request))
        response = view(cast(AuthorRequest, request), *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return door


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
