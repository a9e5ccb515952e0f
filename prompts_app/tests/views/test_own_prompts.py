"""One's own prompts at 2,000: searched, sorted, filtered, page by page, in as many queries as a few take."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.models import Draft, Prompt, Tag, Version
from prompts_app.search import reindex
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db

URL = "/studio/"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


def listed(client: Client, **asked: str) -> list[str]:
    return [row.prompt.slug for row in client.get(URL, asked).context["rows"]]


def walked(client: Client, **asked: str) -> list[str]:
    """The slugs on all pages, as "Next" leads through them."""
    slugs: list[str] = []
    after = ""
    while True:
        context = client.get(URL, {**asked, **({"after": after} if after else {})}).context
        slugs += [row.prompt.slug for row in context["rows"]]
        after = context["page"].after
        if not after:
            return slugs


def of_tested(slug: str, passed: int, cases: int, level: int = 2, **fields: Any) -> Prompt:
    return PromptFactory(
        owner=alice(), slug=slug, evidence_judged=True, evidence_level=level, evidence_passed=passed,
        evidence_cases=cases, evidence_low=passed / cases / 2, **fields,
    )  # fmt: skip


def many(count: int) -> None:
    """Prompts as an import makes them, with equal titles, times and evidence among them."""
    now, owner = timezone.now(), alice()
    Prompt.objects.bulk_create(
        Prompt(owner=owner, slug=f"p-{n}", title=f"Title {n % 7}", evidence_low=n % 5 / 10)
        for n in range(count)
    )
    mine = list(Prompt.objects.filter(owner=owner).order_by("pk"))
    for n, prompt in enumerate(mine):
        prompt.updated_at = now - timedelta(minutes=n % 11)
        prompt.last_tested_at = now if n % 3 else None
    Prompt.objects.bulk_update(mine, ["updated_at", "last_tested_at"])
    Version.objects.bulk_create(Version(prompt=prompt, number=1, messages=[], digest="x") for prompt in mine)


@pytest.mark.parametrize("order", ["", "tested", "evidence", "title"])
def test_next_leads_through_all_and_through_each_once(client: Client, order: str) -> None:
    many(120)
    slugs = walked(client, order=order)
    assert sorted(slugs) == sorted(f"p-{n}" for n in range(120))


@pytest.mark.parametrize("order", ["", "tested", "evidence", "title"])
def test_previous_leads_back_over_the_same_rows(client: Client, order: str) -> None:
    many(120)
    first = client.get(URL, {"order": order}).context
    second = client.get(URL, {"order": order, "after": first["page"].after}).context
    back = client.get(URL, {"order": order, "before": second["page"].before}).context
    assert [row.prompt.pk for row in back["rows"]] == [row.prompt.pk for row in first["rows"]]


def test_a_row_that_comes_meanwhile_moves_no_other_to_another_page(client: Client) -> None:
    many(60)
    first = client.get(URL).context
    PromptFactory(owner=alice(), slug="just-now")
    second = client.get(URL, {"after": first["page"].after}).context
    seen = [row.prompt.slug for context in (first, second) for row in context["rows"]]
    assert len(seen) == len(set(seen)) == 60


def test_orders(client: Client) -> None:
    of_tested("best", 9, 10, level=3, title="b")
    of_tested("less", 9, 10, title="C")
    of_tested("worst", 1, 10, title="A")
    Prompt.objects.filter(slug="worst").update(last_tested_at=timezone.now())
    assert listed(client, order="evidence") == ["best", "less", "worst"]
    assert listed(client, order="title") == ["worst", "best", "less"]
    assert listed(client, order="tested")[0] == "worst"
    assert listed(client) == ["worst", "less", "best"], "last changed first"


def test_what_is_shown_and_how_many_of_each(client: Client) -> None:
    of_tested("fails", 3, 4)
    of_tested("passes", 4, 4)
    PromptFactory(owner=alice(), slug="new", visibility="public")
    PromptFactory(owner=alice(), slug="old", archived_at=timezone.now())
    written = PromptFactory(owner=alice(), slug="written")
    Draft.objects.create(owner=alice(), key=f"prompt:{written.pk}", data={})
    Draft.objects.create(owner=alice(), key="prompt:new", data={})
    assert listed(client, show="failing") == ["fails"]
    assert sorted(listed(client, show="untested")) == ["new", "written"]
    assert listed(client, show="drafts") == ["written"]
    assert listed(client, show="archived") == ["old"]
    assert "old" not in listed(client)
    counts = client.get(URL).context["counts"]
    assert counts == {"all": 4, "failing": 1, "untested": 2, "drafts": 1, "archived": 1}
    assert client.get(URL, {"state": "public"}).context["counts"]["all"] == 1


def test_by_task_tag_and_words_together(client: Client) -> None:
    one = PromptFactory(owner=alice(), slug="one", title="Invoice reader", task="extraction")
    PromptFactory(owner=alice(), slug="two", title="Invoice writer", task="writing")
    one.tags.set([Tag.objects.create(name="json")])
    reindex(Prompt.objects.all())
    assert sorted(listed(client, q="invoice")) == ["one", "two"]
    assert listed(client, q="invoice", task="extraction", tag="json") == ["one"]
    assert listed(client, tag="json", task="writing") == []
    assert listed(client, tag="JSON") == ["one"]


def test_tags_are_counted_once_and_of_what_is_there(client: Client) -> None:
    tag = Tag.objects.create(name="json")
    for fields in ({}, {}, {}, {"archived_at": timezone.now()}, {"deleted_at": timezone.now()}):
        PromptFactory(owner=alice(), **fields).tags.set([tag])
    PromptFactory().tags.set([tag])
    assert client.get(URL).context["facets"].tags == [("json", 3)]


@pytest.mark.parametrize("place", ["nonsense", "x:y", "", "\x00"])
def test_a_place_that_cannot_be_read_is_the_first_page(client: Client, place: str) -> None:
    many(3)
    assert len(listed(client, after=place)) == 3


def test_a_place_of_another_order_is_the_first_page(client: Client) -> None:
    many(60)
    after = client.get(URL).context["page"].after
    assert listed(client, order="title", after=after) == listed(client, order="title")


def test_no_title_stands_in_an_address(client: Client) -> None:
    many(60)
    assert "Title" not in client.get(URL, {"order": "title"}).context["page"].after


def test_two_thousand_take_as_many_queries_as_sixty(
    client: Client, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    many(60)
    client.get(URL)
    few = count_queries(lambda: client.get(URL, {"order": "evidence", "state": "private"}))
    Prompt.objects.all().delete()
    many(2000)
    assert count_queries(lambda: client.get(URL, {"order": "evidence", "state": "private"})) == few <= 10
