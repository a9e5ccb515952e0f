"""Handles: renamed at will, old addresses keep leading, nobody else can take one over."""

from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.accounts.accounts import MOST_FORMER_HANDLES, rename_handle
from prompts_app.engine.errors import Refused
from prompts_app.forms.people import HandleField
from prompts_app.models import FormerHandle, SearchDocument, User
from prompts_app.models.people import HANDLE_PATTERN, RESERVED_HANDLES
from prompts_app.search import reindex
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.urls.public import HandleConverter

pytestmark = pytest.mark.django_db

PAGE = "/studio/account/handle/"


def rename(person: User, handle: str) -> Any:
    return client_of(person).post(PAGE, {"handle": handle})


def test_the_page_warns_that_old_addresses_keep_working() -> None:
    html = read_page(client_of(alice()).get(PAGE))
    assert "Old addresses keep working." in html
    assert 'value="alice"' in html
    assert "/@<b data-handle-preview>alice</b>/" in html  # as it stands without JavaScript


def test_a_new_handle_is_taken_and_the_old_one_kept() -> None:
    assert rename(alice(), "Alice-A").status_code == 302
    user = User.objects.get(username="alice-a")
    assert [former.handle for former in user.former_handles.all()] == ["alice"]


def test_old_profile_addresses_redirect_for_good() -> None:
    rename(alice(), "alice-a")
    response = client_of(bob()).get("/@alice/")
    assert response.status_code == 301
    assert response["Location"] == "/@alice-a/"


def test_two_renames_both_lead_to_the_newest() -> None:
    user = alice()
    rename_handle(user, "alice-a")
    rename_handle(user, "alice-b")
    for old in ("alice", "alice-a"):
        assert client_of(None).get(f"/@{old}/")["Location"] == "/@alice-b/"


def test_one_can_go_back_to_an_own_former_handle() -> None:
    user = alice()
    rename_handle(user, "alice-a")
    rename_handle(user, "alice")
    assert user.handle == "alice"
    assert [former.handle for former in user.former_handles.all()] == ["alice-a"]


@pytest.mark.parametrize(
    ("handle", "sentence"),
    [
        ("alice", "This is your handle already."),
        ("bob", "Somebody has this handle, or had it before."),
        ("BOB", "Somebody has this handle, or had it before."),
        ("bobby", "Somebody has this handle, or had it before."),
        ("admin", "kept for the site itself"),
        ("no", "3 to 30 characters"),
        ("not a handle", "3 to 30 characters"),
        ("", "Choose a handle"),
        ("a\x00b", "Null characters"),
        ("x" * 1_000_000, "3 to 30 characters"),
    ],
)
def test_a_handle_that_cannot_be_had_changes_nothing_and_stays_typed(handle: str, sentence: str) -> None:
    FormerHandle.objects.create(handle="bobby", user=bob())
    response = rename(alice(), handle)
    assert response.status_code == 200
    html = read_page(response)
    assert sentence in html
    if handle.isalpha() and len(handle) < 50:
        assert f'value="{handle}"' in html
    assert User.objects.filter(username="alice").exists()
    assert not alice().former_handles.exists()


def test_nobody_hoards_handles() -> None:
    user = alice()
    for number in range(MOST_FORMER_HANDLES):
        rename_handle(user, f"alice-{number}")
    with pytest.raises(Refused, match="every old one is kept for you"):
        rename_handle(user, "one-more")
    rename_handle(user, "alice")  # going back is always possible


def test_two_who_take_one_handle_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both passed the check before either was saved: the second meets the database's own rule."""
    user = alice()
    bob()
    monkeypatch.setattr(type(User.objects), "has_taken", lambda *args, **kwargs: False)
    with pytest.raises(Refused, match="a moment ago"):
        rename_handle(user, "bob")
    assert user.handle == "alice"
    assert not FormerHandle.objects.exists()


def test_search_finds_the_author_under_the_new_handle() -> None:
    prompt = PromptFactory(owner=alice())
    reindex([prompt])
    rename_handle(alice(), "quagga")
    assert "quagga" in SearchDocument.objects.get(prompt=prompt).author


@given(st.from_regex(rf"\A{HANDLE_PATTERN}\Z").filter(lambda handle: handle not in RESERVED_HANDLES))
def test_every_handle_that_is_taken_has_an_address(handle: str) -> None:
    assert HandleField().clean(handle.upper()) == handle
    assert HandleConverter.regex
    assert reverse("profile", args=[handle]) == f"/@{handle}/"


def test_the_first_parts_of_our_own_addresses_are_reserved() -> None:
    """Not needed while handles stand behind an @, but a mail or a mention reads without it."""
    for word in (
        "admin",
        "api",
        "studio",
        "accounts",
        "prompts",
        "login",
        "signup",
        "static",
        "verify",
        "tags",
    ):
        assert word in RESERVED_HANDLES
