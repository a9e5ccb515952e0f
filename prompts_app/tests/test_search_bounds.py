"""However many prompts hold the words, a search reads the first thousand of them, in the index's order."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prompts_app import search
from prompts_app.evidence.listings import refresh_figures
from prompts_app.models import Prompt, SearchDocument
from prompts_app.search import find, reindex
from prompts_app.tests.factories import PersonFactory, PromptFactory, VersionFactory

pytestmark = pytest.mark.django_db

MANY = 20_000


def made(title: str, body: str = "", **fields: Any) -> Prompt:
    prompt = PromptFactory(title=title, **{"visibility": "public", "summary": "", **fields})
    VersionFactory(prompt=prompt, messages=[{"role": "user", "content": body}])
    reindex([prompt])
    return prompt


def titles(prompts: list[int]) -> list[str]:
    named = dict(Prompt.objects.values_list("pk", "slug"))
    return [named[pk] for pk in prompts]


@pytest.fixture
def at_most_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_HITS", 3)


@pytest.mark.usefixtures("at_most_three")
class TestMoreThanTheBound:
    def test_as_many_as_the_bound_are_all_ranked(self) -> None:
        for slug, title in (("body", "One"), ("title", "A quokka"), ("other", "Two")):
            made(title, "A quokka.", slug=slug)
        hits = find("quokka")
        assert titles(hits.prompts)[0] == "title"
        assert len(hits.prompts) == 3
        assert not hits.more

    def test_in_the_title_then_above_the_text_then_the_best_evidenced(self) -> None:
        made("The quokka", slug="title")
        made("One", summary="Of quokkas", slug="summary")
        for slug, low in (("fair", 0.4), ("best", 0.9), ("good", 0.7), ("untested", 0.0)):
            fields = {"evidence_level": 2, "evidence_judged": True, "evidence_low": low} if low else {}
            made("Another", "A quokka.", slug=slug, **fields)
        hits = find("quokka")
        assert titles(hits.prompts) == ["title", "summary", "best"]
        assert hits.more

    def test_the_word_as_it_stands_comes_before_longer_ones(self) -> None:
        for number in range(4):
            made(f"Quokkaphone {number}", slug=f"longer-{number}")
        made("Another", "A quokka.", slug="itself")
        assert titles(find("quokka").prompts)[0] == "itself"

    def test_what_is_not_listed_is_neither_found_nor_counted(self) -> None:
        made("A quokka", slug="listed")
        for fields in ({"visibility": "private"}, {"visibility": "unlisted"}):
            for _ in range(3):
                made("A quokka", **fields)
        made("A quokka", owner=PersonFactory(profile__visibility="unlisted"))
        hits = find("quokka")
        assert titles(hits.prompts) == ["listed"]
        assert not hits.more

    def test_an_authors_own_are_found_though_more_of_others_come_before(self) -> None:
        author = PersonFactory()
        for _ in range(5):
            made("A quokka")
        made("Nothing", owner=author)
        mine = made("A quokka", owner=author, visibility="private")
        assert find("quokka", author=author.pk).prompts == [mine.pk]


class TestTerms:
    @pytest.mark.parametrize("typed", ["q", "qu"])
    def test_fewer_than_three_letters_begin_no_longer_word(self, typed: str) -> None:
        made("A quokka")
        assert find(typed).prompts == []

    @pytest.mark.parametrize("typed", ["quo", "quok", "quokk"])
    def test_more_do(self, typed: str) -> None:
        prompt = made("A quokka")
        assert find(typed).prompts == [prompt.pk]

    def test_nobody_can_type_the_word_that_stands_for_an_author(self) -> None:
        prompt = made("A quokka")
        assert find(search.author_key(prompt.owner_id)).prompts == []
        assert find(str(prompt.owner_id)).prompts == []


def test_a_prompt_moves_when_its_evidence_does() -> None:
    older, newer = made("A quokka"), made("A quokka")
    assert find("quokka").prompts == [newer.pk, older.pk]
    Prompt.objects.filter(pk=older.pk).update(evidence_judged=True, evidence_level=2, evidence_low=0.8)
    refresh_figures([older])
    assert find("quokka").prompts == [older.pk, newer.pk]


def many() -> None:
    """MANY prompts that all hold "common", of which one holds "rarity" as well."""
    author = PersonFactory()
    few = MANY // 20
    for numbers in (range(few), range(few, MANY)):
        prompts = Prompt.objects.bulk_create(
            [Prompt(owner=author, slug=f"p{n}", title="A", visibility="public") for n in numbers]
        )
        SearchDocument.objects.bulk_create(
            [
                SearchDocument(
                    prompt=prompt, place=search.place_of(prompt), of_author=search.author_key(author.pk),
                    title="rarity" if n == MANY // 2 else "A", body="a common text",
                )
                for n, prompt in zip(numbers, prompts, strict=True)
            ],
            batch_size=2000,
        )  # fmt: skip
        if connection.vendor == "postgresql":
            # Else the database goes on as it planned when these tables were empty: through all of them, for
            # the keys of each row.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE prompts_app_prompt, prompts_app_searchdocument")
                cursor.execute("DISCARD PLANS")


def plans(text: str) -> list[str]:
    """How the database answers each query of a search, with what it read."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        find(text)
    explain = "EXPLAIN ANALYZE" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    told = []
    with connection.cursor() as cursor:
        for query in (one for one in queries if "pg_stats" not in one["sql"]):
            cursor.execute(f"{explain} {query['sql']}")
            told.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return told


def test_a_word_of_every_prompt_is_read_a_thousand_times() -> None:
    many()
    hits = find("common")
    assert hits.more
    assert hits.prompts == sorted(hits.prompts, reverse=True)  # equal evidence: the newest
    assert len(hits.prompts) == 1000
    assert find("rarity").prompts == [min(hits.prompts) - (MANY - 1000) + MANY // 2]
    told = plans("common")
    assert len(told) == 3
    if connection.vendor == "postgresql":
        assert "Index Scan Backward using prompts_app_searchdocument_place" in told[0]
        assert "rows=1001" in told[0]
        assert "Removed by Filter" not in told[0]
        assert any("prompts_app_search_stems" in one for one in plans("rarity"))
    else:
        assert all(one.endswith(">") for one in told)  # listed ones alone, by their places
        assert not any("TEMP B-TREE" in one for one in told)  # what is sorted is read to the end
