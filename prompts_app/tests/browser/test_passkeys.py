"""Passkeys in a real browser with a virtual authenticator: added, used, named, removed."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from prompts_app.tests.browser.conftest import Site

PASSWORD = "correct horse battery staple"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def home(site: Site) -> str:
    """The site by a name: a browser makes no passkey for a numeric address."""
    return site.url.replace("127.0.0.1", "localhost")


def with_device(page: Page) -> Page:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return page


def sign_up(page: Page, home: str, handle: str, site: Site) -> None:
    """A new account whose address is confirmed."""
    page.goto(f"{home}/accounts/signup/")
    page.get_by_label("E-mail").fill(f"{handle}@example.com")
    page.get_by_label("Handle").fill(handle)
    expect(page.locator("[data-handle-preview]")).to_have_text(handle)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url(f"{home}/studio/")
    confirm = (
        "from allauth.account.models import EmailAddress as E; "
        f"E.objects.filter(email='{handle}@example.com').update(verified=True)"
    )
    done = site.manage("shell", "-c", confirm)
    assert done.returncode == 0, done.stderr


def add_passkey(page: Page, home: str) -> None:
    page.goto(f"{home}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add this passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    expect(page.locator("#recovery-codes")).to_have_text(re.compile(r"^(\w+\s+){9}\w+$"))


def sign_out(page: Page, home: str) -> None:
    page.goto(f"{home}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_passkey_is_added_and_signs_in_alone(new_page: Any, home: str, site: Site) -> None:
    page = with_device(new_page())
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    sign_up(page, home, "passkey-ann", site)
    add_passkey(page, home)
    sign_out(page, home)
    page.goto(f"{home}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{home}/studio/")
    page.goto(f"{home}/accounts/2fa/webauthn/")
    expect(page.get_by_role("table")).to_contain_text("Blue key")
    expect(page.get_by_role("table")).to_contain_text("alone")
    assert not errors


def test_a_password_then_asks_for_the_passkey(new_page: Any, home: str, site: Site) -> None:
    page = with_device(new_page())
    sign_up(page, home, "passkey-ben", site)
    add_passkey(page, home)
    sign_out(page, home)
    page.goto(f"{home}/accounts/login/")
    page.get_by_label("E-mail or handle").fill("passkey-ben")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{home}/studio/")


def test_a_passkey_is_renamed_and_removed(new_page: Any, home: str, site: Site) -> None:
    page = with_device(new_page())
    sign_up(page, home, "passkey-cat", site)
    add_passkey(page, home)
    page.goto(f"{home}/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Rename Blue key").click()
    page.get_by_label("Name").fill("Red key")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Remove Red key").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_a_refused_passkey_says_what_happened(page: Page, home: str) -> None:
    page.goto(f"{home}/accounts/login/")
    refuse = "() => Promise.reject(new DOMException('', 'NotAllowedError'))"
    page.evaluate(f"() => {{ navigator.credentials.get = {refuse}; }}")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-said")).to_contain_text("cancelled, or it took too long")


def test_by_a_numeric_address_the_page_says_to_use_the_name(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-said")).to_contain_text("localhost in place of 127.0.0.1")
