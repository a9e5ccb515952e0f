"""``/@handle/``: one author's work, for somebody who has a minute."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from prompts_app.engine.wording import how_many
from prompts_app.evidence import profile_figures, prompt_filters, prompt_lists
from prompts_app.evidence.profile_figures import Line
from prompts_app.models import Profile, Prompt, User
from prompts_app.views.public.public_page import author_page, json_in_html

PAGE = 50  # prompts in the table
AT_A_GLANCE = 8  # as many prompts need no form to find one
MOST_PINNED = 6
MOST_GAINS = 50  # rows of what was gained


@author_page
def profile(request: HttpRequest, author: User) -> HttpResponse:
    """The same page for everybody, its author too: what is not public is not on it."""
    lines = profile_figures.lines_of(author.pk)
    recorded = [line for line in lines if line.is_recorded]
    shown = profile_figures.figures_of(recorded)
    gains = [line for line in recorded if line.gained]
    links, description = safe_links(author.profile.links), _description(author, len(lines), shown)
    listed = author.profile.visibility == Profile.Visibility.PUBLIC and bool(lines)
    context = {
        "author": author,
        "links": links,
        "figures": shown,
        "runs": _runs_in(lines),
        "deleted": sum(line.deleted_runs for line in lines) + author.profile.deleted_runs,
        "pinned": _pinned(author, lines),
        "gains": gains[:MOST_GAINS],
        "more_gains": len(gains[MOST_GAINS:]),
        **_work(request.GET, author, lines),
        "models": profile_figures.models_of(recorded),
        "tasks": profile_figures.tasks_of(recorded),
        "uncounted": sum(line.judged for line in lines) - len(recorded),
        "operates": author.operates_here,
        "listed": listed,
        "as_printed": "print" in request.GET,
        "title": _title(author),
        "description": description,
        "json_ld": json_in_html(_json_ld(author, description, links)) if listed else "",
    }
    response = render(request, "public/profile.html", context)
    if not listed:
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _work(get: QueryDict, author: User, lines: Sequence[Line]) -> dict[str, Any]:
    """The table of all work: narrowed by what is asked for, with the form where there is much to narrow."""
    search, ignored = prompt_filters.read_search(get)
    holding = prompt_lists.of_author(author.pk, lines)
    among = holding(search.q)
    total, place = among.total(search.terms), prompt_lists.numbered(get)
    page = among.page(search, place, PAGE)
    return {
        "page": page,
        "total": total,
        "count": len(lines),
        "counts_all": among.counts_all(search),
        "search": search,
        "ignored": [*ignored, *prompt_lists.beyond(place, page)],
        "order": prompt_filters.ORDER_IN_WORDS[search.order],
        "query": search.query(),
        "set_filters": prompt_filters.set_filters(search),
        "filters": prompt_filters.filters_of(search, among) if len(lines) > AT_A_GLANCE else [],
        "sorts": prompt_filters.sorts_for(search),
        "ways_out": [] if total.n else prompt_filters.ways_out(search, holding),
    }


def _pinned(author: User, lines: Sequence[Line]) -> list[Prompt]:
    """As prompts, with the long texts, which the page prints in part."""
    chosen = [(line.pin_position, line.prompt) for line in lines if line.pin_position is not None]
    found = Prompt.objects.in_bulk([prompt for _, prompt in sorted(chosen)[:MOST_PINNED]])
    for prompt in found.values():
        prompt.owner = author  # so that their addresses need no query
    return [found[key] for _, key in sorted(chosen) if key in found]


def _runs_in(lines: Sequence[Line]) -> dict[str, int]:
    """Recorded runs, the endpoints they went to, and runs without any answer, as counts."""
    return {
        "recorded": sum(line.recorded_runs for line in lines),
        "endpoints": len({name for line in lines for name in line.endpoints}),
        "unanswered": sum(line.unanswered_runs for line in lines),
    }


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
