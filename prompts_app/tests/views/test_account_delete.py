"""``/studio/account/delete/``: names what is lost, asks twice, and leaves nothing."""

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.serializers import serialize
from django.db.models import Sum
from django.test import Client

from prompts_app.models import Draft, Endpoint, ListingCount, Prompt, User
from prompts_app.tests.factories import EndpointFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of
from prompts_app.tests.security.world import MARKS, world

pytestmark = pytest.mark.django_db

PAGE = "/studio/account/delete/"


def delete(client: Client, handle: str = "alice", password: str = PASSWORD) -> Any:
    return client.post(PAGE, {"handle": handle, "password": password})


def test_it_names_what_will_be_lost() -> None:
    world()
    html = read_page(client_of(alice()).get(PAGE))
    for words in (
        "1 prompt with 1 version and 1 case",
        "2 runs with 2 results",
        "1 endpoint with its key",
        "no undo",
    ):
        assert words in html


def test_it_names_nothing_that_is_not_there() -> None:
    html = read_page(client_of(bob()).get(PAGE))
    assert "What will be lost" in html
    assert not {
        f"0 {thing}" for thing in ("prompts", "runs", "endpoints", "share links") if f"0 {thing}" in html
    }


def test_the_practice_endpoint_is_ours_and_is_neither_counted_nor_named() -> None:
    EndpointFactory(owner=bob(), kind=Endpoint.PRACTICE)
    assert "endpoint with" not in read_page(client_of(bob()).get(PAGE))
    EndpointFactory(owner=bob())
    assert "1 endpoint with its key" in read_page(client_of(bob()).get(PAGE))


@pytest.mark.parametrize(
    ("handle", "password", "sentence"),
    [
        ("", PASSWORD, "This field is required"),
        ("alic", PASSWORD, "This is not your handle."),
        ("bob", PASSWORD, "This is not your handle."),
        ("alice", "", "This field is required"),
        ("alice", "wrong", "This is not your password."),
        ("alice\x00", PASSWORD, "Null characters"),
    ],
)
def test_without_the_handle_and_the_password_nothing_is_deleted(
    handle: str, password: str, sentence: str
) -> None:
    world()
    client = client_of(alice())
    response = delete(client, handle, password)
    assert response.status_code == 200
    assert sentence in read_page(response)
    assert Prompt.objects.filter(owner__username="alice").exists()
    assert client.get("/studio/profile/").status_code == 200


def test_an_account_without_a_password_types_its_handle() -> None:
    user = alice()
    user.set_unusable_password()
    user.save()
    client = client_of(user)
    assert 'name="password"' not in read_page(client.get(PAGE))
    client.post(PAGE, {"handle": "@Alice"})
    assert not User.objects.filter(username="alice").exists()


def everything() -> dict[str, int]:
    """How many rows each table has, sessions and what Django keeps about itself apart."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label not in ("sessions", "contenttypes", "auth")
    }


def test_no_row_of_the_account_is_left_anywhere() -> None:
    bob()
    before = everything()
    w = world()
    Draft.objects.create(owner=alice(), key="prompt:new", data={"title": ["Half an idea"]})
    EmailAddress.objects.create(user=alice(), email="alice@example.com", verified=True, primary=True)
    Authenticator.objects.create(user=alice(), type="totp", data={"secret": "s"})
    assert w.run.pk
    assert delete(client_of(alice())).status_code == 302
    # These name nobody; of the handles a hash stays, so that nobody gets them.
    site_wide = {f"prompts_app.{name}" for name in ("Tag", "SigningKey", "GoneHandle", "ListingCount")}
    left = ListingCount.objects.values("given", "term").annotate(left=Sum("n"))
    assert not left.exclude(left=0).exists()
    assert {k: v for k, v in everything().items() if k not in site_wide} == {
        k: v for k, v in before.items() if k not in site_wide
    }
    kept = json.dumps(
        [
            serialize("json", model._default_manager.all())
            for model in apps.get_models()
            if model._meta.app_label != "sessions"
        ]
    )
    assert "alice" not in kept
    assert not [mark for mark in MARKS if mark in kept]


def test_every_public_address_of_it_is_gone_at_once() -> None:
    w = world()
    client = client_of(alice())
    addresses = [
        "/@alice/",
        "/@alicia/",
        "/@alice/notary/",
        "/@alice/notary.md",
        "/@alice/notary.json",
        "/@alice/notary/v1/",
        "/@alice/old-notary/",
        f"/@alice/notary/results/{w.result.public_id}/",
    ]
    assert {client_of(None).get(a).status_code for a in addresses} <= {200, 301}
    delete(client)
    for viewer in (None, bob()):
        for address in addresses:
            assert client_of(viewer).get(address).status_code == 410, address
    assert MARKS[0] not in read_page(client_of(None).get("/prompts/?q=quagga"))


def test_every_browser_is_signed_out() -> None:
    here, there = client_of(alice()), client_of(alice())
    response = delete(here)
    assert response["Location"] == "/"
    for client in (here, there):
        assert client.get("/studio/profile/").status_code == 302
    assert Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD}).status_code == 200


def test_other_people_lose_nothing() -> None:
    world()
    bob()
    delete(client_of(alice()))
    assert User.objects.get(username="bob").profile.name == "Bob Reader"
