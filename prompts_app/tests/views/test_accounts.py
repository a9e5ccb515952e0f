"""Accounts: signing up, in and out, passwords, addresses, passkeys, second steps."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import allauth
import hypothesis
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import strategies as st

from prompts_app.models import FormerHandle, Profile, User
from prompts_app.tests.people import PASSWORD, alice, bob, client_of
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


def sign_up(client: Client, **changed: str) -> Any:
    data = {"email": "erin@example.com", "username": "erin", "password1": PASSWORD} | changed
    return client.post(reverse("account_signup"), data)


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password} | more)


def is_in(client: Client) -> bool:
    return client.get(reverse("studio_profile")).status_code == 200


def sign_in_twice(handle: str) -> Client:
    """Signed in, and the password given again, as sensitive changes ask for."""
    client = Client()
    sign_in(client, handle)
    if client.session.get("account_login"):
        client.post(reverse("mfa_authenticate"), {"code": code_of(User.objects.get(username=handle))})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def verified(user: User) -> User:
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"primary": True, "verified": True}
    )
    return user


def link_in_mail(part: str) -> str:
    found = re.search(rf"https?://[^/\s]+(/[^\s]*{part}[^\s]*)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


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
    assert 'value="erin@example.com"' in response.content.decode(), "what was typed stays"
    assert not User.objects.filter(email="erin@example.com").exists()


@pytest.mark.parametrize(
    "password", ["short1", "12345678901", "password123", "Erin@example.com", "x\x00" * 9, "x" * 2000]
)
def test_a_weak_or_impossible_password_is_refused(password: str) -> None:
    response = sign_up(Client(), password1=password)
    assert response.status_code == 200
    assert not User.objects.filter(username="erin").exists()
    assert password not in response.content.decode()


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
    assert "Too many failed attempts" in words(sign_in(Client(), "alice"))


def test_too_many_requests_get_our_page(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    Client().get(reverse("account_login"))
    sign_in(Client(), "alice")
    response = sign_in(Client(), "alice")
    assert response.status_code == 429
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
    assert mail.outbox[-1].subject == "Proofsheet: Your password was changed"


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


# --- second steps ---


def code_of(user: User) -> str:
    secret = Authenticator.objects.get(user=user, type="totp").data["secret"]
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_an_app_is_set_up_with_its_qr_code_and_recovery_codes_come_with_it() -> None:
    user = verified(alice())
    client = sign_in_twice("alice")
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = client.session["mfa.totp.secret"]
    assert secret in page
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    response = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    shown = client.get(response["Location"]).content.decode()
    assert all(code in shown for code in codes)
    download = client.get(reverse("mfa_download_recovery_codes"))
    assert download.content.decode().split() == codes
    assert "attachment" in download["Content-Disposition"]


def with_second_step(user: User) -> list[str]:
    """Gives ``user`` an app and recovery codes; the codes."""
    verified(user)
    TOTP.activate(user, generate_totp_secret())
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes


def test_a_password_alone_does_not_sign_in_to_an_account_with_a_second_step() -> None:
    with_second_step(alice())
    client = Client()
    assert sign_in(client, "alice")["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "This code is not right" in words(wrong)
    client.post(reverse("mfa_authenticate"), {"code": code_of(alice())})
    assert is_in(client)


def test_a_recovery_code_signs_in_once() -> None:
    code = with_second_step(alice())[0]
    for expected in (True, False):
        cache.clear()
        client = Client()
        sign_in(client, "alice")
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert is_in(client) == expected


def test_new_recovery_codes_put_the_old_ones_out_of_use() -> None:
    old = with_second_step(alice())
    client = sign_in_twice("alice")
    assert "10 codes you have left stop working" in words(client.get(reverse("mfa_generate_recovery_codes")))
    client.post(reverse("mfa_generate_recovery_codes"))
    new = Authenticator.objects.get(user=alice(), type="recovery_codes").wrap().get_unused_codes()
    assert not set(new) & set(old)


def test_nothing_of_this_before_the_address_is_confirmed() -> None:
    client = Client()
    sign_up(client)
    for page in ("mfa_activate_totp", "mfa_add_webauthn"):
        response = client.get(reverse(page), follow=True)
        assert "Confirm your e-mail address first" in words(response)


def test_a_sensitive_change_asks_again_after_a_while() -> None:
    verified(alice())
    client = client_of(alice())  # signed in, but not just now with a password
    response = client.get(reverse("mfa_activate_totp"))
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    assert "Is it still you?" in words(client.get(response["Location"]))
    goes_on = client.post(response["Location"], {"password": PASSWORD})
    assert goes_on["Location"] == reverse("mfa_activate_totp")


# --- passkeys ---


def test_the_passkey_pages_have_what_the_browser_needs() -> None:
    verified(alice())
    client = sign_in_twice("alice")
    page = client.get(reverse("mfa_add_webauthn")).content.decode()
    assert 'id="js_data"' in page
    assert "webauthn.js" in page
    assert 'data-passkey="add"' in page
    options = Client().get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"}).json()
    assert options["request_options"]["publicKey"]["challenge"]


@pytest.mark.parametrize(
    "credential", ["", "{}", "not json", '{"id": "x\\u0000"}', "[]", "null", "9" * 10_000]
)
def test_a_forged_passkey_signs_nobody_in(credential: str) -> None:
    client = Client()
    response = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert response.status_code == 302
    assert not is_in(client)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "rawId", "type", "response", "userHandle", "clientDataJSON", "signature"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@hypothesis.settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(credential=JSON)
def test_no_answer_of_a_browser_breaks_signing_in(credential: Any) -> None:
    cache.clear()
    client = Client()
    client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
    response = client.post(reverse("mfa_login_webauthn"), {"credential": json.dumps(credential)})
    assert response.status_code == 302
    assert not is_in(client)


def test_a_passkey_is_renamed_and_removed() -> None:
    user = verified(alice())
    key = Authenticator.objects.create(
        user=user, type="webauthn", data={"name": "Old name", "credential": {"clientExtensionResults": {}}}
    )
    client = client_of(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert "Old name" in words(client.get(reverse("mfa_list_webauthn")))
    client.post(reverse("mfa_edit_webauthn", args=[key.pk]), {"name": "Blue key"})
    assert "Blue key" in words(client.get(reverse("mfa_list_webauthn")))
    client.post(reverse("mfa_remove_webauthn", args=[key.pk]))
    assert not Authenticator.objects.filter(pk=key.pk).exists()


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


# --- every page of it is ours ---

OPEN_PAGES = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_inactive",
    "account_email_verification_sent",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
]
OWN_PAGES = [
    "account_email",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "socialaccount_connections",
    "studio_profile",
    "studio_handle",
    "studio_account_delete",
]


def well_formed(html: str) -> None:
    tags = Tags(html)
    assert len(tags.named("h1")) == 1
    assert tags.named("html")[0]["lang"] == "en"
    labelled = {label.get("for") for label in tags.named("label")}
    for kind in ("input", "textarea", "select"):
        for control in tags.named(kind):
            if control.get("type") != "hidden":
                assert control["id"] in labelled, control
                assert "placeholder" not in control
            if control.get("type") in ("password", "email") or control.get("name") == "code":
                assert control.get("autocomplete"), control
    assert not [a for _, a in tags.tags if "style" in a or any(n.startswith("on") for n in a)]
    assert not [s for s in tags.inline_scripts if s.get("type") != "application/json"]
    assert any(
        m.get("name") == "robots" and "noindex" in (m.get("content") or "") for m in tags.named("meta")
    )


@pytest.mark.parametrize("name", OPEN_PAGES)
def test_pages_on_the_way_in_are_well_formed(name: str) -> None:
    well_formed(Client().get(reverse(name)).content.decode())


@pytest.mark.parametrize("name", OWN_PAGES)
def test_pages_of_the_account_are_well_formed(name: str) -> None:
    with_second_step(alice())
    client = sign_in_twice("alice")
    well_formed(client.get(reverse(name)).content.decode())


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_a_refused_form_sums_up_its_errors_and_ties_each_to_its_field(name: str) -> None:
    html = Client().post(reverse(name), {}).content.decode()
    well_formed(html)
    tags = Tags(html)
    ids = {a.get("id") for _, a in tags.tags}
    assert "form-errors" in ids
    wrong = [control for control in tags.named("input") if control.get("aria-invalid") == "true"]
    assert wrong
    for control in wrong:
        assert set((control["aria-describedby"] or "").split()) <= ids


# Templates of allauth no setting of ours can bring up: phones, codes by mail, passkey-only accounts.
NEVER_SHOWN = re.compile(
    r"phone|login_code|confirm_code|_verification_code|reset_code|by_passkey|signup_form|trust|/email\.html"
    r"|base|snippets"
)


def test_no_page_of_allauth_is_left_in_its_own_words() -> None:
    """Fails when an upgrade brings a new page."""
    theirs = Path(allauth.__file__).parent / "templates"
    pages = {
        str(path.relative_to(theirs))
        for folder in ("account", "mfa", "socialaccount")
        for path in (theirs / folder).rglob("*.html")
    }
    ours = Path(settings.BASE_DIR) / "templates"
    assert not {page for page in pages if not (ours / page).exists() and not NEVER_SHOWN.search(page)}
