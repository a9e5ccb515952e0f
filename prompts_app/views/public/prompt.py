"""``/@handle/slug/``: one prompt as a case study; and ``…/v3/``: one of its versions."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst

from prompts_app.access import LinkReader, prompt_visible_to, version_of
from prompts_app.engine.errors import RenderError
from prompts_app.engine.types import PromptContent
from prompts_app.evidence import (
    before_after,
    blind_pairs,
    case_study,
    chat_links,
    concision,
    fill_in,
    known_failures,
    lineage,
    model_grid,
    version_history,
)
from prompts_app.evidence.origin import Origin
from prompts_app.evidence.picture_sheet import shots_of
from prompts_app.evidence.records import Records
from prompts_app.evidence.summary import without_figures
from prompts_app.models import Prompt, Tag, Version
from prompts_app.views.public.public_page import is_indexable, json_in_html, listed_only, public_page
from prompts_app.views.public.version import version_context

MOST_TITLE = 70  # characters that search engines show: a long title goes without the site's name
MOST_SHOWN = 40_000  # characters of messages on one page; all of them are in the .md


@public_page
def prompt(request: HttpRequest, handle: str, slug: str) -> HttpResponse:
    found = prompt_visible_to(request.user, handle, slug)
    shown = case_study.read_shown(request.GET)
    asked = before_after.read_case(request.GET)
    records = Records(found)
    study = case_study.study_of(records, shown)
    newest = records.newest
    versions, tags = records.versions, sorted(found.tags.all(), key=lambda tag: tag.name)
    context = {
        "prompt": found,
        "version": newest,
        "names_site": len(f"{found.title} by {found.owner.display_name} · Proofsheet") <= MOST_TITLE,
        "study": study,
        "shown": shown,
        "ab": before_after.before_after_of(records, asked),
        "grid": model_grid.grid_of(records.latest, study.evidence) if study else None,
        "curve": concision.curve_of(study.evidence) if study else None,
        "shelf": known_failures.shelf_of(records) if study else [],
        "shots": shots_of([study.main], study.suite) if study else [],
        "duel": None
        if isinstance(request.user, LinkReader)
        else blind_pairs.duel_of(records)
        if study
        else None,
        "is_chosen": shown.is_chosen or asked is not None,
        "story": version_history.story_of(records, versions[: version_history.MOST_VERSIONS]),
        "older": versions[version_history.MOST_VERSIONS :],
        "unanswered": getattr(newest, "unanswered", 0),
        "tags": tags,
        "operated_by_author": found.owner.operates_here,
        "listed": is_indexable(found),
        **lineage.lineage_of(records, request.user),
        **(_text_of(newest, study, request) if newest else {}),
    }
    context["description"] = _description(found, study)
    if context["listed"]:
        context["json_ld"] = json_in_html(_json_ld(found, context["description"], context["origin"], tags))
    return listed_only(found, render(request, "public/prompt.html", context))


def _text_of(newest: Version, study: case_study.Study | None, request: HttpRequest) -> dict[str, Any]:
    """The messages, as far as they fit, and the form to fill them in."""
    text = newest.as_engine()
    example = dict(study.suite[0].get("variables") or {}) if study and study.suite else {}
    blanks = fill_in.blanks_of(text, example, request.GET)
    asked = bool(blanks) and "fill" in request.GET
    return {
        "texts": shortened(text),
        "is_shortened": sum(len(message.content) for message in text.messages) > MOST_SHOWN,
        "blanks": blanks,
        "example_shown": bool(example) and not asked,
        **(_filled(text, blanks) if asked else {"ways": chat_links.ways_for(fill_in.unfilled(text))}),
    }


def _filled(text: PromptContent, blanks: list[fill_in.Blank]) -> dict[str, Any]:
    """The filled messages, or why they cannot be."""
    try:
        filled = fill_in.filled(text, blanks)
        return {"filled": filled, "ways": chat_links.ways_for(filled)}
    except RenderError as problem:
        return {"fill_problem": str(problem)}


def shortened(text: PromptContent) -> list[dict[str, str]]:
    """The messages, cut where they are more than a page takes."""
    left, messages = MOST_SHOWN, []
    for message in text.messages:
        if left <= 0:
            break
        messages.append({"role": message.role, "content": message.content[:left]})
        left -= len(message.content)
    return messages


def _description(found: Prompt, study: case_study.Study | None) -> str:
    """For search engines and link previews: what it does, then how it tested."""
    tested = study.headline_text if study else f"{capfirst(without_figures(found))}."
    return " ".join(f"{found.summary} {tested}".split())[:300]


def _json_ld(found: Prompt, description: str, origin: Origin | None, tags: list[Tag]) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "name": found.title,
        "url": settings.SITE_URL + found.get_absolute_url(),
        "description": description,
        "author": {
            "@type": "Person",
            "name": found.owner.display_name,
            "url": settings.SITE_URL + found.owner.get_absolute_url(),
        },
        "dateModified": found.updated_at.date().isoformat(),
        **({"datePublished": found.published_at.date().isoformat()} if found.published_at else {}),
        "keywords": [tag.name for tag in tags],
        **({"isBasedOn": origin.address} if origin and is_indexable(origin.prompt) else {}),
    }


@public_page
def version(request: HttpRequest, handle: str, slug: str, number: int) -> HttpResponse:
    found = prompt_visible_to(request.user, handle, slug)
    one = version_of(found, number)
    context = version_context(found, one, case_study.read_shown(request.GET))
    context["texts"] = shortened(one.as_engine())
    context["offers_fork"] = lineage.offers_fork(found, request.user)
    context["listed"] = is_indexable(found)
    return listed_only(found, render(request, "public/version.html", context))
