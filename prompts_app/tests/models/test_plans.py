"""What is asked on every page or every few seconds is answered from an index, on both databases.

SQLite plans without knowing how many rows there are, as on a site where nobody ran ANALYZE. Postgres is kept
from what it would prefer for the few rows of a test: that it can use the index is what is tested.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from prompts_app.evidence import lineage
from prompts_app.models import Listing, Prompt, Run, page_changes
from prompts_app.tests.factories import PersonFactory, VersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan_of() -> Callable[[Any], str]:
    def told(rows: Any) -> str:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
                cursor.execute("SET LOCAL enable_sort = off")
        return str(rows.explain())

    return told


def test_the_sweep_reads_runs_under_way_alone(plan_of: Callable[[Any], str]) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # what tests before this one left in the indexes has its cost
            cursor.execute("REINDEX TABLE prompts_app_run")
    assert "run_under_way" in plan_of(Run.objects.claimable().order_by("created_at", "pk"))


def test_the_sites_feed_reads_what_was_last_in_the_news(plan_of: Callable[[Any], str]) -> None:
    plan = plan_of(Listing.objects.listed().order_by("-by_news", "-prompt")[:50])
    assert "listing_news_first" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_an_authors_prompts_are_found_by_their_author(plan_of: Callable[[Any], str]) -> None:
    author = PersonFactory()
    for rows in (
        Prompt.objects.public().owned_by(author),
        Prompt.objects.owned_by(author).order_by("-updated_at", "-pk"),
        Prompt.objects.owned_by(author).filter(visibility="private"),
    ):
        plan = plan_of(rows)
        assert "owner" in plan, plan


def test_forks_are_found_by_what_they_were_made_of(plan_of: Callable[[Any], str]) -> None:
    prompt = VersionFactory().prompt
    plan = plan_of(lineage.public_forks_of(prompt))
    assert "forked_from" in plan, plan
    assert "SCAN prompts_app_prompt" not in plan, plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite reads a table of few rows by its key")
def test_what_a_stored_page_asks_is_never_answered_by_reading_all_changes() -> None:
    """As planned for whatever is asked, of a table that has grown since Postgres last looked at it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(
            f"INSERT INTO {page_changes.TABLE} (key, xid) "
            "SELECT 'p:' || n, '3'::xid8 FROM generate_series(1, 20000) AS n"
        )
        cursor.execute("PREPARE stored_page AS " + page_changes._CHANGED_SINCE.decode())
        cursor.execute("EXPLAIN EXECUTE stored_page('{list,site}', %s)", [page_changes.moment()])
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("DEALLOCATE stored_page")
    assert "prompts_app_pagechange_pkey" in plan
    assert "Seq Scan" not in plan, plan
