"""A site of N prompts to measure pages on: a few hundred made by the product, the others cloned by SQL.

The templates are prompts as authors have them: versions, cases, recorded runs, summaries written by
``rebuild_evidence``, narrow rows and search documents by ``refresh``. A clone has an author, a title, a
summary and a text of its own, and its template's figures. Seals are not cloned: they are on no page that is
measured.
"""

import random
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate, batched
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from benchmarks.pages_clones import MOST_TEMPLATES, clone_all
from benchmarks.pages_templates import templates_of
from benchmarks.pages_words import Words
from prompts_app.models import (
    Case,
    Listing,
    ListingCount,
    ListingTerm,
    Profile,
    Prompt,
    Result,
    Run,
    SearchDocument,
    User,
    Version,
)

MOST_OF_ONE = 2_000  # prompts of one author
BYTES_EACH = 60_000  # on the disk, twice over, for a prompt with all that belongs to it
MANY, FEW = 500, 3  # prompts of the two authors whose profiles are measured


@dataclass(frozen=True)
class Loaded:
    """What is there, and what the pages that are measured are called."""

    prompts: int
    rows: dict[str, int]
    results_each: str
    seconds: float
    mb: float
    many: str  # handle of the author of exactly 500
    few: str
    slug: str  # of the prompt of ``few`` whose page is measured: four versions, three runs
    rare: list[str]
    common: list[str]
    letters: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def load(prompts: int, seed: int = 1) -> Loaded:
    """Fills an empty, migrated database."""
    if Prompt.objects.exists():
        sys.exit("There are prompts already: give an empty database, or the --keep they were loaded with.")
    began, chance = time.perf_counter(), random.Random(seed)
    words = Words(prompts, chance)
    templates = list(templates_of(min(MOST_TEMPLATES, max(10, prompts // 10)), words, chance))
    authors = _authors(prompts - len(templates), chance)
    has_room = shutil.disk_usage(settings.DATA_DIR).free > prompts * BYTES_EACH
    with _quick_and_careless():
        clone_all(templates, authors, words, chance, with_results=has_room)
    _tidy()
    few = Prompt.objects.filter(owner__username="author-few").order_by("pk")
    tables: list[type[models.Model]] = [User, Prompt, Version, Case, Run, Result, SearchDocument]
    tables += [Listing, ListingTerm, ListingCount]
    return Loaded(
        prompts=Prompt.objects.count(),
        rows={table.__name__: table._base_manager.count() for table in tables},
        results_each="10 to 30" if has_room else "none but the templates’: there is no room on the disk",
        seconds=round(time.perf_counter() - began, 1),
        mb=round(_size() / 1e6, 1),
        many="author-many",
        few="author-few",
        slug=few.values_list("slug", flat=True)[0],
        rare=words.rare_ones(40),
        common=words.common_ones(8),
        letters=list("xnkt"),
    )


# --- authors ---------------------------------------------------------------------------------------------


def _authors(prompts: int, chance: random.Random) -> list[int]:
    """Accounts, and the id of the author of each prompt: by Zipf, but for two with exactly so many."""
    count = max(20, prompts // 8)
    owners = _accounts([*(f"author-{n}" for n in range(count)), "author-many", "author-few"])
    *ranked, many, few = owners
    many_have, few_have = min(MANY, prompts // 4), min(FEW, prompts)
    weights = list(accumulate(1 / (rank + 1) for rank in range(count)))
    left, drawn = prompts - many_have - few_have, [0] * count
    while left > 0:
        for rank in chance.choices(range(count), cum_weights=weights, k=left):
            if drawn[rank] < MOST_OF_ONE:
                drawn[rank] += 1
                left -= 1
    others = [owner for owner, times in zip(ranked, drawn, strict=True) for _ in range(times)]
    chance.shuffle(others)
    return [few] * few_have + [many] * many_have + others


def _accounts(handles: Sequence[str]) -> list[int]:
    ids: list[int] = []
    for some in batched(handles, 5_000):
        with transaction.atomic():
            users = User.objects.bulk_create(
                User(username=h, email=f"{h}@example.com", password="!") for h in some
            )
            Profile.objects.bulk_create(
                Profile(
                    user=user,
                    name=f"Author {user.username[7:].title()}",
                    headline="Writes and tests.",
                )
                for user in users
            )
        ids += [user.pk for user in users]
    return ids


# --- the database ----------------------------------------------------------------------------------------


@contextmanager
def _quick_and_careless() -> Iterator[None]:
    """No checks of foreign keys, no waiting for the disk, and no triggers but the search's."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET synchronous_commit = off")
            yield
            return  # the connection is closed in the end
        for pragma in ("foreign_keys = OFF", "synchronous = OFF", "cache_size = -400000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = [row for row in cursor.fetchall() if row[1] != SearchDocument._meta.db_table]
        for name, _, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, _, sql in triggers:
            cursor.execute(sql)


def _tidy() -> None:
    """What the database does by itself in time. SQLite learns nothing of its rows but what the product has
    it learn: no ANALYZE here."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _size() -> float:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0])
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return float(cursor.fetchone()[0])
