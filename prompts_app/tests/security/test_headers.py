"""What every answer says to the browser: a strict content security policy, safe cookies, HSTS."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from prompts_app.models import User, Visibility
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, client_of
from prompts_app.tests.security.addresses import TABLE
from prompts_app.tests.security.test_visibility import OWNER, STRANGER, ask
from prompts_app.tests.security.world import Tags, named_urls, world
from prompts_app.tests.workers import database_url

pytestmark = pytest.mark.django_db


def policy(response: Any) -> dict[str, list[str]]:
    directives = [d.split() for d in response.headers["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in directives}


def is_strict(response: Any) -> None:
    """Nothing inline, nothing from elsewhere."""
    said = policy(response)
    assert said["default-src"] == ["'none'"]
    for name in ("script-src", "style-src"):
        assert said[name] == ["'self'"]
    assert said["base-uri"] == said["frame-ancestors"] == said["object-src"] == ["'none'"]
    assert said["form-action"] == ["'self'"]
    assert "unsafe" not in str(said)
    assert "*" not in str(said)


def keeps_to_it(response: Any) -> None:
    """The page has nothing that its own policy would block."""
    if not response.headers.get("Content-Type", "").startswith("text/html") or not response.content:
        return
    tags = Tags(read_page(response))
    for script in tags.inline_scripts:
        assert script.get("type", "text/javascript") in ("application/json", "application/ld+json"), script
    assert not tags.named("style")
    for name, attributes in tags.tags:
        assert "style" not in attributes, (name, attributes)
        assert not [key for key in attributes if key.startswith("on")], (name, attributes)
        for key in ("src", "href", "action", "formaction"):
            assert not (attributes.get(key) or "").strip().lower().startswith("javascript:")
    for name in ("script", "img", "iframe"):
        for attributes in tags.named(name):
            assert not (attributes.get("src") or "").startswith(("http:", "https:", "//"))
    for link in tags.named("link"):
        if link.get("rel") in ("stylesheet", "icon"):
            assert (link.get("href") or "").startswith("/")


KEPT_BY_ALL = {"favicon"}  # leads to a static file


@pytest.mark.parametrize("viewer", [STRANGER, OWNER])
@pytest.mark.parametrize("name", TABLE)
def test_every_page_has_a_strict_policy_keeps_to_it_and_says_who_may_keep_it(name: str, viewer: str) -> None:
    response = ask(viewer, name, world(Visibility.PUBLIC))
    is_strict(response)
    keeps_to_it(response)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    by_link = name.startswith("shared") or ("link_preview" in name and viewer == OWNER)
    assert response.headers["Referrer-Policy"] == ("no-referrer" if by_link else "same-origin")
    said = response.headers["Cache-Control"]
    assert viewer == STRANGER or "public" not in said or name in KEPT_BY_ALL, said


@pytest.mark.parametrize(
    "address", ["/no-such-page", "/@nobody/", "/@alice/none/", "/%00", "/studio/prompts/none/"]
)
def test_error_pages_too(address: str) -> None:
    response = client_of(alice()).get(address)
    assert response.status_code == 404
    is_strict(response)
    keeps_to_it(response)


def signed_in_again() -> Client:
    """Alice, who has just given her password again, so that no page sends her to do so."""
    cache.clear()
    user = alice()
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    client = client_of(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn", "account_email"])
def test_pages_behind_the_second_look_too(name: str) -> None:
    response = signed_in_again().get(reverse(name))
    assert response.status_code == 200
    is_strict(response)
    keeps_to_it(response)


def test_the_admin_keeps_to_the_policy() -> None:
    w = world()
    staff = User.objects.create_superuser(username="operator", email="o@example.com", password=PASSWORD)
    client = client_of(staff)
    addresses = [reverse("admin:index")]
    for name in named_urls():
        if name.startswith("admin:") and name.endswith(("_changelist", "_add")):
            addresses.append(reverse(name))
    for row in (w.prompt, w.version, w.run, w.result, w.endpoint, w.prompt.owner):
        addresses.append(reverse(f"admin:prompts_app_{row._meta.model_name}_change", args=[row.pk]))
    for address in addresses:
        response = client.get(address)
        assert response.status_code in (200, 403), address
        is_strict(response)
        keeps_to_it(response)


@pytest.mark.slow
def test_github_may_be_posted_to_only_where_it_is_set_up() -> None:
    said = in_production(PROBE, GITHUB_CLIENT_ID="id", GITHUB_CLIENT_SECRET="s", BEHIND_PROXY="1")
    assert "form-action 'self' https://github.com" in said["csp"]


@pytest.mark.slow
def test_rate_limits_count_visitors_not_the_proxy_in_front() -> None:
    said = in_production(PROBE, GITHUB_CLIENT_ID="id", GITHUB_CLIENT_SECRET="s", BEHIND_PROXY="1")
    assert said["visitor"] == "203.0.113.7"
    assert in_production(PROBE)["visitor"] == "127.0.0.1", "without a proxy the header is anybody's claim"


# --- production ---

PROBE = """
import json, django
django.setup()
from django.conf import settings
from allauth.core.internal.httpkit import get_client_ip
from django.test import Client, RequestFactory
# Compressed static files take half a minute to make, and no header depends on them.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
plain = Client().get("/accounts/login/", headers={"host": "proofs.example"})
page = Client().get("/accounts/login/", secure=True, headers={"host": "proofs.example"})
print(json.dumps({
    "plain": [plain.status_code, plain.headers.get("Location")],
    "status": page.status_code,
    "hsts": page.headers.get("Strict-Transport-Security"),
    "csp": page.headers.get("Content-Security-Policy"),
    "cookies": {name: dict(morsel) for name, morsel in page.cookies.items()},
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE,
                settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE],
    "visitor": get_client_ip(RequestFactory().get("/", headers={"x-forwarded-for": "1.1.1.1, 203.0.113.7"})),
    "other_host": Client().get("/healthz", secure=True, headers={"host": "evil.example"}).status_code,
}))
"""


def production(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a server on the internet, and nothing of this one's."""
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if k in os.environ}
    return (
        kept
        | {
            "DJANGO_SETTINGS_MODULE": "portfolio.settings",
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": database_url(),  # of which these pages read nothing but that its tables are there
            "SITE_URL": "https://proofs.example",
            "EMAIL_HOST": "mail.proofs.example",
            "SECRET_KEY": "a-key-of-fifty-characters-or-more-0123456789-abcdefgh",
        }
        | more
    )


