"""Pages about the site itself, and what machines ask of it."""

from __future__ import annotations

from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from prompts_app.models import Level, Profile, Prompt, User
from prompts_app.views.public.public_page import page_ld, public_page

MOST_ADDRESSES = 50_000  # what one sitemap file may hold

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
    """The public pages worth finding: public prompts and their public authors, nothing unlisted."""
    entries = [(reverse(name), "") for name in ("home", "browse", "about_evidence", "about_assertions")]
    prompts = Prompt.objects.listed()
    authors = User.objects.filter(
        Exists(prompts.filter(owner=OuterRef("pk"))), profile__visibility=Profile.Visibility.PUBLIC
    ).order_by("username")
    entries += [
        (reverse("profile", args=[handle]), "") for handle in authors.values_list("username", flat=True)
    ]
    rows = prompts.newest_first().values_list("owner__username", "slug", "updated_at")
    entries += [
        (reverse("prompt", args=[h, s]), when.date().isoformat()) for h, s, when in rows[:MOST_ADDRESSES]
    ]
    urls = "".join(_entry(path, modified) for path, modified in entries[:MOST_ADDRESSES])
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )
    return HttpResponse(text, content_type="application/xml; charset=utf-8")


def _entry(path: str, modified: str) -> str:
    when = f"<lastmod>{modified}</lastmod>" if modified else ""
    return f"<url><loc>{escape(settings.SITE_URL + path)}</loc>{when}</url>\n"
