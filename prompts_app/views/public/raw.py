"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def markdown(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def bundle(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
