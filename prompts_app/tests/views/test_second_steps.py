"""More than a password: authenticator apps, recovery codes, passkeys, and being asked again."""

import json
import time
from typing import Any

import hypothesis
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from hypothesis import strategies as st

from prompts_app.tests.accounts import (
    code_of,
    is_in,
    sign_in,
    sign_in_twice,
    sign_up,
    verified,
    with_second_step,
    words,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


# --- second steps ---


def test_an_app_is_set_up_with_its_qr_code_and_recovery_codes_come_with_it() -> None:
    user = verified(alice())
    client = sign_in_twice("alice")
    page = read_page(client.get(reverse("mfa_activate_totp")))
    assert 'src="data:image/svg+xml;base64,' in page
    secret = client.session["mfa.totp.secret"]
    assert secret in page
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    response = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    shown = read_page(client.get(response["Location"]))
    assert all(code in shown for code in codes)
    download = client.get(reverse("mfa_download_recovery_codes"))
    assert read_page(download).split() == codes
    assert "attachment" in download["Content-Disposition"]


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
    page = read_page(client.get(reverse("mfa_add_webauthn")))
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
