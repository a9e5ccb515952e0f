"""``/@handle/``: one author's work, for somebody who has a minute."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from prompts_app.access import author_visible_to
from prompts_app.engine.wording import how_many
from prompts_app.evidence import profile_figures, prompt_filters
from prompts_app.models import Profile, Prompt, Run, Source, User
from prompts_app.models.prompts import PromptQuerySet
from prompts_app.views.public.home import LONG_COLUMNS
from prompts_app.views.public.public_page import KEPT_BY_NOBODY, json_in_html, public_page

PAGE = 100  # prompts in the table
AT_A_GLANCE = 8  # as many prompts need no form to find one
MOST_PINNED = 6


@public_page
def profile(request: HttpRequest, handle: str) -> HttpResponse:
    """The same page for everybody, its author too: what is not public is not on it."""
    author = author_visible_to(request.user, handle)
    public = Prompt.objects.public().owned_by(author).defer(*LONG_COLUMNS)
    tested = _shown_as_of(author, public.tested().best_first())
    recorded = profile_figures.recorded(tested)
    work = _work(request.GET, author, public)
    shown = profile_figures.figures_of(recorded)
    links, description = safe_links(author.profile.links), _description(author, work["count"], shown)
    listed = author.profile.visibility == Profile.Visibility.PUBLIC and bool(work["count"])
    context = {
        "author": author,
        "links": links,
        "figures": shown,
        "runs": _runs_of(author),
        "deleted": (public.aggregate(n=Sum("deleted_runs"))["n"] or 0) + author.profile.deleted_runs,
        "pinned": _pinned(author, public),
        "gains": profile_figures.gains_of(recorded),
        **work,
        "models": profile_figures.models_of(recorded),
        "tasks": profile_figures.tasks_of(recorded),
        "uncounted": len(tested) - len(recorded),
        "operates": author.operates_here,
        "listed": listed,
        "as_printed": "print" in request.GET,
        "title": _title(author),
        "description": description,
        "json_ld": json_in_html(_json_ld(author, description, links)) if listed else "",
    }
    response = render(request, "public/profile.html", context)
    if author.profile.visibility != Profile.Visibility.PUBLIC:
        response.headers["Cache-Control"] = KEPT_BY_NOBODY
    if not listed:
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _work(get: QueryDict, author: User, public: PromptQuerySet) -> dict[str, Any]:
    """The table of all work: narrowed by what is asked for, with the form where there is much to narrow."""
    search, ignored = prompt_filters.read_search(get, author.pk)
    found = _with_runs(prompt_filters.in_order(prompt_filters.narrow(public, search), search).with_author())
    page = Paginator(found, PAGE).get_page(get.get("page"))
    count = page.paginator.count if search.is_empty else public.count()
    return {
        "page": page,
        "count": count,
        "search": search,
        "ignored": ignored,
        "order": prompt_filters.ORDER_IN_WORDS[search.order],
        "query": search.query(),
        "set_filters": prompt_filters.set_filters(search),
        "filters": prompt_filters.filters_of(search, public) if count > AT_A_GLANCE else [],
        "sorts": prompt_filters.sorts_for(search),
        "ways_out": [] if page.paginator.count else prompt_filters.ways_out(search, public),
    }


def _with_runs(prompts: PromptQuerySet) -> PromptQuerySet:
    """With ``recorded_runs`` on each, so that the figure on top can be added up from its rows."""
    runs = _recorded_runs().filter(prompt=OuterRef("pk")).order_by().values("prompt")
    return prompts.annotate(recorded_runs=Coalesce(Subquery(runs.annotate(n=Count("pk")).values("n")), 0))


def _recorded_runs() -> QuerySet[Run]:
    return Run.objects.that_count().answered().filter(source=Source.RECORDED)


def _shown_as_of(author: User, prompts: Any) -> list[Prompt]:
    """The prompts with their author already known, so that their addresses need no query."""
    found = list(prompts)
    for prompt in found:
        prompt.owner = author
    return found


def _pinned(author: User, public: Any) -> list[Prompt]:
    # With the long texts, which the page prints in part.
    chosen = public.filter(pin_position__isnull=False).defer(None).order_by("pin_position", "pk")
    return _shown_as_of(author, chosen[:MOST_PINNED])


def _runs_of(author: User) -> dict[str, int]:
    """Recorded runs of public prompts, the endpoints they went to, and runs without any answer, as counts."""
    public = Prompt.objects.public().owned_by(author)
    endpoints = Count("endpoint_name", distinct=True, filter=~Q(endpoint_name=""))
    counted = _recorded_runs().filter(prompt__in=public).aggregate(recorded=Count("pk"), endpoints=endpoints)
    return counted | {"unanswered": Run.objects.filter(prompt__in=public).ended_without_an_answer().count()}


def safe_links(links: Any) -> list[dict[str, str]]:
    """Those of the author's links that lead to a web page; anything else is not shown."""
    found = []
    for link in links if isinstance(links, list) else []:
        url = str(link.get("url", "")) if isinstance(link, dict) else ""
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in {"http", "https"} and parts.hostname:
            found.append(
                {"url": iri_to_uri(url), "label": str(link.get("label") or "").strip() or parts.hostname}
            )
    return found


def _title(author: User) -> str:
    return f"{author.display_name} (@{author.handle})"


def _description(author: User, count: int, shown: profile_figures.Figures | None) -> str:
    parts = [author.profile.headline]
    if count:
        parts.append(f"{how_many(count, 'prompt')}.")
    if shown:
        each = "on one model" if shown.models == 1 else "each prompt on its main model"
        parts.append(f"{shown.passed} of {shown.cases} cases pass, recorded {each}.")
    text = " ".join(part for part in parts if part)
    return (text or f"{author.display_name} on Proofsheet: nothing is published yet.")[:300]


def _json_ld(author: User, description: str, links: list[dict[str, str]]) -> dict[str, Any]:
    address = settings.SITE_URL + author.get_absolute_url()
    return {
        "@context": "https://schema.org",
        "@type": "ProfilePage",
        "url": address,
        "dateCreated": author.date_joined.date().isoformat(),
        "mainEntity": {
            "@type": "Person",
            "name": author.display_name,
            "alternateName": author.handle,
            "identifier": author.handle,
            "description": author.profile.headline or description,
            "url": address,
            "sameAs": [link["url"] for link in links],
            **_face_ld(author),
        },
    }


def _face_ld(author: User) -> dict[str, str]:
    if not author.profile.face_digest:
        return {}
    return {"image": settings.SITE_URL + reverse("face", args=[author.handle])}
