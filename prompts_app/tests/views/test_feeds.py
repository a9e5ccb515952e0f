"""``/feed.atom`` and ``/@handle/feed.atom``: what is new and public, valid by RFC 4287, and steady."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.evidence import news
from prompts_app.evidence.listings import refresh_figures
from prompts_app.models import Listing, Profile, Prompt, Run, Version, Visibility
from prompts_app.tests.factories import PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice, client_of, dana
from prompts_app.tests.security.test_visibility import says_nothing
from prompts_app.tests.security.world import Tags, world
from prompts_app.tests.views.recorded import recorded_prompt, recorded_run

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ["/feed.atom", "/@alice/feed.atom"]


def read(address: str) -> ET.Element:
    response = Client().get(address)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ET.fromstring(response.content)


def titles(address: str) -> list[str]:
    return [entry.findtext(f"{ATOM}title") or "" for entry in read(address).iter(f"{ATOM}entry")]


@pytest.mark.parametrize("address", FEEDS)
def test_it_has_what_the_standard_asks_for(address: str) -> None:
    world()
    feed = read(address)
    entries = list(feed.iter(f"{ATOM}entry"))
    assert entries
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert element.findtext(f"{ATOM}author/{ATOM}name")
        updated = datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "")
        assert updated.tzinfo
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == f"http://127.0.0.1:8000{address}"
    assert links["alternate"] in ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/@alice/")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    dates = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("address", FEEDS)
def test_new_versions_and_runs_that_count_are_in_it(address: str) -> None:
    w = world()
    Version.objects.filter(pk=w.version.pk).update(note="Because <b>it</b> failed.\nTwice.")
    entries = {
        entry.findtext(f"{ATOM}title"): entry.findtext(f"{ATOM}summary")
        for entry in read(address).iter(f"{ATOM}entry")
    }
    assert entries["Quagga ledger notary: v1"] == "Because &lt;b&gt;it&lt;/b&gt; failed.<br>Twice."
    said = entries["Quagga ledger notary: v1 tested on test-model"]
    assert said is not None
    assert "1 of 1 cases pass" in said
    assert "Evidence: sealed." in said


@pytest.mark.parametrize(
    "changed", [{"source": "practice"}, {"state": Run.State.CANCELLED}, {"state": Run.State.CAPPED}]
)
def test_runs_that_do_not_count_are_not(changed: dict[str, str]) -> None:
    world()
    Run.objects.update(**changed)
    assert titles(FEEDS[0]) == ["Quagga ledger notary: v1"]


@pytest.mark.parametrize("address", FEEDS)
@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.UNLISTED])
def test_nothing_that_is_not_public(visibility: str, address: str) -> None:
    world(visibility)
    for client in (Client(), client_of(alice())):
        assert says_nothing(client.get(address))


def test_an_unlisted_profile_has_a_feed_but_is_not_in_the_sites() -> None:
    world(profile=Profile.Visibility.UNLISTED)
    assert titles(FEEDS[0]) == []
    assert titles(FEEDS[1])
    assert Client().get(FEEDS[1]).headers["X-Robots-Tag"] == "noindex"


def test_an_authors_feed_is_theirs_alone() -> None:
    world()
    VersionFactory(
        prompt__owner=dana(), prompt__title="Dana’s", prompt__visibility="public",
        prompt__published_at=timezone.now(),
    )  # fmt: skip
    assert "Dana’s: v1" in titles(FEEDS[0])
    assert "Dana’s: v1" not in titles(FEEDS[1])


def test_work_published_today_is_news_of_today() -> None:
    w = world()
    old = timezone.now() - timedelta(days=300)
    Version.objects.filter(pk=w.version.pk).update(created_at=old)
    entry = next(
        e for e in read(FEEDS[1]).iter(f"{ATOM}entry") if e.findtext(f"{ATOM}title", "").endswith("v1")
    )
    assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or "") > timezone.now() - timedelta(
        hours=1
    )


def test_a_new_title_slug_or_handle_is_not_news() -> None:
    w = world()
    before = [entry.findtext(f"{ATOM}id") for entry in read(FEEDS[0]).iter(f"{ATOM}entry")]
    Prompt.objects.update(title="Another", slug="another")
    w.prompt.owner.username = "alice-two"
    w.prompt.owner.save()
    assert [e.findtext(f"{ATOM}id") for e in read(FEEDS[0]).iter(f"{ATOM}entry")] == before


@pytest.mark.parametrize("address", FEEDS)
def test_as_long_as_nothing_happens_it_is_the_same(address: str) -> None:
    alice()
    first = Client().get(address)
    assert first.content == Client().get(address).content
    again = Client().get(address, headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "]]>", "&amp;", "a\x00b", "a\x1bb", "\u202egnp", "\ufffe", "x" * 5000],
)
def test_any_text_leaves_it_well_formed(text: str) -> None:
    w = world()
    safe = text.replace("\0", "")
    Profile.objects.update(name=safe[:80], headline=safe[:200])
    Prompt.objects.update(title=safe[:120])
    Run.objects.update(model=safe[:200])
    Version.objects.filter(pk=w.version.pk).update(note=safe)
    for address in FEEDS:
        for entry in read(address).iter(f"{ATOM}entry"):
            assert "<script" not in (entry.findtext(f"{ATOM}summary") or "")


def test_pages_lead_to_it() -> None:
    world()
    for page, feed in (("/", FEEDS[0]), ("/@alice/", FEEDS[1]), ("/@alice/notary/", FEEDS[1])):
        links = Tags(Client().get(page).content.decode()).named("link")
        found = [link["href"] for link in links if link.get("type") == "application/atom+xml"]
        assert found == [feed]


def test_capitals_and_former_handles_lead_to_it() -> None:
    world()
    for handle in ("Alice", "alicia"):
        assert Client().get(f"/@{handle}/feed.atom")["Location"] == FEEDS[1]


@pytest.mark.parametrize("address", FEEDS)
def test_ten_more_cost_no_more_queries(
    address: str, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    counts = []
    for _ in range(2):
        for _ in range(10):
            version = VersionFactory(
                prompt__owner=alice(), prompt__visibility="public", prompt__published_at=timezone.now()
            )
            RunFactory(version=version)
        counts.append(count_queries(lambda: Client().get(address)))
    assert counts[0] == counts[1]


class TestOfManyPrompts:
    """The entries are those of the prompts that were last in the news, and the same as if all were sorted."""

    @pytest.fixture(autouse=True)
    def at_most_three(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(news, "MOST_NEWS", 3)

    def prompt(self, title: str, days_ago: int) -> Prompt:
        when = timezone.now() - timedelta(days=days_ago)
        prompt = PromptFactory(title=title, owner=alice(), visibility="public", published_at=when)
        VersionFactory(prompt=prompt)
        Version.objects.filter(prompt=prompt).update(created_at=when)
        refresh_figures([prompt])
        return prompt

    @pytest.mark.parametrize("address", FEEDS)
    def test_the_newest_three_of_five(self, address: str) -> None:
        for days_ago in (4, 2, 5, 1, 3):
            self.prompt(f"Of {days_ago}", days_ago)
        assert titles(address) == ["Of 1: v1", "Of 2: v1", "Of 3: v1"]

    @pytest.mark.parametrize("address", FEEDS)
    def test_a_new_version_and_a_new_run_of_an_old_one_are_news(self, address: str) -> None:
        old = self.prompt("Old", 9)
        for days_ago in (4, 2, 3):
            self.prompt(f"Of {days_ago}", days_ago)
        version = VersionFactory(prompt=old, number=2)
        ResultFactory(run=RunFactory(version=version, finished_at=timezone.now()))
        refresh_figures([old])
        assert titles(address) == ["Old: v2 answered on test-model", "Old: v2", "Of 2: v1"]

    def test_ending_a_run_puts_it_there(self) -> None:
        prompt = recorded_prompt(owner=alice())
        recorded_run(prompt.versions.get(), days_ago=-1)
        ended = prompt.runs.order_by("-finished_at")[0].finished_at
        assert ended is not None
        assert Listing.objects.get(prompt=prompt).by_news == int(ended.timestamp() * 1_000_000)
