"""Pages about the site itself, and what machines ask of it."""

from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from prompts_app.evidence.sitemap import addresses_in, parts
from prompts_app.models import Level
from prompts_app.views.public.public_page import page_ld, public_page

EXAMPLES = ((3, 3), (10, 10), (9, 10), (24, 25), (45, 50), (90, 100))  # passed, cases


@public_page
def about_evidence(request: HttpRequest) -> HttpResponse:
    context = {
        "levels": [*range(len(Level))],
        "examples": EXAMPLES,
        "json_ld": page_ld("WebPage", "How evidence works", reverse("about_evidence")),
    }
    return render(request, "public/about_evidence.html", context)


@public_page
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that ask without reading the page."""
    return HttpResponseRedirect(static("img/mark.svg"), headers={"Cache-Control": "public, max-age=86400"})


@public_page
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        f"Disallow: {reverse('studio')}",
        "Disallow: /accounts/",
        "",
        f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@public_page
def sitemap(request: HttpRequest) -> HttpResponse:
    """An index of parts: whoever reads them asks for one at a time."""
    addresses = (settings.SITE_URL + reverse("sitemap_part", args=[part]) for part in parts())
    return _sitemap("sitemapindex", (f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses))


@public_page
def sitemap_part(request: HttpRequest, part: str) -> HttpResponse:
    """The public pages worth finding: public prompts and their public authors, nothing unlisted."""
    found = addresses_in(part)
    if not found:
        raise Http404
    return _sitemap("urlset", (_entry(path, modified) for path, modified in found))


def _entry(path: str, modified: str) -> str:
    when = f"<lastmod>{modified}</lastmod>" if modified else ""
    return f"<url><loc>{settings.SITE_URL}{path}</loc>{when}</url>"


def _sitemap(element: str, lines: Iterable[str]) -> HttpResponse:
    """Addresses are of letters, digits and signs that XML takes as they are."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{element} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{"\n".join(lines)}\n</{element}>\n'
    )
    return HttpResponse(text, content_type="application/xml; charset=utf-8")
