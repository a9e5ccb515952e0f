"""Who sees what, at every address the site has.

TABLE has one row for each named address. A new address fails the first test until it has a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, reverse

from prompts_app.models import Profile, Visibility
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.world import MARKS, TITLE, Tags, World, named_urls, world

pytestmark = pytest.mark.django_db

STRANGER, READER, OWNER = "stranger", "reader", "owner"
VIEWERS = [STRANGER, READER, OWNER]


class Rule(Enum):
    OPEN = "the same for everybody"
    PROMPT = "as visible as its prompt"
    AUTHOR = "as visible as its author's profile"
    OWN = "the author's own area: signed in"
    THING = "the author's own area, and of something: its owner"
    WAY_IN = "signing in and up: for those who are not"
    ACCOUNT = "one's own account: signed in"
    LINK = "whoever has the share link, while it works"


def _nothing(w: World) -> list[Any]:
    return []


@dataclass(frozen=True)
class Row:
    rule: Rule
    args: Callable[[World], list[Any]] = _nothing
    method: str = "get"
    data: dict[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (200,)  # what those who may get


def _of_prompt(w: World) -> list[Any]:
    return [w.prompt.owner.handle, w.prompt.slug]


def _slug(w: World) -> list[Any]:
    return [w.prompt.slug]


def _case(w: World) -> list[Any]:
    return [w.prompt.slug, w.case.public_id]


def _endpoint(w: World) -> list[Any]:
    return [w.endpoint.public_id]


def _batch(w: World) -> list[Any]:
    return [w.batch.public_id]


def _import(w: World) -> list[Any]:
    return [w.import_draft.public_id]


def _link(w: World) -> list[Any]:
    return [w.link.public_id]


DONE = (200, 204, 302, 422)  # a form that was taken, or came back
ELSEWHERE = (200, 302)  # the page, or another of the account's

TABLE = {
    # public
    "home": Row(Rule.OPEN),
    "about_evidence": Row(Rule.OPEN),
    "browse": Row(Rule.OPEN),
    "verify": Row(Rule.OPEN),
    "jwks": Row(Rule.OPEN),
    "healthz": Row(Rule.OPEN),
    "favicon": Row(Rule.OPEN, answers=(302,)),  # to the static file
    "robots": Row(Rule.OPEN),
    "sitemap": Row(Rule.OPEN),
    "profile": Row(Rule.AUTHOR, lambda w: [w.prompt.owner.handle]),
    "profile_card": Row(Rule.AUTHOR, lambda w: [w.prompt.owner.handle]),
    "prompt": Row(Rule.PROMPT, _of_prompt),
    "prompt_card": Row(Rule.PROMPT, _of_prompt),
    "prompt_md": Row(Rule.PROMPT, _of_prompt),
    "prompt_json": Row(Rule.PROMPT, _of_prompt),
    "version": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.version.number]),
    "result": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.result.public_id]),
    "run_record": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.run.public_id]),
    # share links
    "shared": Row(Rule.LINK, lambda w: [w.token]),
    "shared_page": Row(Rule.LINK, lambda w: [w.token, f"{w.prompt.slug}/"]),
    # studio
    "studio": Row(Rule.OWN),
    "studio_prompt_new": Row(Rule.OWN),
    "studio_endpoints": Row(Rule.OWN),
    "studio_endpoint_new": Row(Rule.OWN),
    "studio_runs": Row(Rule.OWN),
    "studio_profile": Row(Rule.OWN),
    "studio_handle": Row(Rule.OWN),
    "studio_account_delete": Row(Rule.OWN),
    "studio_import": Row(Rule.OWN),
    "studio_import_done": Row(Rule.OWN, answers=ELSEWHERE),
    "studio_import_preview": Row(Rule.THING, _import),
    "studio_import_discard": Row(Rule.THING, _import, "post", answers=DONE),
    "studio_prompt": Row(Rule.THING, _slug),
    "studio_prompt_draft": Row(Rule.THING, _slug, "post", {"note": "x"}, DONE),
    "studio_prompt_details": Row(Rule.THING, _slug),
    "studio_prompt_delete": Row(Rule.THING, _slug),
    "studio_version_delete": Row(Rule.THING, lambda w: [w.prompt.slug, w.version.number]),
    "studio_publish": Row(Rule.THING, _slug),
    "studio_cases": Row(Rule.THING, _slug),
    "studio_case_new": Row(Rule.THING, _slug),
    "studio_case": Row(Rule.THING, _case),
    "studio_cases_csv": Row(Rule.THING, _slug),
    "studio_case_copy": Row(Rule.THING, _case, "post", answers=DONE),
    "studio_case_move": Row(Rule.THING, _case, "post", {"step": "up"}, DONE),
    "studio_case_delete": Row(Rule.THING, _case),
    "studio_endpoint": Row(Rule.THING, _endpoint),
    "studio_endpoint_test": Row(Rule.THING, _endpoint, "post", answers=DONE),
    "studio_endpoint_delete": Row(Rule.THING, _endpoint),
    "studio_batch": Row(Rule.THING, _batch),
    "studio_batch_cancel": Row(Rule.THING, _batch, "post", answers=DONE),
    "studio_batch_again": Row(Rule.THING, _batch, "post", answers=DONE),
    "studio_batch_delete": Row(Rule.THING, _batch),
    "studio_run_start": Row(Rule.THING, _slug),
    "studio_paste": Row(Rule.THING, _slug),
    "studio_paste_delete": Row(
        Rule.THING, lambda w: [w.prompt.slug, w.pasted.public_id], "post", answers=DONE
    ),
    "studio_links": Row(Rule.OWN),
    "studio_link_new": Row(Rule.OWN),
    "studio_link": Row(Rule.THING, _link),
    "studio_link_renew": Row(Rule.THING, _link, "post", answers=DONE),
    "studio_link_revoke": Row(Rule.THING, _link, "post", answers=DONE),
    "studio_link_delete": Row(Rule.THING, _link),
    "studio_link_preview": Row(Rule.THING, _link),
    "studio_link_preview_page": Row(Rule.THING, lambda w: [*_link(w), f"{w.prompt.slug}/"]),
    # accounts: before signing in
    "account_login": Row(Rule.WAY_IN),
    "account_signup": Row(Rule.WAY_IN),
    "account_confirm_login_code": Row(Rule.WAY_IN, answers=(302,)),  # only in the middle of signing in
    "mfa_authenticate": Row(Rule.WAY_IN, answers=(302,)),
    "socialaccount_signup": Row(Rule.WAY_IN, answers=(302,)),
    "mfa_login_webauthn": Row(Rule.WAY_IN, answers=(200, 302)),
    # accounts: open to both
    "account_logout": Row(Rule.OPEN, answers=ELSEWHERE),
    "account_inactive": Row(Rule.OPEN),
    "account_email_verification_sent": Row(Rule.OPEN, answers=ELSEWHERE),
    "account_confirm_email": Row(Rule.OPEN, lambda w: ["no-such-key"]),
    "account_reset_password": Row(Rule.OPEN),
    "account_reset_password_done": Row(Rule.OPEN),
    "account_reset_password_from_key": Row(Rule.OPEN, lambda w: ["1", "no-such-key"]),
    "account_reset_password_from_key_done": Row(Rule.OPEN),
    "socialaccount_login_cancelled": Row(Rule.OPEN),
    "socialaccount_login_error": Row(Rule.OPEN, answers=(401,)),
    "github_login": Row(Rule.OPEN, answers=(404,)),  # no GitHub without its keys
    "github_callback": Row(Rule.OPEN, answers=(404,)),
    # accounts: one's own
    "account_email": Row(Rule.ACCOUNT),
    "account_change_password": Row(Rule.ACCOUNT),
    "account_set_password": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "account_reauthenticate": Row(Rule.ACCOUNT),
    "mfa_index": Row(Rule.ACCOUNT),
    "mfa_reauthenticate": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_activate_totp": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_deactivate_totp": Row(Rule.ACCOUNT, answers=(404,)),  # until there is one
    "mfa_view_recovery_codes": Row(Rule.ACCOUNT, answers=(302, 404)),
    "mfa_generate_recovery_codes": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_download_recovery_codes": Row(Rule.ACCOUNT, answers=(302, 404)),
    "mfa_list_webauthn": Row(Rule.ACCOUNT),
    "mfa_add_webauthn": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_reauthenticate_webauthn": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_remove_webauthn": Row(Rule.ACCOUNT, lambda w: [1], answers=(302, 404)),
    "mfa_edit_webauthn": Row(Rule.ACCOUNT, lambda w: [1], answers=(302, 404)),
    "socialaccount_connections": Row(Rule.ACCOUNT),
}


def names(*rules: Rule) -> list[str]:
    return [name for name, row in TABLE.items() if row.rule in rules]


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
    assert not says_nothing(response) or name in ("run_record", "prompt_card")
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
    for name in ("prompt", "prompt_md", "prompt_json"):
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
    assert "quokka-in-the-output" not in ask(viewer, "prompt_json", w).content.decode()
    assert "quokka-in-the-output" not in ask(viewer, "prompt", w).content.decode()


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
    return TITLE in browser(viewer).get(address).content.decode()


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


def locations() -> set[str]:
    """The paths in the sitemap, and in any sitemap it names."""
    root = ET.fromstring(Client().get(reverse("sitemap")).content)
    return {"/" + (e.text or "").split("/", 3)[3] for e in root.iter() if e.tag.endswith("loc")}


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
