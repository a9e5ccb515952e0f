"""Lists of the whole site: every prompt once and in order, by an index, with figures that are true."""

import re
from collections.abc import Iterator, Sequence

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.evidence.prompt_filters import MOST_COUNTED, Search, Total
from prompts_app.evidence.prompt_lists import (
    ListPage,
    ListPlace,
    PlaceUnreadable,
    Site,
    Some,
    place_of,
    read_place,
)
from prompts_app.models import Listing, Prompt, User
from prompts_app.models.listings import ORDERS
from prompts_app.search import Hits
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.listed import check_terms_and_counts
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import public_prompt, recorded_prompt

pytestmark = pytest.mark.django_db
SIZE = 3


def many(count: int, terms: Sequence[str] = ("task:code",), start: int = 0) -> list[int]:
    """Listings and no more of their prompts than has to be; keys that often are equal. Their numbers."""
    owner = alice()
    prompts = Prompt.objects.bulk_create(
        PromptFactory.build(owner=owner, slug=f"p-{start + n}", visibility="public") for n in range(count)
    )
    Listing.objects.bulk_create(row(prompt, owner, n, terms) for n, prompt in enumerate(prompts, start))
    return [prompt.pk for prompt in prompts]


def row(prompt: Prompt, owner: User, n: int, terms: Sequence[str]) -> Listing:
    return Listing(
        prompt=prompt, owner=owner, is_listed=True, handle=owner.handle, author=owner.handle,
        slug=prompt.slug, title=prompt.title, task="code", updated_at=prompt.updated_at,
        terms=sorted(terms), by_evidence=n % 4, by_published=n % 3, by_tested=0,
    )  # fmt: skip


def expected(order: str) -> list[int]:
    return list(Listing.objects.in_order(order).values_list("prompt", flat=True))


def onwards(search: Search, page: ListPage) -> Iterator[ListPage]:
    """This page and those after it, as its links lead on."""
    while True:
        yield page
        if not page.next:
            return
        name, _, value = page.next.partition("=")
        page = Site().page(search, read_place(search.order, **{name: value}), SIZE)


def keys(pages: Iterator[ListPage]) -> list[int]:
    return [found.pk for page in pages for found in page.rows]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("task", ["", "code"])
class TestPages:
    def test_from_row_to_row_every_prompt_once_and_in_order(self, order: str, task: str) -> None:
        many(17)
        search = Search(task=task, sort=order)
        first = Site().page(search, ListPlace(), SIZE).rows[0]
        place = ListPlace(after=(getattr(first, ORDERS[order].column), first.pk))
        found = keys(onwards(search, Site().page(search, place, SIZE)))
        assert [first.pk, *found] == expected(order)

    def test_back_from_the_last_page_too(self, order: str, task: str) -> None:
        many(11)
        search = Search(task=task, sort=order)
        last = Site().page(search, ListPlace(before=(-1, 10**9)), SIZE)
        rows = list(last.rows)
        while last.previous:
            name, _, value = last.previous.partition("=")
            last = Site().page(search, read_place(search.order, **{name: value}), SIZE)
            rows = [*last.rows, *rows]
        assert [found.pk for found in rows] == expected(order)

    def test_by_number_as_the_rows_stand(self, order: str, task: str) -> None:
        many(8)
        search = Search(task=task, sort=order)
        found = keys(onwards(search, Site().page(search, ListPlace(1), SIZE)))
        assert found == expected(order)
        assert [one.pk for one in Site().page(search, ListPlace(99), SIZE).rows] == expected(order)[6:]


@given(count=st.integers(4, 14), come=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 11)), max_size=8))
@settings(max_examples=15)
@pytest.mark.parametrize("order", ORDERS)
def test_rows_that_come_meanwhile_hide_none_and_show_none_twice(
    order: str, count: int, come: list[tuple[int, int]]
) -> None:
    Prompt.objects.all().delete()
    come = [*come]
    before = set(many(count))
    search, found, place = Search(sort=order), list[int](), ListPlace(after=(2**62, 0))
    while True:
        page = Site().page(search, place, SIZE)
        found += [one.pk for one in page.rows]
        if not page.next:
            break
        if come:
            more, at = come.pop()
            many(more, start=100 * (len(come) + 1) + at)
        place = read_place(search.order, after=page.next.removeprefix("after="))
    assert len(found) == len(set(found))
    assert before <= set(found)
    assert found == [key for key in expected(order) if key in set(found)]


