"""``/studio/profile/``: what the public page says, and who sees it."""

from typing import Any

import pytest
from django.test import Client

from prompts_app.forms.people import MOST_LINKS
from prompts_app.models import Profile, SearchDocument
from prompts_app.search import reindex
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db

PAGE = "/studio/profile/"


def fields(html: str) -> dict[str, str]:
    """The form as a browser would send it."""
    tags = Tags(html)
    sent = {}
    for control in tags.named("input"):
        if control.get("type") == "radio" and "checked" not in control:
            continue
        sent[control.get("name") or ""] = control.get("value") or ""
    sent["bio"] = (
        html.partition('<textarea name="bio"')[2].partition(">")[2].partition("</textarea>")[0].strip()
    )
    return sent


def save(client: Client, **changed: str) -> Any:
    names = {name.replace("__", "-"): value for name, value in changed.items()}
    return client.post(PAGE, fields(read_page(client.get(PAGE))) | names)


def profile() -> Profile:
    return Profile.objects.get(user=alice())


def test_everything_is_saved_and_comes_back() -> None:
    client = client_of(alice())
    said = {
        "name": "Alice Ångström",
        "headline": "Extraction that holds.",
        "bio": "I write prompts.\r\n\r\nAnd test them.",
        "location": "Lund",
        "availability": "Open to contract work",
        "contact_email": "hello@example.com",
        "visibility": "unlisted",
    }
    response = save(client, **said, links__0__label="Code", links__0__url="https://example.com/a")
    assert response.status_code == 302
    row = profile()
    assert {name: getattr(row, name) for name in said} == said
    assert row.links == [{"label": "Code", "url": "https://example.com/a"}]
    page = read_page(client.get(PAGE))
    for value in ("Alice Ångström", "hello@example.com", "https://example.com/a"):
        assert value in page


def test_it_says_that_the_contact_address_is_public_and_leads_to_the_page() -> None:
    html = read_page(client_of(alice()).get(PAGE))
    assert "Shown publicly on your page." in html
    assert 'href="/@alice/"' in html


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "x" * 81, "at most 80 characters"),
        ("name", "Ali\u202ece", "invisible character"),
        ("name", "Ali\u200bce", "invisible character"),
        ("headline", "a\x00b", "Null characters"),
        ("bio", "x" * 4001, "at most 4000 characters"),
        ("bio", "a\x00b", "Null characters"),
        ("location", "a\nb\x07", "invisible character"),
        ("contact_email", "nobody", "valid email address"),
        ("visibility", "everybody", "not one of the available choices"),
    ],
)
def test_what_cannot_be_stored_is_refused_beside_its_field(field: str, value: str, sentence: str) -> None:
    client = client_of(alice())
    response = save(client, **{field: value, "availability": "typed and kept"})
    html = read_page(response)
    assert response.status_code == 200
    assert sentence in html
    assert "typed and kept" in html
    assert 'href="#id_' + field in html
    assert profile().availability == ""


def test_a_megabyte_of_text_is_refused_and_stays_typed() -> None:
    text = "wörd " * 200_000
    response = save(client_of(alice()), bio=text)
    assert response.status_code == 200
    assert text.strip() in read_page(response)


def test_right_to_left_and_zalgo_are_welcome_in_the_text_about_oneself() -> None:
    bio = "مرحبا z̷̛̞͔a̶lgo \u200f"
    save(client_of(alice()), bio=bio)
    assert profile().bio == bio.strip()


