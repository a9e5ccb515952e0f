"""Pages about the site, and what machines ask: health, robots, sitemap, icon."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from prompts_app.tests.people import alice, bob
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db


def get(address: str) -> str:
    response = Client().get(address)
    assert response.status_code == 200
    return response.content.decode()


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


class TestSitemap:
    def addresses(self) -> list[str]:
        names = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
        return [
            e.text.removeprefix("http://127.0.0.1:8000")
            for e in ET.fromstring(get("/sitemap.xml")).iter(names)
            if e.text
        ]

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


def test_the_icon_is_found_by_those_who_only_guess() -> None:
    assert Client().get("/favicon.ico").headers["Location"] == "/static/img/mark.svg"


@pytest.mark.parametrize("address", ["/evidence/", "/robots.txt", "/sitemap.xml", "/favicon.ico", "/healthz"])
def test_no_cookie_and_no_posting(address: str) -> None:
    assert not Client().get(address).cookies
    assert Client().post(address).status_code == 405
