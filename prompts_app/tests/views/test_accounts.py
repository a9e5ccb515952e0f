"""Accounts: signing up, in and out, passwords, addresses, passkeys, second steps."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from prompts_app.models import FormerHandle, Profile, User
from prompts_app.tests.accounts import (
    is_in,
    last_mail,
    link_in_mail,
    sign_in,
    sign_in_twice,
    sign_up,
    verified,
    words,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


# --- signing up ---


def test_a_new_account_has_its_handle_a_profile_and_is_signed_in() -> None:
    client = Client()
    response = sign_up(client)
    assert response.status_code == 302
    erin = User.objects.get(username="erin")
    assert erin.profile.visibility == Profile.Visibility.PUBLIC
    assert is_in(client)


def test_a_confirmation_is_sent_and_its_link_confirms() -> None:
    client = Client()
    sign_up(client)
    link = link_in_mail("confirm-email")
    assert "erin@example.com" in words(client.get(link))
    client.post(link)
    assert EmailAddress.objects.get(email="erin@example.com").verified


def test_capitals_in_a_handle_become_small_letters() -> None:
    sign_up(Client(), username=" Erin ")
    assert User.objects.filter(username="erin").exists()


@pytest.mark.parametrize(
    ("handle", "sentence"),
    [
        ("er", "3 to 30 characters"),
        ("e" * 31, "3 to 30 characters"),
        ("er in", "3 to 30 characters"),
        ("erin_x", "3 to 30 characters"),
        ("-erin", "3 to 30 characters"),
        ("erin-", "3 to 30 characters"),
        ("er--in", "3 to 30 characters"),
        ("érin", "3 to 30 characters"),
        ("erin\u200b", "3 to 30 characters"),
        ("\u202eerin", "3 to 30 characters"),
        ("erin\n", ""),  # trimmed
        ("er\x00in", "Null characters"),
        ("Admin", "kept for the site itself"),
        ("studio", "kept for the site itself"),
        ("api", "kept for the site itself"),
        ("ALICE", "Somebody has this handle"),
        ("alicia", "Somebody has this handle, or had it before"),
        ("", "Choose a handle"),
        ("x" * 1_000_000, "3 to 30 characters"),
    ],
)
def test_a_handle_that_cannot_be_had_is_refused_with_a_sentence(handle: str, sentence: str) -> None:
    FormerHandle.objects.create(handle="alicia", user=alice())
    response = sign_up(Client(), username=handle)
    if not sentence:
        assert response.status_code == 302
        return
    assert response.status_code == 200
    assert sentence in words(response)
    assert 'value="erin@example.com"' in read_page(response), "what was typed stays"
    assert not User.objects.filter(email="erin@example.com").exists()


@pytest.mark.parametrize(
    "password", ["short1", "12345678901", "password123", "Erin@example.com", "x\x00" * 9, "x" * 2000]
)
def test_a_weak_or_impossible_password_is_refused(password: str) -> None:
    response = sign_up(Client(), password1=password)
    assert response.status_code == 200
    assert not User.objects.filter(username="erin").exists()
    assert password not in read_page(response)


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "erin@exa\x00mple.com", "x" * 300 + "@example.com"])
def test_an_address_that_is_none_is_refused(email: str) -> None:
    assert sign_up(Client(), email=email).status_code == 200
    assert not User.objects.filter(username="erin").exists()


def test_an_address_with_an_account_is_told_to_sign_in() -> None:
    verified(alice())
    response = sign_up(Client(), email="ALICE@example.com")
    assert "has an account already" in words(response)


def test_two_who_take_one_handle_at_the_same_moment_get_a_sentence(monkeypatch: Any) -> None:
    """Both passed the check before either was saved: the second meets the database's own rule."""
    monkeypatch.setattr(type(User.objects), "has_taken", lambda *args, **kwargs: False)
    alice()
    response = sign_up(Client(), username="alice")
    assert response.status_code == 302
    assert response["Location"] == reverse("account_signup")


def test_signing_up_can_be_closed(settings: Any) -> None:
    settings.SIGNUP_OPEN = False
    assert "takes no new accounts" in words(Client().get(reverse("account_signup")))
    sign_up(Client())
    assert not User.objects.filter(username="erin").exists()


@pytest.mark.parametrize("make", [User.objects.create_user, User.objects.create_superuser])
def test_every_way_to_make_an_account_makes_its_profile(make: Any) -> None:
    erin = make(username="Erin", email="erin@example.com", password=PASSWORD)
    assert erin.profile.pk
    assert erin.username == "erin"


# --- signing in and out ---


@pytest.mark.parametrize("login", ["alice", "ALICE", " alice ", "alice@example.com", "Alice@Example.com"])
def test_signing_in_by_handle_or_address(login: str) -> None:
    verified(alice())
    client = Client()
    assert sign_in(client, login).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize(
    "login", ["alice", "nobody", "alice@example.com", "nobody@example.com", "a\x00", "x" * 100_000, ""]
)
def test_a_wrong_sign_in_says_the_same_whoever_it_names(login: str) -> None:
    verified(alice())
    client = Client()
    response = sign_in(client, login, "not the password")
    assert response.status_code == 200
    assert not is_in(client)
    if login and "\x00" not in login:
        assert "do not belong together" in words(response)


def test_guessing_is_slowed_down() -> None:
    alice()
    for _ in range(5):
        sign_in(Client(), "alice", "guess")
    refused = sign_in(Client(), "alice")
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    assert "Too many failed attempts. Wait five minutes" in words(refused)
    assert 'value="alice"' in refused.content.decode()