class TestPlaces:
    def test_are_read_as_they_were_written(self) -> None:
        place = place_of("newest", 12, 34)
        assert read_place("newest", after=place) == ListPlace(after=(12, 34))
        assert read_place("newest", before=place) == ListPlace(before=(12, 34))

    @pytest.mark.parametrize("place", ["x", "12:34", "%00", "eyJhIjoxfQ:abc", "9" * 5000])
    def test_what_nobody_wrote_is_not_read(self, place: str) -> None:
        with pytest.raises(PlaceUnreadable):
            read_place("newest", after=place)

    def test_nor_one_that_was_changed_or_is_of_another_order(self) -> None:
        place = place_of("newest", 12, 34)
        for other in (place[:-1] + ("A" if place[-1] != "A" else "B"), "X" + place[1:]):
            with pytest.raises(PlaceUnreadable):
                read_place("newest", after=other)
        with pytest.raises(PlaceUnreadable):
            read_place("tested", after=place)

    def test_then_the_page_is_the_first_and_says_so(self) -> None:
        recorded_prompt(title="Here")
        html = read_page(Client().get("/prompts/", {"after": "made up"}))
        assert "This address of a page cannot be read, so this is the first page." in html
        assert "1 to 1 of 1" in html

    @pytest.mark.parametrize(("page", "number"), [("", 1), ("x", 1), ("7", 7), ("1e5", 1)])
    def test_numbers(self, page: str, number: int) -> None:
        assert read_place("newest", page) == ListPlace(number)

    @pytest.mark.parametrize("page", ["0", "-3", "last"])
    def test_the_last_page(self, page: str) -> None:
        assert read_place("newest", page).is_last


class TestManyMore:
    """Beyond MOST_COUNTED."""

    @pytest.fixture(autouse=True)
    def _rows(self) -> None:
        many(MOST_COUNTED + 7, ("task:code", "tag:law", "model:m"))

    def test_how_many_there_are_is_said_up_to_a_thousand(self) -> None:
        html = read_page(Client().get("/prompts/"))
        assert "More than 1,000 prompts</h2>" in html
        assert "1 to 20 of more than 1,000" in html
        assert "Code and SQL (1,007)" in html  # of one filter every figure is kept

    def test_pages_by_number_go_on_from_row_to_row(self) -> None:
        page = read_page(Client().get("/prompts/", {"page": "50"}))
        assert "981 to 1,000 of more than 1,000" in page
        (after,) = re.findall(r'rel="next" href="([^"]*)"', page)
        assert after.startswith("?after=")
        html = read_page(Client().get(f"/prompts/{after}"))
        assert html.count("<h3><a ") == 7
        assert 'rel="next"' not in html

    def test_the_last_page_is_read_from_the_end(self) -> None:
        page = Site().page(Search(), ListPlace(999), 20)
        assert [found.pk for found in page.rows] == expected("evidence")[-20:]
        assert page.previous.startswith("before=")

    def test_a_number_beyond_the_numbered_pages_is_said_to_be_none(self) -> None:
        said = "so this is the last one."
        assert f"No page has the number 51, {said}" in read_page(Client().get("/prompts/", {"page": "51"}))
        for page in ("50", "last"):
            assert said not in read_page(Client().get("/prompts/", {"page": page}))

    def test_two_filters_count_exactly_what_pairs_tell_and_else_the_best(self) -> None:
        search = Search(task="code", tag="law")
        assert Site().total(search.terms) == Total(1000, more=True, beyond=True)
        assert Site().left("task", ("tag:law",)) == [("code", 1007)]
        assert Site().left("model", search.terms) == [("m", 1000)]
        assert not Site().counts_all(search)
        said = "are of the 1,000 best evidenced of these prompts"
        assert said in read_page(Client().get("/prompts/?task=code&tag=law"))
        assert said not in read_page(Client().get("/prompts/?task=code"))

    def test_the_counts_are_of_every_row(self) -> None:
        check_terms_and_counts(list(Listing.objects.all()))


