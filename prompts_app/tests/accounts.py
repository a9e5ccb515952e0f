"""How account tests sign up, sign in and read what came back."""

import re
import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from prompts_app.actions.accounts.mail import deliver_mail
from prompts_app.models import User
from prompts_app.models.encryption import decrypt
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD


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


def last_mail() -> EmailMessage:
    """The newest, once what waits is sent."""
    deliver_mail()
    return mail.outbox[-1]


def link_in_mail(part: str) -> str:
    body = str(last_mail().body)
    found = re.search(rf"https?://[^/\s]+(/[^\s]*{part}[^\s]*)", body)
    assert found, body
    return found[1]


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", read_page(response)))


def code_of(user: User) -> str:
    secret = decrypt(Authenticator.objects.get(user=user, type="totp").data["secret"].encode())
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def with_second_step(user: User) -> list[str]:
    """Gives ``user`` an app and recovery codes; the codes."""
    verified(user)
    TOTP.activate(user, generate_totp_secret())
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes
