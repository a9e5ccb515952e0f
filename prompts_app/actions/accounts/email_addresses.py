"""Whose an e-mail address is: of who confirmed it. Until somebody does, it keeps nobody else from it."""

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from prompts_app.models import User

MOST_LOOKED_AT = 5  # accounts that claim one address; each costs a hash when its password is asked for

UNCONFIRMED_DAYS = 7


def login_of(credentials: dict[str, Any]) -> str:
    """What was typed to say who one is: a handle, or an address, which alone has an @ in it."""
    return str(credentials.get("username") or credentials.get("email") or "").strip()


def accounts_named(login: str) -> list[User]:
    return accounts_at(login) if "@" in login else list(User.objects.filter(username=login.lower()))


def accounts_at(email: str) -> list[User]:
    """Whom ``email`` stands for: who confirmed it; while nobody has, those who signed up with it.

    An address that waits to take another's place stands for nobody: it may be anybody's.
    """
    email = email.lower()
    confirmed = User.objects.filter(emailaddress__email=email, emailaddress__verified=True)
    if found := list(confirmed):
        return found
    claimed = User.objects.filter(email__iexact=email).order_by(F("last_login").desc(nulls_last=True), "-pk")
    # The database may hold more letters to be the same than we do.
    return [user for user in claimed[:MOST_LOOKED_AT] if user.email.lower() == email]


def has_to_be_told(email: str, *, to_owner: bool = False) -> bool:
    """Whether who signs up with ``email`` is told that it has an account.

    Not where mail is set up: the address's owner is told by mail, and nobody else gets to know. Without mail
    there is no other way, or they would end up with a second account whose address can never be confirmed.
    """
    return (to_owner or not settings.EMAIL_SERVER) and EmailAddress.objects.is_verified(email)


def forget_unconfirmed() -> int:
    """Delete accounts that nobody could ever use, since their address was not confirmed in time; how many.

    Their handles are free again, so that mistyped and made-up addresses keep none.
    """
    if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        return 0
    by = timezone.now() - timedelta(days=UNCONFIRMED_DAYS)
    never_in = User.objects.filter(date_joined__lt=by, last_login=None, is_staff=False, is_superuser=False)
    waiting = never_in.filter(emailaddress__verified=False).exclude(emailaddress__verified=True)
    return waiting.filter(prompts=None).delete()[1].get(User._meta.label, 0)


def take_from_others(confirmed: EmailAddress) -> None:
    """Whoever else gave this address, without ever confirming it, has it no longer."""
    others = EmailAddress.objects.filter(email=confirmed.email, verified=False)
    others.exclude(user=confirmed.user_id).delete()
    User.objects.filter(email__iexact=confirmed.email).exclude(pk=confirmed.user_id).update(email="")