class TestWordsThatVeryManyHold:
    """Only the first MOST_COUNTED are looked at: what is not known of the others is not said of them."""

    @pytest.fixture(autouse=True)
    def _hits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        many(1, ("task:code", "tag:rare"))
        hits = Hits(many(MOST_COUNTED, ("task:writing",), start=1), more=True)
        monkeypatch.setattr("prompts_app.evidence.prompt_lists.find", lambda words: hits)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({}, "More than 1,000 prompts</h2>"),
            # Each of the first 1,000 has it: whether another has is not known.
            ({"task": "writing"}, "At least 1,000 prompts</h2>"),
            ({"tag": "rare"}, "0 of the first 1,000 prompts</h2>"),
        ],
    )
    def test_how_many(self, query: dict[str, str], said: str) -> None:
        assert said in read_page(Client().get("/prompts/", {"q": "word", **query}))

    def test_none_among_them_is_not_said_to_be_none_at_all(self) -> None:
        html = read_page(Client().get("/prompts/", {"q": "word", "tag": "rare"}))
        assert "No prompt for “word”, tag rare among the first 1,000" in html
        assert "Others may be so: rarer words, or more of them, find those." in html
        assert "the first answer to this search" not in html


class TestFigures:
    def test_of_some_all_filters_count_together(self) -> None:
        many(2, ("task:code", "tag:a"))
        many(3, ("task:code", "tag:b", "model:m"), start=10)
        entries = Some(list(Listing.objects.all()))  # type: ignore[arg-type]  # has the same columns
        for among in (Site(), entries):
            assert among.total(("task:code", "tag:b")) == Total(3)
            assert among.total(("task:code", "tag:b", "model:m")) == Total(3)
            assert among.total(("tag:a", "model:m")) == Total(0)
            assert among.left("tag", ("task:code",)) == [("b", 3), ("a", 2)]
            assert among.left("tag", ("task:code", "model:m")) == [("b", 3)]

    def test_a_chosen_tag_that_many_are_ahead_of_keeps_its_figure(self) -> None:
        for n in range(42):
            many(2, (f"tag:t{n:02}",), start=10 * n)
        many(1, ("tag:zebra",), start=1000)
        html = read_page(Client().get("/prompts/?tag=zebra"))
        assert "zebra (1)" in html


# --- plans ------------------------------------------------------------------------------------------------


def plan_of(sql: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of a few rows it would read them all.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"{explain} {sql}")
        return "\n".join(str(line[-1]) for line in cursor.fetchall())


INDEXES = {"evidence": "best_first", "newest": "newest_first", "tested": "tested_first"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "place",
    [ListPlace(), ListPlace(3), ListPlace(after=(2, 5)), ListPlace(before=(2, 5)), ListPlace(is_last=True)],
)
@pytest.mark.parametrize("filters", [{}, {"tag": "law"}, {"tag": "law", "task": "code"}])
def test_each_order_is_read_from_its_index_and_never_sorted(
    order: str, place: ListPlace, filters: dict[str, str]
) -> None:
    many(12, ("task:code", "tag:law"))
    with CaptureQueriesContext(connection) as queries:
        Site().page(Search(sort=order, **filters), place, SIZE)
    (ordered,) = [q["sql"] for q in queries if "ORDER BY" in q["sql"] and "_count" not in q["sql"]]
    plan = plan_of(ordered)
    assert f"{'term' if filters else 'listing'}_{INDEXES[order]}" in plan, plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("terms", [(), ("task:code",), ("tag:law",)])
def test_counts_are_read_from_their_index(terms: tuple[str, ...]) -> None:
    many(12, ("task:code", "tag:law"))
    with CaptureQueriesContext(connection) as queries:
        Site().total(terms)
        Site().left("model", terms)
    for query in queries:
        assert "count_of_term" in plan_of(query["sql"])


def test_an_authors_rows_are_read_by_their_index() -> None:
    public_prompt(owner=alice())
    with CaptureQueriesContext(connection) as queries:
        list(Listing.objects.owned_by(alice().pk).in_order("evidence"))
    assert "listing_of_owner" in plan_of(queries[-1]["sql"])
