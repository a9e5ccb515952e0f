"""Every page allauth can show is ours: one heading, labels, errors tied to fields, nothing inline."""

import re
from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from prompts_app.tests.accounts import (
    sign_in_twice,
    with_second_step,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


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
    well_formed(read_page(Client().get(reverse(name))))


@pytest.mark.parametrize("name", OWN_PAGES)
def test_pages_of_the_account_are_well_formed(name: str) -> None:
    with_second_step(alice())
    client = sign_in_twice("alice")
    well_formed(read_page(client.get(reverse(name))))


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_a_refused_form_sums_up_its_errors_and_ties_each_to_its_field(name: str) -> None:
    html = read_page(Client().post(reverse(name), {}))
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
