"""``/feed.atom``, ``/@handle/feed.atom`` (RFC 4287): new versions, and runs that count, of public prompts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape

from prompts_app.access import author_visible_to
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.number_format import not_judged
from prompts_app.models import Profile, Prompt, Run, User, Version
from prompts_app.templatetags.evidence_tags import interval
from prompts_app.templatetags.text import shown_plainly
from prompts_app.views.public.public_page import KEPT_BY_NOBODY, public_page

MOST_ENTRIES = 50
NEWS_OF_NOTHING = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Feed(Atom1Feed):
    """One that says the same as long as nothing happens."""

    def latest_post_date(self) -> datetime:
        dates: list[datetime] = [item["updateddate"] for item in self.items]
        born: datetime = self.feed.get("born", NEWS_OF_NOTHING)
        return max(dates, default=born)


@public_page
def site_feed(request: HttpRequest) -> HttpResponse:
    public = Prompt.objects.listed()
    feed = Feed(
        title="Proofsheet: newly written, newly tested",
        link=settings.SITE_URL + reverse("home"),
        description=None,
        subtitle="New versions of public prompts, and runs that count as evidence.",
        feed_url=settings.SITE_URL + reverse("site_feed"),
        author_name="Proofsheet",
        language="en",
    )
    return _answer(feed, public)


@public_page
def author_feed(request: HttpRequest, handle: str) -> HttpResponse:
    author = author_visible_to(request.user, handle)
    name = _plain(author.display_name)
    feed = Feed(
        title=f"{name} on Proofsheet",
        link=_address(author),
        description=None,
        subtitle=_plain(author.profile.headline) or None,
        feed_url=settings.SITE_URL + reverse("author_feed", args=[author.handle]),
        author_name=name,
        author_link=_address(author),
        language="en",
        born=author.date_joined,
    )
    response = _answer(feed, Prompt.objects.public().owned_by(author))
    if author.profile.visibility != Profile.Visibility.PUBLIC:
        response.headers["Cache-Control"] = KEPT_BY_NOBODY
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _answer(feed: Feed, prompts: QuerySet[Prompt]) -> HttpResponse:
    """The newest of ``prompts``' versions and runs, in two queries whatever their number."""
    entries = [*map(_version_entry, _new_versions(prompts)), *map(_run_entry, _new_runs(prompts))]
    entries.sort(key=lambda entry: entry["updateddate"], reverse=True)
    for entry in entries[:MOST_ENTRIES]:
        feed.add_item(**entry)
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def _new_versions(prompts: QuerySet[Prompt]) -> QuerySet[Version]:
    """Since when it can be read: written, or published with its prompt, whichever came later."""
    published = Coalesce("prompt__published_at", "created_at")
    found = Version.objects.filter(prompt__in=prompts).annotate(since=Greatest("created_at", published))
    found = found.defer("messages", "variables", "parameters").select_related("prompt__owner__profile")
    return found.order_by("-since", "-pk")[:MOST_ENTRIES]


def _new_runs(prompts: QuerySet[Prompt]) -> QuerySet[Run]:
    ended = Coalesce("finished_at", "created_at")
    published = Coalesce(F("prompt__published_at"), ended)
    found = (
        Run.objects.that_count()
        .answered()
        .filter(prompt__in=prompts)
        .annotate(since=Greatest(ended, published))
    )
    found = found.defer("suite").select_related("prompt__owner__profile", "version")
    return found.order_by("-since", "-pk")[:MOST_ENTRIES]


def _version_entry(version: Version) -> dict[str, Any]:
    prompt = version.prompt
    return {
        "title": f"{_plain(prompt.title)}: v{version.number}",
        "description": _html(version.note or prompt.summary or "A new version."),
        **_of(prompt, version.number, f"version/{version.pk}", version.since),  # type: ignore[attr-defined]
    }


def _run_entry(run: Run) -> dict[str, Any]:
    prompt, passed, cases = run.prompt, run.cases_passed, run.cases_counted
    model = _plain(run.named)
    rate = f"{passed} of {cases} cases pass ({interval(passed, cases)})" if cases else not_judged(run.answers)
    said = f"v{run.version.number} on {model}: {rate}"
    done = "tested" if cases else "answered"
    errors = f"; {run.cases_error} got no answer" if run.cases_error else ""
    return {
        "title": f"{_plain(prompt.title)}: v{run.version.number} {done} on {model}",
        "description": _html(f"{said}{errors}. Evidence: {level_name(run.level)}."),
        **_of(prompt, run.version.number, f"run/{run.public_id}", run.since),  # type: ignore[attr-defined]
    }


def _of(prompt: Prompt, number: int, what: str, since: datetime) -> dict[str, Any]:
    """What an entry says of its prompt. Its id outlives a new title, slug or handle."""
    return {
        "link": f"{settings.SITE_URL}{prompt.get_absolute_url()}v{number}/",
        "unique_id": uuid5(NAMESPACE_URL, f"{settings.SITE_URL}/{what}").urn,
        "author_name": _plain(prompt.owner.display_name),
        "author_link": _address(prompt.owner),
        "pubdate": since,
        "updateddate": since,
    }


def _address(author: User) -> str:
    return settings.SITE_URL + author.get_absolute_url()


def _plain(text: str) -> str:
    """On one line, with nothing in it that XML cannot hold or a reader cannot see."""
    return " ".join(shown_plainly(text).split())


def _html(text: str) -> str:
    return "<br>".join(escape(shown_plainly(text)).splitlines())
