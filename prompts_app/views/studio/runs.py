"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def runs(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def batch(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def cancel(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def delete(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def start(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