# --- links ---


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://example.com/x?y=1#z", "https://example.com/x?y=1#z"),
        ("http://example.com", "http://example.com"),
        ("example.com/me", "https://example.com/me"),
        ("HTTPS://Example.com/", "HTTPS://Example.com/"),
    ],
)
def test_web_addresses_are_taken(typed: str, stored: str) -> None:
    save(client_of(alice()), links__0__url=typed)
    assert profile().links[0]["url"] == stored
    assert profile().links[0]["label"], "without a label the site's name stands there"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox",
        "file:///etc/passwd",
        "ftp://example.com/",
        "mailto:a@example.com",
        "https://user:secret@example.com/",
        "https://",
        "//",
        "not an address",
        'https://example.com/"onmouseover="alert(1)',
        "https://example.com/\x00",
        "https://exam\u202eple.com/",
        "https://example.com/" + "x" * 400,
    ],
)
def test_anything_else_is_refused_and_stays_typed(url: str) -> None:
    client = client_of(alice())
    response = save(client, links__0__label="Mine", links__0__url=url, headline="typed and kept")
    assert response.status_code == 200
    assert profile().links == []
    html = read_page(response)
    assert "typed and kept" in html
    assert 'value="Mine"' in html
    assert 'href="#id_links-0-url"' in html


def test_a_label_without_an_address_is_asked_about() -> None:
    response = save(client_of(alice()), links__0__label="Mine")
    assert "Give the address for this label, or clear the label." in read_page(response)


def test_a_link_is_taken_away_by_clearing_it() -> None:
    client = client_of(alice())
    save(client, links__0__url="https://a.example/", links__1__url="https://b.example/")
    save(client, links__0__label="", links__0__url="")
    assert [link["url"] for link in profile().links] == ["https://b.example/"]


def test_there_is_room_for_eight_links_and_no_more() -> None:
    client = client_of(alice())
    for number in range(MOST_LINKS):
        save(client, **{f"links__{number}__url": f"https://{number}.example/"})
    assert len(profile().links) == MOST_LINKS
    assert 'name="links-8-url"' not in read_page(client.get(PAGE))
    response = save(client, links__TOTAL_FORMS="9", links__8__url="https://9.example/", links__8__label="")
    assert response.status_code == 200
    assert len(profile().links) == MOST_LINKS


@pytest.mark.parametrize("total", ["1000000000", "-1", "x", "", "1e9"])
def test_a_forged_number_of_rows_is_no_error_page(total: str) -> None:
    assert save(client_of(alice()), links__TOTAL_FORMS=total).status_code in (200, 302)


# --- two tabs, and a lost session ---


def test_the_second_of_two_tabs_is_told_keeps_its_text_and_may_save_then() -> None:
    client = client_of(alice())
    second_tab = fields(read_page(client.get(PAGE))) | {"headline": "From the second tab"}
    save(client, headline="From the first tab")
    response = client.post(PAGE, second_tab)
    html = read_page(response)
    assert "changed in another tab" in html
    assert "From the second tab" in html
    assert profile().headline == "From the first tab"
    assert client.post(PAGE, fields(html)).status_code == 302
    assert profile().headline == "From the second tab"


def test_what_was_typed_outlives_a_lost_session() -> None:
    client = client_of(alice())
    typed = fields(read_page(client.get(PAGE))) | {"headline": "Typed before the session ended"}
    client.cookies.clear()
    response = client.post(PAGE, typed)
    assert response["Location"].startswith("/accounts/login/")
    response = client.post(response["Location"], {"login": "alice", "password": PASSWORD, "next": PAGE})
    assert "Typed before the session ended" in read_page(client.get(response["Location"]))


# --- effects ---


def test_one_saves_ones_own_profile_only() -> None:
    alice()
    save(client_of(bob()), name="Bob was here")
    assert profile().name == "Alice Author"


def test_search_finds_the_author_under_the_new_name() -> None:
    prompt = PromptFactory(owner=alice())
    reindex([prompt])
    save(client_of(alice()), name="Quagga Smith")
    assert "Quagga Smith" in SearchDocument.objects.get(prompt=prompt).author


def test_a_private_profile_is_gone_at_once_for_others_not_for_oneself() -> None:
    client = client_of(alice())
    save(client, visibility="private")
    assert client_of(bob()).get("/@alice/").status_code == 404
    assert client.get("/@alice/").status_code == 200
