"""What lists read: one narrow row for each prompt that anybody may find, and what they are filtered by.

``Listing`` is written by ``evidence.listings.refresh`` alone. Everything else in here the database keeps by
itself, by triggers on that row (migration ``listings``), in the transaction of the change: the terms, the
counts, and that no row stays of a prompt which is private now, or whose author is. See ADR 0026.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import connections, models
from django.db.models import Q
from django.urls import reverse

from prompts_app.engine.vendors import count_models, models_in_words
from prompts_app.models.choices import Task
from prompts_app.models.prompts import Prompt
from prompts_app.models.reading import now

LONGEST_TERM = 250
_LISTED = Q(is_listed=True)


class Order(NamedTuple):
    """Largest ``column`` first; among equals the largest number of the prompt, or the smallest."""

    column: str
    newest_of_equals: bool

    is_reversed: bool = False

    def columns(self, prompt: str = "prompt") -> list[str]:
        """To order by; ``prompt`` is the column with the prompt's number."""
        signs = ("", "-") if self.is_reversed else ("-", "")
        return [f"{signs[0]}{self.column}", f"{signs[not self.newest_of_equals]}{prompt}"]

    def reversed(self) -> Order:
        return self._replace(is_reversed=not self.is_reversed)

    def beyond(self, key: int, number: int, prompt: str = "prompt") -> Q:
        """What comes after the row with this sort key and number."""
        further = "gt" if self.is_reversed else "lt"
        of_equals = further if self.newest_of_equals else {"gt": "lt", "lt": "gt"}[further]
        # The first part is what an index is entered by.
        return Q(**{f"{self.column}__{further}e": key}) & (
            Q(**{f"{self.column}__{further}": key}) | Q(**{f"{prompt}__{of_equals}": number})
        )


ORDERS = {
    "evidence": Order("by_evidence", newest_of_equals=False),
    "newest": Order("by_published", newest_of_equals=True),
    "tested": Order("by_tested", newest_of_equals=True),
}


class ListingQuerySet(models.QuerySet["Listing"]):
    def listed(self) -> Self:
        """What lists of the whole site name: an unlisted profile is not to be found through its prompts."""
        return self.filter(is_listed=True)

    def owned_by(self, owner: Any) -> Self:
        return self.filter(owner=owner)

    def looked_at(self, prompts: Sequence[int]) -> list[tuple[int, list[str], int, int, int]]:
        """Number, terms and the three sort keys of those of ``prompts`` that are listed. For a thousand of
        them: the numbers go as one value, the terms are read as one text, and neither by way of a field."""
        given: Any
        if connections[self.db].vendor == "postgresql":
            among, given = "= ANY(%s)", list(prompts)
        else:
            among, given = "IN (SELECT value FROM json_each(%s))", json.dumps(prompts)
        columns = "prompt_id, CAST(terms AS text), by_evidence, by_published, by_tested"
        listed = f"SELECT {columns} FROM {self.model._meta.db_table} WHERE is_listed"  # noqa: S608 all ours
        with connections[self.db].cursor() as cursor:
            cursor.execute(f"{listed} AND prompt_id {among}", [given])
            rows = cursor.fetchall()
        terms = json.loads(f"[{','.join(row[1] for row in rows)}]")
        return [(row[0], of_it, *row[2:]) for row, of_it in zip(rows, terms, strict=True)]

    def parts(self, column: str, size: int) -> list[int]:
        """Which ranges of ``size`` numbers of ``column`` (prompt_id or owner_id) hold a listed one: 0 is from
        0 to size - 1. One look at an index for each, however many are in it."""
        first = f"SELECT min({column}) / {size} FROM {self.model._meta.db_table} WHERE is_listed"  # noqa: S608
        beyond = f"{first} AND {column} >= (n + 1) * {size}"
        parts = f"{first} UNION ALL SELECT ({beyond}) FROM part WHERE n IS NOT NULL"  # noqa: S608 all ours
        with connections[self.db].cursor() as cursor:
            cursor.execute(f"WITH RECURSIVE part(n) AS ({parts}) SELECT n FROM part WHERE n IS NOT NULL")  # noqa: S608
            return [n for (n,) in cursor.fetchall()]

    def in_order(self, name: str) -> Self:
        """``name`` is one of ORDERS."""
        return self.order_by(*ORDERS[name].columns())