_asked: dict[str, dict[str, Any]] = {}


def in_production(probe: str, **more: str) -> dict[str, Any]:
    """What ``probe`` prints, run in a process with production settings; asked once for each setting."""
    key = json.dumps(more)
    if key not in _asked:
        _asked[key] = json.loads(_run(probe, **more))
    return _asked[key]


def _run(probe: str, **more: str) -> str:
    with tempfile.TemporaryDirectory() as data_dir:
        done = subprocess.run(
            [sys.executable, "-c", probe],
            cwd=settings.BASE_DIR,
            env=production(Path(data_dir), **more),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_over_plain_http_one_is_sent_to_https() -> None:
    assert in_production(PROBE)["plain"] == [301, "https://proofs.example/accounts/login/"]


@pytest.mark.slow
def test_https_is_remembered_for_a_year() -> None:
    said = in_production(PROBE)
    assert said["status"] == 200
    assert said["hsts"] == "max-age=31536000; includeSubDomains; preload"


@pytest.mark.slow
def test_cookies_are_bound_to_this_host_and_to_https() -> None:
    said = in_production(PROBE)
    assert said["session"] == ["__Host-sessionid", True, True, "Lax"]
    cookie = said["cookies"]["__Host-csrftoken"]
    assert cookie["secure"] is True
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


@pytest.mark.slow
def test_other_hosts_are_not_answered() -> None:
    assert in_production(PROBE)["other_host"] == 400


# --- who may keep an answer ---


def test_what_is_not_there_yet_is_not_remembered_as_missing() -> None:
    assert Client().get("/@nobody/nothing/").headers["Cache-Control"] == "private, no-store"


def test_what_was_typed_to_be_verified_is_there_on_the_way_back() -> None:
    assert Client().get(reverse("verify")).headers["Cache-Control"] == "private, no-cache"
