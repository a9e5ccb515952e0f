"""What feeds tell: the newest versions, and runs that count, of some listings.

Neither is sorted over the whole site: when a prompt was last in the news is kept in its narrow row
(``Listing.by_news``), and the fifty newest entries are of the fifty prompts that were last.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce, Greatest

from prompts_app.models import Listing, Prompt, Run, Version
from prompts_app.models.listings import ListingQuerySet

MOST_NEWS = 50


class News(NamedTuple):
    """One entry, and since when it can be read: written or ended, or published with its prompt, whichever
    came later."""

    listing: Listing
    what: Version | Run
    since: datetime


def news_of(listings: ListingQuerySet) -> list[News]:
    """The newest MOST_NEWS, newest first, in three queries."""
    listing_of = {row.pk: row for row in listings.order_by("-by_news", "-prompt").only(*_SHOWN)[:MOST_NEWS]}
    news = [
        News(listing_of[what.prompt_id], what, what.since)
        for rows, happened in ((_versions(listing_of), "created_at"), (_runs(listing_of), "ended"))
        for what in _newest(rows, happened)
    ]
    return sorted(news, key=lambda one: one.since, reverse=True)[:MOST_NEWS]


_SHOWN = ("owner_id", "title", "summary", "slug", "handle", "author", "by_news")


def _newest(rows: QuerySet[Any], happened: str) -> Iterable[Any]:
    """With ``since`` on each."""
    since = Greatest(happened, Coalesce("prompt__published_at", happened))
    newest: QuerySet[Any] = rows.annotate(since=since).order_by("-since", "-pk")[:MOST_NEWS]
    return newest


def _versions(prompts: Iterable[int]) -> QuerySet[Version]:
    return Version.objects.filter(prompt__in=list(prompts)).only("prompt_id", "number", "note")


def _runs(prompts: Iterable[int]) -> QuerySet[Run]:
    told = runs_told().filter(prompt__in=list(prompts)).select_related("version")
    return told.only(
        "public_id", "prompt_id", "version__number", "named", "answers", "source", "sealed_at",
        "cases_passed", "cases_failed", "cases_error",
    )  # fmt: skip


def runs_told() -> QuerySet[Run]:
    """Those that count and were answered, with when each ``ended``."""
    return Run.objects.that_count().answered().annotate(ended=Coalesce("finished_at", "created_at"))


def newest_of(prompts: Sequence[Prompt]) -> Iterator[tuple[int, datetime]]:
    """(number of a prompt, when the newest version was written), and the same of the runs that are told."""
    for rows, happened in ((Version.objects, "created_at"), (runs_told(), "ended")):
        yield from (
            rows.filter(prompt__in=prompts).order_by().values_list("prompt_id").annotate(n=Max(happened))
        )
