"""``/@handle/slug/``: one prompt as a case study; and ``…/v3/``: one of its versions."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst

from prompts_app.access import LinkReader, version_of
from prompts_app.engine.diffs import MessageDiff, message_diff
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
from prompts_app.evidence.asked_schema import shown_schema
from prompts_app.evidence.case_outcomes import cells_in, page_of, rows_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.origin import Origin
from prompts_app.evidence.picture_sheet import shots_of
from prompts_app.evidence.records import Records
from prompts_app.evidence.summary import without_figures
from prompts_app.models import Prompt, Run, Tag, Version
from prompts_app.models.evidence import RunQuerySet
from prompts_app.views.public.public_page import is_indexable, json_in_html, part_ld, prompt_page

MOST_TITLE = 70  # characters that search engines show: a long title goes without the site's name
MOST_SHOWN = 40_000  # characters of messages on one page; all of them are in the .md
MOST_RUNS = 60  # of one version on one page
LONGEST_COMPARED = 60_000  # characters of both versions together


@prompt_page
def prompt(request: HttpRequest, found: Prompt) -> HttpResponse:
    shown = case_study.read_shown(request.GET)
    asked = before_after.read_case(request.GET)
    records = Records(found)
    study = case_study.study_of(records, shown)
    newest, is_by_link = records.newest, isinstance(request.user, LinkReader)
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
        "duel": blind_pairs.duel_of(records) if study and not is_by_link else None,
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
    return render(request, "public/prompt.html", context)


def _text_of(newest: Version, study: case_study.Study | None, request: HttpRequest) -> dict[str, Any]:
    """The messages, as far as they fit, and the form to fill them in."""
    text = newest.as_engine()
    first = study.suite[0] if study and study.suite else {}
    example = dict(first.get("variables") or {})
    pictured = {one.get("variable") for one in first.get("pictures") or ()}
    blanks = fill_in.blanks_of(text, example, pictured, request.GET)
    asked = bool(blanks) and "fill" in request.GET
    return {
        "texts": shortened(text),
        "schema": shown_schema(text.parameters),
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


# --- one version ------------------------------------------------------------------------------------------


@prompt_page
def version(request: HttpRequest, found: Prompt, number: int) -> HttpResponse:
    """Its text, what changed, its runs and their results."""
    one, shown = version_of(found, number), case_study.read_shown(request.GET)
    before = found.versions.filter(number__lt=number).order_by("-number").first()
    after = found.versions.filter(number__gt=number).order_by("number").defer("messages").first()
    runs = _runs_that_say_something(found, one)
    counted = Counter("".join(run.frames for run in runs))
    is_judged = bool(counted[FrameState.FAILED] or counted[FrameState.PASSED])
    if not (shown.is_chosen or is_judged):
        shown = case_study.read_shown({"show": "unjudged"})  # there is nothing else to show
    page = page_of(cells_in(runs, shown.state), shown.page)
    context = {
        "prompt": found,
        "version": one,
        "json_ld": part_ld(found, f"{found.title}, {one}", one.get_absolute_url()),
        "before": before,
        "after": after,
        "changes": changes_of(before, one) if before else None,
        "runs": runs,
        "more_runs": _that_count(found, one).count() - len(runs),
        "shown": shown,
        "page": page,
        "rows": rows_of(Records(found), page, anchors=True),
        "failed": counted[FrameState.FAILED],
        "passed": counted[FrameState.PASSED],
        "errors": counted[FrameState.NO_ANSWER],
        "only_unjudged": not is_judged,
        "unjudged": counted[FrameState.UNJUDGED],
        "waiting": counted[FrameState.WAITING],
        "texts": shortened(one.as_engine()),
        "schema": shown_schema(one.as_engine().parameters),
        "offers_fork": lineage.offers_fork(found, request.user),
        "listed": is_indexable(found),
    }
    return render(request, "public/version.html", context)


def _runs_that_say_something(prompt: Prompt, version: Version) -> list[Run]:
    """Newest first. Deleting is the only way to hide a run, and that is counted."""
    runs = _that_count(prompt, version).defer("suite")
    return list(runs.select_related("version").order_by("-created_at", "-pk")[:MOST_RUNS])


def _that_count(prompt: Prompt, version: Version) -> RunQuerySet:
    return Run.objects.that_count().filter(prompt=prompt, version=version)


def changes_of(before: Version, version: Version) -> tuple[MessageDiff, ...] | None:
    """The word difference; None where the texts are too long to compare on a page."""
    old, new = before.as_engine().messages, version.as_engine().messages
    if sum(len(message.content) for message in (*old, *new)) > LONGEST_COMPARED:
        return None
    return message_diff(old, new)