def test_too_many_requests_get_our_page(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    Client().get(reverse("account_login"))
    sign_in(Client(), "alice")
    response = sign_in(Client(), "alice")
    assert (response.status_code, response["Retry-After"]) == (429, "300")
    assert "Too many tries" in words(response)


@pytest.mark.parametrize("next_page", ["/studio/account/handle/", "https://evil.example/", "//evil.example/"])
def test_after_signing_in_one_is_where_one_wanted_to_be_on_this_site_only(next_page: str) -> None:
    alice()
    response = sign_in(Client(), "alice", next=next_page)
    assert response["Location"] == (next_page if next_page.startswith("/studio") else reverse("studio"))


def test_an_account_that_is_switched_off_is_told_so_and_stays_out() -> None:
    user = alice()
    inside = client_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    client = Client()
    assert "switched off" in words(client.get(sign_in(client, "alice")["Location"]))
    assert not is_in(client)
    assert not is_in(inside), "open browsers are out at once"


def test_signing_out_asks_first_and_then_is_out() -> None:
    client = client_of(alice())
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_in(client)
    assert client.post(reverse("account_logout"))["Location"] == reverse("home")
    assert not is_in(client)


# --- passwords ---


def test_a_forgotten_password_is_reset_by_mail() -> None:
    verified(alice())
    client = Client()
    client.post(reverse("account_reset_password"), {"email": "alice@example.com"})
    link = link_in_mail("password/reset/key")
    form = client.get(link)
    new = "another battery staple"
    client.post(form["Location"], {"password1": new, "password2": new})
    assert sign_in(Client(), "alice", new).status_code == 302
    assert "used already" in words(client.get(link))


def test_asking_for_a_reset_does_not_tell_who_has_an_account() -> None:
    verified(alice())
    answers = [
        Client().post(reverse("account_reset_password"), {"email": email})
        for email in ("alice@example.com", "nobody@example.com")
    ]
    assert {(a.status_code, a["Location"]) for a in answers} == {
        (302, reverse("account_reset_password_done"))
    }


def test_where_mail_goes_is_said_only_where_it_goes_to_the_terminal(settings: Any) -> None:
    sentence = "This server prints its mail on the terminal it was started from."
    page = reverse("account_reset_password")
    settings.LOCAL, settings.EMAIL_SERVER = True, ""
    assert sentence in words(Client().get(page))
    settings.EMAIL_SERVER = "mail.example.com"
    assert sentence not in words(Client().get(page))
    settings.LOCAL, settings.EMAIL_SERVER = False, ""
    assert sentence not in words(Client().get(page))


def test_changing_the_password_signs_out_other_browsers_and_tells_by_mail() -> None:
    verified(alice())
    here, there = Client(), Client()
    sign_in(here, "alice")
    sign_in(there, "alice")
    new = "another battery staple"
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post(reverse("account_change_password"), data).status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert last_mail().subject == "Proofsheet: Your password was changed"


def test_a_wrong_current_password_changes_nothing() -> None:
    client = client_of(alice())
    data = {"oldpassword": "wrong", "password1": "another battery", "password2": "another battery"}
    assert "not your current password" in words(client.post(reverse("account_change_password"), data))
    assert User.objects.get(username="alice").check_password(PASSWORD)


# --- address ---


def test_a_new_address_counts_once_it_is_confirmed() -> None:
    verified(alice())
    client = sign_in_twice("alice")
    client.post(reverse("account_email"), {"action_add": "", "email": "new@example.com"})
    assert User.objects.get(username="alice").email == "alice@example.com"
    client.post(link_in_mail("confirm-email"))
    assert User.objects.get(username="alice").email == "new@example.com"
    assert not EmailAddress.objects.filter(email="alice@example.com").exists()


def test_somebody_elses_address_cannot_be_taken() -> None:
    verified(alice())
    verified(bob())
    client = Client()
    sign_in(client, "bob")
    response = client.post(reverse("account_email"), {"action_add": "", "email": "alice@example.com"})
    assert response.status_code in (200, 302)
    assert not EmailAddress.objects.filter(user=bob(), email="alice@example.com", verified=True).exists()


# --- GitHub ---


def test_github_is_offered_only_where_the_operator_set_its_keys(settings: Any) -> None:
    pages = [reverse("account_login"), reverse("account_signup")]
    for page in pages:
        assert "GitHub" not in words(Client().get(page))
    settings.GITHUB_CLIENT_ID = "id"
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [{"client_id": "id", "secret": "s"}]}}
    for page in pages:
        assert "with GitHub" in words(Client().get(page))
    response = Client().post(reverse("github_login"))
    assert response["Location"].startswith("https://github.com/login/oauth/authorize")


def test_somebody_who_comes_from_github_chooses_a_handle(settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [{"client_id": "id", "secret": "s"}]}}
    client = Client()
    session = client.session
    request = RequestFactory().get("/")
    person = SocialLogin(
        provider=get_adapter().get_provider(request, "github"),
        user=User(username="Erin_X", email="erin@example.com"),
        account=SocialAccount(provider="github", uid="1", extra_data={"login": "Erin_X"}),
        email_addresses=[EmailAddress(email="erin@example.com", verified=True, primary=True)],
    )
    session["socialaccount_sociallogin"] = person.serialize()
    session.save()
    page = client.get(reverse("socialaccount_signup"))
    assert "Choose your handle" in words(page)
    data = {"email": "erin@example.com", "username": "Erin_X"}
    assert "3 to 30 characters" in words(client.post(reverse("socialaccount_signup"), data))
    client.post(reverse("socialaccount_signup"), data | {"username": "erin-x"})
    assert User.objects.get(username="erin-x").profile.pk
    assert is_in(client)
