"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def prompt(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def version(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
