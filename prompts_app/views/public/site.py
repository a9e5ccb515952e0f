"""Not written yet."""

from django.http import Http404, HttpRequest, HttpResponse


def about_evidence(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def healthz(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def robots(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


def sitemap(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404
