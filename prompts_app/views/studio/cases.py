"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def cases(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def new(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def edit(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def move(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def delete(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
