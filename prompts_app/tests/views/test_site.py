"""Pages about the site, and what machines ask: health, robots, sitemap, icon."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from prompts_app.evidence import sitemap
from prompts_app.models import Prompt
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db


def get(address: str) -> str:
    response = Client().get(address)
    assert response.status_code == 200
    return read_page(response)


class TestAboutEvidence:
    def test_tells_the_levels_the_interval_practice_and_what_is_not_proven(self) -> None:
        html = get("/evidence/")
        for said in (
            "pasted", "imported", "recorded", "sealed", "reproduced", "The author pasted this output.",
            "72–100%", "Practice", "What none of it proves",
        ):  # fmt: skip
            assert said in html, said

    def test_claims_no_more_than_it_may(self) -> None:
        html = get("/evidence/").lower()
        assert "verified output" not in html


class TestHealth:
    def test_is_ok_while_the_database_answers(self) -> None:
        response = Client().get("/healthz")
        assert (response.status_code, response.content) == (200, b"ok")
        assert response.headers["Cache-Control"] == "no-store"


class TestRobots:
    def test_names_the_sitemap_and_keeps_robots_out_of_the_studio(self) -> None:
        text = get("/robots.txt")
        assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in text
        assert "Disallow: /studio/" in text
        assert "Disallow: /accounts/" in text


def addresses_in(sitemap: str) -> list[str]:
    name = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
    found = ET.fromstring(get(sitemap)).iter(name)
    return [(element.text or "").removeprefix("http://127.0.0.1:8000") for element in found]


class TestSitemap:
    def addresses(self) -> list[str]:
        return [address for part in addresses_in("/sitemap.xml") for address in addresses_in(part)]

    def test_has_public_work_and_its_authors(self) -> None:
        recorded_prompt(owner=alice(), slug="reader")
        assert self.addresses() == [
            "/",
            "/prompts/",
            "/evidence/",
            "/assertions/",
            "/@alice/",
            "/@alice/reader/",
        ]

    @pytest.mark.parametrize("visibility", ["private", "unlisted"])
    def test_has_nothing_hidden(self, visibility: str) -> None:
        recorded_prompt(owner=alice(), visibility=visibility)
        bob()
        assert self.addresses() == ["/", "/prompts/", "/evidence/", "/assertions/"]

    @pytest.mark.parametrize("visibility", ["private", "unlisted"])
    def test_has_no_work_of_a_hidden_author(self, visibility: str) -> None:
        recorded_prompt(owner=alice())
        alice().profile.__class__.objects.filter(user=alice()).update(visibility=visibility)
        assert self.addresses() == ["/", "/prompts/", "/evidence/", "/assertions/"]

    def test_a_part_is_a_range_of_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sitemap, "A_PART", 3)
        prompts = [recorded_prompt(owner=alice(), slug=f"work-{n}") for n in range(10)]
        Prompt.objects.filter(pk__in=[prompt.pk for prompt in prompts[3:9]]).update(visibility="private")
        parts = [part for part in addresses_in("/sitemap.xml") if "prompts" in part]
        wanted = {prompt.pk // 3 for prompt in [*prompts[:3], prompts[9]]}
        assert parts == [f"/sitemap-prompts-{number}.xml" for number in sorted(wanted)]
        found = [address for part in parts for address in addresses_in(part)]
        assert found == [f"/@alice/work-{n}/" for n in (0, 1, 2, 9)]

    def test_says_when_work_was_changed(self) -> None:
        prompt = recorded_prompt(owner=alice())
        text = get(f"/sitemap-prompts-{prompt.pk // sitemap.A_PART}.xml")
        assert f"<lastmod>{Prompt.objects.get().updated_at.date().isoformat()}</lastmod>" in text

    @pytest.mark.parametrize(
        "part",
        ["prompts-7", "authors-7", "prompts-01", "prompts-", "prompts", "others-0", f"prompts-{'9' * 40}"],
    )
    def test_a_part_without_an_address_is_not_there(self, part: str) -> None:
        recorded_prompt(owner=alice())
        assert Client().get(f"/sitemap-{part}.xml").status_code == 404

    def test_more_work_costs_no_more_queries(
        self, monkeypatch: pytest.MonkeyPatch, count_queries: Callable[[Callable[[], object]], int]
    ) -> None:
        monkeypatch.setattr(sitemap, "A_PART", 3)
        counts = []
        for _ in range(2):
            newest = [recorded_prompt(owner=alice()).pk for _ in range(4)][-1]
            index = count_queries(lambda: get("/sitemap.xml"))
            part = f"/sitemap-prompts-{newest // 3}.xml"
            counts.append((index, count_queries(lambda at=part: get(at))))  # type: ignore[misc]
        assert counts[0] == counts[1]


def test_the_icon_is_found_by_those_who_only_guess() -> None:
    assert Client().get("/favicon.ico").headers["Location"] == "/static/img/mark.svg"


@pytest.mark.parametrize("address", ["/evidence/", "/robots.txt", "/sitemap.xml", "/favicon.ico", "/healthz"])
def test_no_cookie_and_no_posting(address: str) -> None:
    assert not Client().get(address).cookies
    assert Client().post(address).status_code == 405
