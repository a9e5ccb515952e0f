"""What a visitor sees when something is wrong. None of these pages says whether a private thing exists."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from prompts_app.access import is_gone

KEPT_CHARACTERS = 200_000
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


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose cookie is gone: refused, but what was typed is shown, to be copied."""
    typed = [
        (name, value[:KEPT_CHARACTERS])
        for name, value in request.POST.items()
        if isinstance(value, str) and value.strip() and not is_secret(name)
    ]
    return render(request, "403_csrf.html", {"typed": typed}, status=403)


def is_secret(name: str) -> bool:
    secret_words = ("csrf", "password", "passphrase", "key", "code", "credential")
    return any(word in name.lower() for word in secret_words)