class Listing(models.Model):
    """A public prompt of an author whose page is not private, as lists show it. Texts are masked for
    everybody, its author too."""

    prompt = models.OneToOneField(Prompt, on_delete=models.CASCADE, primary_key=True, related_name="listing")
    owner = models.ForeignKey(  # goes with the prompt
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )
    is_listed = models.BooleanField()  # whether its author's page is public: else only that page names it

    handle = models.CharField(max_length=30)
    author = models.CharField(max_length=80)  # as shown: the profile's name, else the handle
    is_sample = models.BooleanField(default=False)
    slug = models.SlugField(max_length=80, db_index=False)
    # Longer than in Prompt: what stands for a private part may be longer than the part.
    title = models.TextField()
    summary = models.TextField(blank=True)
    task = models.CharField(max_length=20, choices=Task)
    pin_position = models.PositiveSmallIntegerField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()

    # What filters ask for, sorted: "tag:law", "model:gpt-4.1", "task:code", and "level:0" to that of its own
    # level. See ``evidence.listings.terms_of``.
    terms = models.JSONField(default=list)
    # The sort keys, larger is earlier; whole numbers without null, so that both databases use the indexes.
    by_evidence = models.BigIntegerField()  # see ``evidence.listings.rank``
    by_published = models.BigIntegerField()  # microseconds since 1970; 0: never
    by_tested = models.BigIntegerField()
    by_news = models.BigIntegerField(null=True)  # its newest entry in a feed: evidence.news; null: not known

    # The figures of the evidence summary that lists show; level None: nothing counts.
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    judged = models.BooleanField(default=False)
    passed = models.PositiveIntegerField(default=0)
    cases = models.PositiveIntegerField(default=0)
    outputs = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    low = models.FloatField(default=0.0)
    is_outdated = models.BooleanField(default=False)  # they are being counted anew: see evidence.summary
    frames = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)
    is_current = models.BooleanField(default=True)
    main_model = models.CharField(max_length=240, blank=True)
    # One a model whose evidence is as good as the main one's, that first: see ``evidence.listings.OnModel``.
    on_models = models.JSONField(default=list)
    cost_call = models.CharField(max_length=40, blank=True)  # US dollars, as text; "": unknown
    latency_ms = models.FloatField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    # Since its baseline, on the same cases and model; 0 and "": there is none, or no measure.
    base_version = models.PositiveIntegerField(default=0)
    base_passed = models.PositiveIntegerField(default=0)
    base_cases = models.PositiveIntegerField(default=0)
    base_run = models.CharField(max_length=12, blank=True)  # its public id
    # Per cent fewer tokens than this longer version took, which passed no more.
    longer_version = models.PositiveIntegerField(default=0)
    saved_percent = models.FloatField(default=0.0)

    # What an author's page adds up.
    recorded_runs = models.PositiveIntegerField(default=0)
    unanswered_runs = models.PositiveIntegerField(default=0)
    deleted_runs = models.PositiveIntegerField(default=0)
    ended_early = models.PositiveIntegerField(default=0)
    endpoints = models.JSONField(default=list)  # names of those that recorded runs went to

    objects = ListingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-by_evidence", "prompt"], condition=_LISTED, name="listing_best_first"),
            models.Index(fields=["-by_published", "-prompt"], condition=_LISTED, name="listing_newest_first"),
            models.Index(fields=["-by_tested", "-prompt"], condition=_LISTED, name="listing_tested_first"),
            models.Index(fields=["-by_news", "-prompt"], condition=_LISTED, name="listing_news_first"),
            models.Index(fields=["owner", "-by_evidence", "prompt"], name="listing_of_owner"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("prompt", args=[self.handle, self.slug])

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        if reader := now():
            reader.names_work_of(row.__dict__.get("owner_id", 0))  # 0: read without, so somebody else's
        return row

    @property
    def figures(self) -> Listing | None:
        """What lists show of its evidence, as of a summary: nothing where nothing counts."""
        return None if self.level is None else self

    @property
    def backed_models(self) -> list[Any]:
        return self.on_models  # type: ignore[no-any-return]

    @property
    def backed_count(self) -> str:
        """As ``Summary.backed_count``."""
        return models_in_words([name for name, *_ in self.on_models])

    @property
    def model_count(self) -> int:
        return count_models(name for name, *_ in self.on_models)

    @property
    def tested(self) -> datetime | None:
        return self.tested_at

    @property
    def rise(self) -> float:
        """How far the share of passing cases rose since the baseline, -1..1; 0 where there is none."""
        if not self.base_cases:
            return 0.0
        return self.passed / self.cases - self.base_passed / self.base_cases


class ListingTerm(models.Model):
    """One thing a listing can be filtered by, with the sort keys of the listing: kept by triggers."""

    pk = models.CompositePrimaryKey("listing_id", "term")
    listing = models.ForeignKey(
        Listing, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    term = models.CharField(max_length=LONGEST_TERM)
    is_listed = models.BooleanField()
    by_evidence = models.BigIntegerField()
    by_published = models.BigIntegerField()
    by_tested = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["term", "-by_evidence", "listing"], condition=_LISTED, name="term_best_first"
            ),
            models.Index(
                fields=["term", "-by_published", "-listing"], condition=_LISTED, name="term_newest_first"
            ),
            models.Index(
                fields=["term", "-by_tested", "-listing"], condition=_LISTED, name="term_tested_first"
            ),
        ]

    def __str__(self) -> str:
        return self.term


class ListingCount(models.Model):
    """How many listed prompts have ``term`` of those that have another; kept by triggers. ``given`` is the
    kind of the term and that other: "tag|task:code" are the tags of prompts with that task, "tag|" all tags,
    "|" with the term "" all prompts.

    What holds is the sum of all rows of a pair. On SQLite, where one writes at a time, that is one row. On
    Postgres each change adds rows and touches none, so that no writer waits for another, and
    ``fold_new_counts`` makes one of them again.
    """

    given = models.CharField(max_length=LONGEST_TERM, blank=True)
    term = models.CharField(max_length=LONGEST_TERM, blank=True)
    n = models.BigIntegerField()
    is_new = models.BooleanField(default=True)  # since they were folded

    class Meta:
        indexes = [
            # The one that is read by, each database has of its own: see the migration.
            models.Index(fields=["given", "term"], condition=Q(is_new=True), name="count_to_fold"),
        ]

    def __str__(self) -> str:
        return f"{self.given} {self.term}: {self.n}"


class SearchDocument(models.Model):
    """What the full-text search reads of one prompt. Kept by search.reindex; indexed by the database itself
    (SQLite: FTS5 tables kept by triggers; Postgres: generated tsvectors), see the migrations."""

    prompt = models.OneToOneField(Prompt, on_delete=models.CASCADE, related_name="search_document")
    place = models.BigIntegerField(unique=True)  # the index's order, larger is earlier: search.place_of
    of_author = models.CharField(max_length=24, db_index=True)  # a word nobody can type: search.author_key
    title = models.TextField(blank=True)
    tags = models.TextField(blank=True)
    summary = models.TextField(blank=True)
    author = models.TextField(blank=True)
    body = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.title
