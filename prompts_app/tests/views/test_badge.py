"""``badge.svg`` and ``/oembed``: how a prompt is shown on pages that are not ours."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from prompts_app.evidence.summary import Summary, to_json
from prompts_app.models import Profile, Prompt, Visibility
from prompts_app.tests.evidence.summaries import a_model, a_summary
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.security.test_visibility import says_nothing
from prompts_app.tests.security.world import Tags, world
from prompts_app.views.public.badge import badge_sentence, badge_text

pytestmark = pytest.mark.django_db

SVG = "{http://www.w3.org/2000/svg}"
SITE = "http://127.0.0.1:8000"
PAYLOADS = [
    "</title><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' onload='alert(1)",
    "]]>",
    "&amp;",
    "\u202e",
    "a\x1bb",
]


def badge(w: Any = None) -> ET.Element:
    response = Client().get("/@alice/notary/badge.svg")
    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    return ET.fromstring(response.content)


def birch(passed: int, cases: int, level: int, of_others: tuple[int, ...] = ()) -> Summary:
    """On birch, and on other models with evidence of these levels."""
    models = [a_model("birch", level=level), *(a_model(level=other) for other in of_others)]
    return a_summary(passed=passed, cases=cases, level=level, main_model="birch", models=models)


class TestBadge:
    def test_it_says_cases_and_models_and_the_rest_in_words(self) -> None:
        world()
        svg = badge()
        assert [text.text for text in svg.iter(f"{SVG}text")] == ["Proofsheet", "1/1 cases · test-model"]
        said = svg.findtext(f"{SVG}title")
        assert said is not None
        assert said == svg.get("aria-label")
        assert svg.get("role") == "img"
        assert said.startswith("Proofsheet: 1 of 1 cases pass on test-model (21–100%), v1, sealed, ")

    @pytest.mark.parametrize(
        ("evidence", "text"),
        [
            (None, "not tested yet"),
            (birch(24, 25, 2, of_others=(3, 2, 0)), "24/25 cases · birch, 1 of 3 models"),
            (birch(0, 1, 1, of_others=(0,)), "0/1 cases · birch · imported"),
            (birch(9, 9, 0), "9/9 cases · birch · pasted"),
        ],
    )
    def test_what_this_server_did_not_record_says_so(self, evidence: Summary | None, text: str) -> None:
        assert badge_text(Prompt(evidence=to_json(evidence) if evidence else {})) == text

    def test_untested_it_claims_nothing(self) -> None:
        assert badge_sentence(Prompt()) == "Proofsheet: not tested yet"

    @pytest.mark.parametrize("payload", PAYLOADS)
    def test_names_of_models_can_do_nothing_in_it(self, payload: str) -> None:
        w = world()
        w.prompt.evidence["main_model"] = payload
        w.prompt.save()
        svg = badge()
        kinds = {element.tag for element in svg.iter()}
        assert kinds == {f"{SVG}{kind}" for kind in ("svg", "title", "path", "g", "text")}
        for element in svg.iter():
            assert not [name for name in element.attrib if name.startswith("on") or name in ("href", "style")]

    def test_unlisted_it_works_by_address_and_private_it_is_nowhere(self) -> None:
        w = world(Visibility.UNLISTED)
        response = Client().get("/@alice/notary/badge.svg")
        assert response.headers["X-Robots-Tag"] == "noindex"
        Prompt.objects.filter(pk=w.prompt.pk).update(visibility=Visibility.PRIVATE)
        assert Client().get("/@alice/notary/badge.svg").status_code == 404

    def test_the_page_gives_it_to_copy(self) -> None:
        world()
        page = Client().get("/@alice/notary/").content.decode()
        address = f"{SITE}/@alice/notary/"
        assert f"[![Tested on Proofsheet]({address}badge.svg)]({address})" in page
        assert f"&lt;a href=&quot;{address}&quot;&gt;".replace("&quot;", '"') in page
        assert 'data-copy="badge-markdown"' in page

    def test_a_private_page_offers_no_badge(self) -> None:
        world(Visibility.PRIVATE)
        assert "badge.svg" not in client_of(alice()).get("/@alice/notary/").content.decode()


def oembed(url: str, **more: Any) -> Any:
    return Client().get("/oembed", {"url": url, **more})


class TestOembed:
    @pytest.mark.parametrize(
        "path", ["/@alice/notary/", "/@alice/", "/@Alice/Notary/", "/@alicia/old-notary/"]
    )
    def test_a_public_page_is_its_card_and_a_link(self, path: str) -> None:
        world()
        response = oembed(SITE + path, format="json")
        assert response.headers["Content-Type"] == "application/json"
        said = response.json()
        assert (said["version"], said["type"], said["provider_name"]) == ("1.0", "rich", "Proofsheet")
        assert (said["width"], said["height"]) == (600, 315)
        tags = Tags(said["html"])
        assert [name for name, _ in tags.tags] == ["a", "img"]
        assert tags.named("a")[0]["href"] == SITE + path.lower().replace("alicia", "alice").replace(
            "old-", ""
        )
        assert (tags.named("img")[0]["src"] or "").endswith("/card.png")
        assert Client().get(said["thumbnail_url"].removeprefix(SITE)).status_code == 200

    @pytest.mark.parametrize(
        ("asked", "size"),
        [
            ({"maxwidth": "300"}, (300, 157)),
            ({"maxheight": "105"}, (200, 105)),
            ({"maxwidth": "5000"}, (600, 315)),
            ({"maxwidth": "-1"}, (600, 315)),
            ({"maxwidth": "²"}, (600, 315)),
            ({"maxwidth": "1"}, (120, 63)),
        ],
    )
    def test_it_keeps_to_the_size_asked_for(self, asked: dict[str, str], size: tuple[int, int]) -> None:
        world()
        said = oembed(f"{SITE}/@alice/notary/", **asked).json()
        assert (said["width"], said["height"]) == size

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "nonsense",
            "http://[",
            "https://evil.example/@alice/notary/",
            f"{SITE}.evil.example/@alice/",
            f"{SITE}@evil.example/@alice/",
            f"{SITE}/",
            f"{SITE}/prompts/",
            f"{SITE}/studio/",
            f"{SITE}/@nobody/",
            f"{SITE}/@alice/none/",
            f"{SITE}/@alice/notary/v1/",
            "javascript:alert(1)",
            f"{SITE}/%00",
            "x" * 5000,
        ],
    )
    def test_anything_else_is_not_found(self, url: str) -> None:
        world()
        assert oembed(url).status_code == 404

    def test_a_share_link_cannot_be_embedded(self) -> None:
        w = world()
        for place in ("", "notary/"):
            response = oembed(f"{SITE}/s/{w.token}/{place}")
            assert response.status_code == 404
            assert says_nothing(response)

    @pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.UNLISTED])
    def test_only_what_is_public_even_for_its_author(self, visibility: str) -> None:
        world(visibility)
        for client in (Client(), client_of(alice())):
            response = client.get("/oembed", {"url": f"{SITE}/@alice/notary/"})
            assert response.status_code == 404
            assert says_nothing(response)

    @pytest.mark.parametrize("profile", [Profile.Visibility.PRIVATE, Profile.Visibility.UNLISTED])
    def test_nothing_of_a_hidden_profile(self, profile: str) -> None:
        world(profile=profile)
        assert oembed(f"{SITE}/@alice/").status_code == 404
        assert oembed(f"{SITE}/@alice/notary/").status_code == 404

    def test_other_formats_are_refused_as_the_standard_says(self) -> None:
        world()
        assert oembed(f"{SITE}/@alice/", format="xml").status_code == 501

    @pytest.mark.parametrize("payload", PAYLOADS)
    def test_names_and_titles_can_do_nothing_in_it(self, payload: str) -> None:
        world()
        Prompt.objects.update(title=payload)
        Profile.objects.update(name=payload)
        for path in ("/@alice/", "/@alice/notary/"):
            said = json.loads(oembed(SITE + path).content)
            tags = Tags(said["html"])
            assert [name for name, _ in tags.tags] == ["a", "img"]
            assert set(tags.named("img")[0]) == {"src", "width", "height", "alt"}

    def test_public_pages_lead_to_it_and_others_do_not(self) -> None:
        w = world()
        for visibility, found in ((Visibility.PUBLIC, 1), (Visibility.UNLISTED, 0)):
            Prompt.objects.filter(pk=w.prompt.pk).update(visibility=visibility)
            links = Tags(Client().get("/@alice/notary/").content.decode()).named("link")
            discovered = [link for link in links if link.get("type") == "application/json+oembed"]
            assert len(discovered) == found
            for link in discovered:
                assert Client().get((link["href"] or "").removeprefix(SITE)).status_code == 200
