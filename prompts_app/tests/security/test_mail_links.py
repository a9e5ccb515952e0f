"""Links in mails and the keys of limits are made of SITE_URL, never of the Host a request came with."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache import cache
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from prompts_app.actions.accounts.mail import deliver_mail
from prompts_app.tests.accounts import sign_in, sign_up, verified, words
from prompts_app.tests.people import PASSWORD, alice

pytestmark = pytest.mark.django_db

HOSTS = ["evil.example", "evil.example:8443", "127.0.0.1:1", "localhost"]


@pytest.fixture(autouse=True)
def any_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://proofs.example"
    cache.clear()


def _forgot(client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "alice@example.com"})


def _forgot_what_never_was(client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})


def _sign_up(client: Client) -> None:
    sign_up(client)


def _sign_up_again(client: Client) -> None:
    sign_up(client, email="alice@example.com")


def _new_address(client: Client) -> None:
    sign_in(client, "alice")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("account_email"), {"action_add": "", "email": "new@example.com"})


def _new_password(client: Client) -> None:
    sign_in(client, "alice")
    new = "another battery staple"
    client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )


WAYS = [_forgot, _forgot_what_never_was, _sign_up, _sign_up_again, _new_address, _new_password]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_every_mail_leads_here_whatever_the_host_header(way: Any, host: str, settings: Any) -> None:
    settings.EMAIL_SERVER = "mail.example.com"
    verified(alice())
    way(Client(headers={"host": host}))
    assert deliver_mail() == 1
    message = mail.outbox[-1]
    said = f"{message.subject} {message.body}"
    assert "proofs.example" in said
    assert set(re.findall(r"https?://[^/\s]+", said)) <= {"https://proofs.example"}
    assert host not in said


def test_every_template_of_a_mail_takes_its_links_from_what_is_made_of_site_url() -> None:
    """A new mail's ``…_url`` is made so by the adapter; anything else of the request's is not used in one."""
    for root in ("account", "mfa", "socialaccount"):
        for path in (django_settings.BASE_DIR / "templates" / root / "email").glob("*.txt"):
            source = get_template(f"{root}/email/{path.name}").template.source  # type: ignore[attr-defined]
            assert "request" not in source, path
            assert "{% url" not in source, path


# --- limits ---


def test_another_port_in_the_host_header_gives_no_further_tries() -> None:
    verified(alice())
    for port in range(5):
        sign_in(
            Client(headers={"host": f"127.0.0.1:{9000 + port}"}, REMOTE_ADDR=f"192.0.2.{port}"),
            "alice",
            "guess",
        )
    response = sign_in(Client(headers={"host": "127.0.0.1:9999"}), "alice")
    assert "Too many failed attempts" in words(response)


def test_the_other_name_of_an_account_gives_no_further_tries() -> None:
    verified(alice())
    names = ["alice", "alice@example.com", "ALICE", "Alice@Example.com", "alice"]
    for number, name in enumerate(names):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), name, "guess")
    for name in ("alice", "alice@example.com"):
        assert "Too many failed attempts" in words(sign_in(Client(), name))


def test_a_reset_password_gives_tries_back_whatever_the_host_header() -> None:
    verified(alice())
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), "alice", "guess")
    client = Client(headers={"host": "localhost:1234"})
    _forgot(client)
    deliver_mail()
    link = re.search(r"https://proofs\.example(\S+reset/key\S+)", str(mail.outbox[-1].body))
    assert link
    new = "another battery staple"
    client.post(client.get(link[1])["Location"], {"password1": new, "password2": new})
    assert sign_in(Client(), "alice", new).status_code == 302
    assert EmailAddress.objects.get(user=alice()).verified
