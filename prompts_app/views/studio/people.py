"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def profile(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def handle(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def delete_account(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
