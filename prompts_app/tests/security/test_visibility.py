"""Who sees what, at every address the site has.

addresses.TABLE has one row for each named address; a new one fails the first test until it has its row.
"""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, reverse

from prompts_app.models import Profile, Visibility
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.addresses import TABLE, Rule, names
from prompts_app.tests.security.world import MARKS, TITLE, Tags, World, named_urls, world

pytestmark = pytest.mark.django_db

STRANGER, READER, OWNER = "stranger", "reader", "owner"
PICTURES = ("result_picture", "result_thumbnail", "case_picture", "case_thumbnail")  # nothing to read
VIEWERS = [STRANGER, READER, OWNER]


def browser(viewer: str) -> Client:
    return client_of({STRANGER: lambda: None, READER: bob, OWNER: alice}[viewer]())


def ask(viewer: str, name: str, w: World) -> HttpResponse:
    row = TABLE[name]
    address = reverse(name, args=row.args(w))
    return getattr(browser(viewer), row.method)(address, row.data)  # type: ignore[no-any-return]


def says_nothing(response: Any) -> bool:
    """No word of the prompt, neither in the page nor in its headers."""
    text = response.content.decode("utf-8", "replace") + str(response.headers)
    return not [mark for mark in MARKS if mark in text]


def is_noindex(response: Any) -> bool:
    if "noindex" in response.headers.get("X-Robots-Tag", ""):
        return True
    metas = Tags(response.content.decode("utf-8", "replace")).named("meta")
    return any(m.get("name") == "robots" and "noindex" in (m.get("content") or "") for m in metas)


def test_every_address_has_a_row() -> None:
    assert {name for name in named_urls() if not name.startswith("admin:")} == set(TABLE)


# --- prompts ---


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("visibility", Visibility.values)
@pytest.mark.parametrize("name", names(Rule.PROMPT))
def test_a_prompt_is_seen_by_whom_it_is_for(name: str, visibility: str, viewer: str) -> None:
    response = ask(viewer, name, world(visibility))
    if visibility == Visibility.PRIVATE and viewer != OWNER:
        assert response.status_code == 404
        assert says_nothing(response)
        return
    assert response.status_code == 200
    assert not says_nothing(response) or name in ("run_record", "prompt_card", "prompt_badge", *PICTURES)
    assert not is_noindex(response) or (visibility, name) != (Visibility.PUBLIC, "prompt")
    if visibility != Visibility.PUBLIC:
        assert is_noindex(response)


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize("name", names(Rule.PROMPT))
@pytest.mark.parametrize("visibility", Visibility.values)
def test_a_private_profile_hides_all_its_prompts(name: str, visibility: str, viewer: str) -> None:
    response = ask(viewer, name, world(visibility, profile=Profile.Visibility.PRIVATE))
    assert response.status_code == 404
    assert says_nothing(response)


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize("name", names(Rule.PROMPT, Rule.AUTHOR))
def test_an_account_that_is_switched_off_hides_everything(name: str, viewer: str) -> None:
    w = world(Visibility.PUBLIC)
    w.prompt.owner.is_active = False
    w.prompt.owner.save()
    response = ask(viewer, name, w)
    assert response.status_code == 404
    assert says_nothing(response)


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize(
    ("handle", "slug"), [("alice", "old-notary"), ("alicia", "notary"), ("alicia", "old-notary")]
)
@pytest.mark.parametrize("visibility", Visibility.values)
def test_old_addresses_lead_on_only_to_what_may_be_seen(
    visibility: str, handle: str, slug: str, viewer: str
) -> None:
    world(visibility)
    for name in ("prompt", "prompt_md", "prompt_json", "prompt_messages", "prompt_promptfoo"):
        response = browser(viewer).get(reverse(name, args=[handle, slug]))
        if visibility == Visibility.PRIVATE:
            assert response.status_code == 404
            assert says_nothing(response)
        else:
            assert response.status_code == 301
            assert response["Location"] == reverse(name, args=["alice", "notary"])


@pytest.mark.parametrize("viewer", [STRANGER, READER])
def test_practice_is_seen_by_its_author_only(viewer: str) -> None:
    w = world(Visibility.PUBLIC)
    w.run.source = "practice"
    w.run.save()
    assert ask(viewer, "result", w).status_code == 404
    assert ask(OWNER, "result", w).status_code == 200
    assert "quokka-in-the-output" not in read_page(ask(viewer, "prompt_json", w))
    assert "quokka-in-the-output" not in read_page(ask(viewer, "prompt", w))


@pytest.mark.parametrize("viewer", [STRANGER, READER])
def test_a_result_is_not_found_under_another_prompt(viewer: str) -> None:
    """The address of a private prompt's result must not open below a public prompt of the same author."""
    w = world(Visibility.PRIVATE)
    other = type(w.prompt).objects.create(
        owner=alice(), slug="open", title="Open", visibility=Visibility.PUBLIC
    )
    response = browser(viewer).get(reverse("result", args=["alice", other.slug, w.result.public_id]))
    assert response.status_code == 404
    assert says_nothing(response)


# --- lists ---

LISTS = ["/", "/prompts/", "/prompts/?q=quagga", "/prompts/?tag=ledgers", "/prompts/?sort=newest", "/@alice/"]


def listed(viewer: str, address: str) -> bool:
    return TITLE in read_page(browser(viewer).get(address))


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize("address", LISTS)
def test_lists_and_search_show_only_what_is_public(address: str, viewer: str) -> None:
    w = world(Visibility.PUBLIC)
    assert listed(viewer, address), "the test must be able to see a public one"
    for visibility in (Visibility.UNLISTED, Visibility.PRIVATE):
        type(w.prompt).objects.filter(pk=w.prompt.pk).update(visibility=visibility)
        assert not listed(viewer, address)


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize("address", LISTS)
def test_lists_and_search_leave_out_private_profiles(address: str, viewer: str) -> None:
    world(Visibility.PUBLIC, profile=Profile.Visibility.PRIVATE)
    assert not listed(viewer, address)


