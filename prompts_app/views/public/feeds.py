"""``/feed.atom``, ``/@handle/feed.atom`` (RFC 4287): new versions, and runs that count, of public prompts."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape

from prompts_app.engine.invisible import plain_line, shown_plainly
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.news import News, news_of
from prompts_app.evidence.number_format import interval, not_judged
from prompts_app.models import Listing, Run, User, Version
from prompts_app.models.listings import ListingQuerySet
from prompts_app.views.public.public_page import author_page, public_page

NEWS_OF_NOTHING = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Feed(Atom1Feed):
    """One that says the same as long as nothing happens."""

    def latest_post_date(self) -> datetime:
        dates: list[datetime] = [item["updateddate"] for item in self.items]
        born: datetime = self.feed.get("born", NEWS_OF_NOTHING)
        return max(dates, default=born)


@public_page
def site_feed(request: HttpRequest) -> HttpResponse:
    feed = Feed(
        title="Proofsheet: newly written, newly tested",
        link=settings.SITE_URL + reverse("home"),
        description=None,
        subtitle="New versions of public prompts, and runs that count as evidence.",
        feed_url=settings.SITE_URL + reverse("site_feed"),
        author_name="Proofsheet",
        language="en",
    )
    return _answer(feed, Listing.objects.listed())


@author_page
def author_feed(request: HttpRequest, author: User) -> HttpResponse:
    name, address = plain_line(author.display_name), settings.SITE_URL + author.get_absolute_url()
    feed = Feed(
        title=f"{name} on Proofsheet",
        link=address,
        description=None,
        subtitle=plain_line(author.profile.headline) or None,
        feed_url=settings.SITE_URL + reverse("author_feed", args=[author.handle]),
        author_name=name,
        author_link=address,
        language="en",
        born=author.date_joined,
    )
    return _answer(feed, Listing.objects.owned_by(author))


def _answer(feed: Feed, listings: ListingQuerySet) -> HttpResponse:
    for news in news_of(listings):
        feed.add_item(**_entry(news))
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def _entry(news: News) -> dict[str, Any]:
    title, what = plain_line(news.listing.title), news.what
    if isinstance(what, Version):
        said = what.note or news.listing.summary or "A new version."
        return _of(news, what.number, f"version/{what.pk}", f"{title}: v{what.number}", said)
    return _run_entry(news, what, title)


def _run_entry(news: News, run: Run, title: str) -> dict[str, Any]:
    number, model = run.version.number, plain_line(run.named)
    passed, cases = run.cases_passed, run.cases_counted
    rate = f"{passed} of {cases} cases pass ({interval(passed, cases)})" if cases else not_judged(run.answers)
    done = "tested" if cases else "answered"
    errors = f"; {run.cases_error} got no answer" if run.cases_error else ""
    said = f"v{number} on {model}: {rate}{errors}. Evidence: {level_name(run.level)}."
    return _of(news, number, f"run/{run.public_id}", f"{title}: v{number} {done} on {model}", said)


def _of(news: News, number: int, what: str, title: str, said: str) -> dict[str, Any]:
    """An entry of the feed. Its id outlives a new title, slug or handle."""
    listing = news.listing
    return {
        "title": title,
        "description": _html(said),
        "link": f"{settings.SITE_URL}{listing.get_absolute_url()}v{number}/",
        "unique_id": uuid5(NAMESPACE_URL, f"{settings.SITE_URL}/{what}").urn,
        "author_name": plain_line(listing.author),
        "author_link": settings.SITE_URL + reverse("profile", args=[listing.handle]),
        "pubdate": news.since,
        "updateddate": news.since,
    }


def _html(text: str) -> str:
    return "<br>".join(escape(shown_plainly(text)).splitlines())
