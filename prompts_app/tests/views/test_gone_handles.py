"""Handles are never given to somebody else; the addresses of an account that is gone answer 410."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from prompts_app.actions.accounts.accounts import rename_handle
from prompts_app.actions.accounts.deletion import delete_account
from prompts_app.engine.errors import Refused
from prompts_app.models import FormerHandle, GoneHandle, Profile, User, Visibility
from prompts_app.tests.accounts import sign_up, words
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.addresses import TABLE, Rule, names
from prompts_app.tests.security.world import World, world

pytestmark = pytest.mark.django_db

UNDER_A_HANDLE = names(Rule.PROMPT, Rule.AUTHOR)


def addresses(w: World, *, of: str = "alice") -> list[str]:
    found = [reverse(name, args=TABLE[name].args(w)) for name in UNDER_A_HANDLE]
    under = [address for address in found if address.startswith("/@alice/")]
    assert len(under) > 15
    more = ["/@alice/", "/@ALICE/", "/@alice/never-a-prompt/", "/@alice/no/such/page/at/all"]
    return [address.replace("/@alice/", f"/@{of}/") for address in [*under, *more]]


def free(handle: str) -> str:
    out = StringIO()
    call_command("free_handle", handle, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("visibility", [Profile.Visibility.PUBLIC, Profile.Visibility.UNLISTED])
def test_every_address_of_an_account_that_is_gone_says_so(visibility: str) -> None:
    w = world(profile=visibility)
    asked = addresses(w)
    delete_account(alice())
    for address in asked:
        for client in (Client(), client_of(bob())):
            response = client.get(address)
            assert response.status_code == 410, address
            assert "No longer here" in words(response)


def test_of_an_account_that_was_private_nothing_is_said() -> None:
    """A stranger saw 404 there before, and sees it after: neither that it was there nor that it left."""
    w = world(profile=Profile.Visibility.PRIVATE)
    asked = addresses(w)
    before = [Client().get(address).status_code for address in asked]
    delete_account(alice())
    assert [Client().get(address).status_code for address in asked] == before
    assert set(before) == {404}
    assert "or had it before" in words(sign_up(Client(), username="alice")), "but nobody gets it"


def test_of_an_account_that_was_switched_off_nothing_is_said() -> None:
    User.objects.filter(pk=alice().pk).update(is_active=False)
    delete_account(alice())
    assert Client().get("/@alice/").status_code == 404


def test_a_private_prompt_of_a_public_account_answers_like_one_that_never_was() -> None:
    w = world(Visibility.PRIVATE)
    delete_account(alice())
    private, never = (Client().get(f"/@alice/{slug}/") for slug in (w.prompt.slug, "never-was"))
    assert private.status_code == never.status_code == 410
    assert words(private) == words(never)


def test_handles_nobody_had_are_not_found() -> None:
    delete_account(alice())
    for address in ("/@alicia/", "/@alice-a/", "/@al/", "/alice/", "/@bob/x/"):
        assert Client().get(address).status_code == 404


@pytest.mark.parametrize("handle", ["alice", "ALICE", " Alice "])
def test_nobody_can_sign_up_with_a_handle_that_is_gone(handle: str) -> None:
    delete_account(alice())
    assert "or had it before" in words(sign_up(Client(), username=handle))
    assert not User.objects.filter(username="alice").exists()


def test_nobody_can_rename_themselves_to_it() -> None:
    delete_account(alice())
    with pytest.raises(Refused, match="or had it before"):
        rename_handle(bob(), "alice")


def test_former_handles_lead_on_while_their_owner_is_there_and_are_gone_with_them() -> None:
    rename_handle(alice(), "alice-a")
    owner = User.objects.get(username="alice-a")
    assert Client().get("/@alice/")["Location"] == "/@alice-a/"
    delete_account(owner)
    for handle in ("alice", "alice-a"):
        assert Client().get(f"/@{handle}/").status_code == 410
        assert User.objects.has_taken(handle)
    assert not FormerHandle.objects.exists()


def test_the_handle_itself_is_kept_nowhere() -> None:
    delete_account(alice())
    row = GoneHandle.objects.values().get()
    assert "alice" not in str(row)


def test_an_account_deleted_in_any_other_way_keeps_its_handle_too() -> None:
    alice().delete()
    assert User.objects.has_taken("alice")


def test_new_secrets_of_the_server_free_no_handle(settings: object) -> None:
    delete_account(alice())
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    settings.SECRET_KEY_FALLBACKS = []  # type: ignore[attr-defined]
    settings.ENDPOINT_KEYS = []  # type: ignore[attr-defined]
    assert User.objects.has_taken("alice")
    assert Client().get("/@alice/").status_code == 410


# --- the operator ---


def test_the_operator_frees_a_handle_that_is_gone() -> None:
    delete_account(alice())
    assert "Anybody may take it now" in free("@Alice")
    assert Client().get("/@alice/").status_code == 404
    assert sign_up(Client(), username="alice").status_code == 302


def test_the_operator_frees_a_handle_that_was_given_up() -> None:
    rename_handle(alice(), "alice-a")
    assert "was kept for @alice-a" in free("alice")
    assert sign_up(Client(), username="alice").status_code == 302


@pytest.mark.parametrize(("handle", "why"), [("bob", "somebody's handle now"), ("nobody", "so it is free")])
def test_a_handle_in_use_or_never_used_is_not_freed(handle: str, why: str) -> None:
    bob()
    with pytest.raises(CommandError, match=why):
        free(handle)


def test_the_delete_page_says_what_becomes_of_the_handle() -> None:
    html = words(client_of(alice()).get("/studio/account/delete/"))
    assert "nobody gets it from then on" in html