@pytest.mark.parametrize("viewer", [STRANGER, READER])
@pytest.mark.parametrize("address", LISTS[:-1])
def test_lists_of_the_site_do_not_lead_to_an_unlisted_profile(address: str, viewer: str) -> None:
    """Its author was told "listed nowhere"; each line of a list names the author and links to the page."""
    world(Visibility.PUBLIC, profile=Profile.Visibility.UNLISTED)
    assert not listed(viewer, address)
    assert listed(viewer, "/@alice/"), "who has the address finds the work there"


def locations() -> set[str]:
    """The paths in the sitemap, and in any sitemap it names."""
    found, left = set[str](), [reverse("sitemap")]
    while left:
        root = ET.fromstring(Client().get(left.pop()).content)
        paths = {"/" + (e.text or "").split("/", 3)[3] for e in root.iter() if e.tag.endswith("loc")}
        found |= paths
        left += sorted(path for path in paths if path.endswith(".xml"))
    return found


def test_the_sitemap_names_what_is_public() -> None:
    world(Visibility.PUBLIC)
    assert {"/@alice/notary/", "/@alice/"} <= locations()


@pytest.mark.parametrize(
    ("prompt", "profile"),
    [("unlisted", "public"), ("private", "public"), ("public", "private"), ("unlisted", "unlisted")],
)
def test_the_sitemap_names_nothing_else(prompt: str, profile: str) -> None:
    world(prompt, profile=profile)
    assert not [path for path in locations() if "notary" in path]
    assert profile == "public" or not [path for path in locations() if "alice" in path]


def test_an_unlisted_profile_is_not_in_the_sitemap() -> None:
    world(Visibility.PUBLIC, profile=Profile.Visibility.UNLISTED)
    assert "/@alice/" not in locations()


# --- profiles ---


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("visibility", Profile.Visibility.values)
@pytest.mark.parametrize("name", names(Rule.AUTHOR))
def test_a_profile_is_seen_by_whom_it_is_for(name: str, visibility: str, viewer: str) -> None:
    response = ask(viewer, name, world(Visibility.PUBLIC, profile=visibility))
    if visibility == Profile.Visibility.PRIVATE and viewer != OWNER:
        assert response.status_code == 404
        assert says_nothing(response)
        assert "Alice Author" not in response.content.decode("utf-8", "replace")
    else:
        assert response.status_code == 200
        assert is_noindex(response) == (visibility != Profile.Visibility.PUBLIC)


def test_the_sign_in_address_is_nowhere_public() -> None:
    w = world(Visibility.PUBLIC)
    for name in names(Rule.PROMPT, Rule.AUTHOR, Rule.OPEN):
        assert b"alice@example.com" not in ask(STRANGER, name, w).content, name


# --- the author's own area ---


@pytest.mark.parametrize("name", names(Rule.OWN, Rule.THING, Rule.ACCOUNT))
def test_strangers_are_sent_to_sign_in(name: str) -> None:
    response = ask(STRANGER, name, world(Visibility.PUBLIC))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    assert says_nothing(response)


@pytest.mark.parametrize("name", names(Rule.THING))
@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.PUBLIC])
def test_somebody_elses_things_do_not_exist(name: str, visibility: str) -> None:
    w = world(visibility)
    for method in ("get", "post"):
        address = reverse(name, args=TABLE[name].args(w))
        response = getattr(browser(READER), method)(address, TABLE[name].data)
        # 405 says only that the address takes another method, whoever asks.
        assert response.status_code in ((404,) if method == TABLE[name].method else (404, 405))
        assert says_nothing(response)


@pytest.mark.parametrize("name", names(Rule.OWN, Rule.THING, Rule.ACCOUNT))
def test_the_owner_gets_their_own(name: str) -> None:
    response = ask(OWNER, name, world(Visibility.PRIVATE))
    assert response.status_code in TABLE[name].answers
    if response.status_code == 302:
        assert not response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", names(Rule.OWN, Rule.ACCOUNT))
def test_the_own_area_shows_nothing_of_somebody_else(name: str) -> None:
    response = ask(READER, name, world(Visibility.PRIVATE))
    assert response.status_code in TABLE[name].answers
    assert says_nothing(response)


# --- open to all ---


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", names(Rule.OPEN))
def test_open_pages_are_open_and_name_nothing_private(name: str, viewer: str) -> None:
    response = ask(viewer, name, world(Visibility.PRIVATE))
    assert response.status_code in TABLE[name].answers
    assert says_nothing(response)


@pytest.mark.parametrize("name", names(Rule.WAY_IN))
def test_the_way_in_is_for_those_outside(name: str) -> None:
    w = world(Visibility.PRIVATE)
    assert ask(STRANGER, name, w).status_code in TABLE[name].answers
    inside = ask(READER, name, w)
    assert inside.status_code == 302 or name == "mfa_login_webauthn"
    assert says_nothing(inside)


def test_the_admin_is_for_staff_only() -> None:
    for viewer in (STRANGER, READER):
        for name in [name for name in named_urls() if name.startswith("admin:")]:
            try:
                address = reverse(name)
            except NoReverseMatch:
                continue  # needs a row's key; the list above it is asked
            response = browser(viewer).get(address)
            assert response.status_code in (302, 403), name
            if response.status_code == 302:
                assert response["Location"].startswith(("/accounts/login/", "/admin/")), name
