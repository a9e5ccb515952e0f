"""The three people of every test: Alice owns, Bob reads, Charlie is a stranger with no account.

A fourth, Dana, is another author: what is hers must not show up among Alice's.
"""

from typing import cast

from django.test import Client

from prompts_app.models import User
from prompts_app.tests.factories import PersonFactory

PASSWORD = "correct horse battery staple"


def person(handle: str, **profile: object) -> User:
    """The person with this handle, made on the first call; can sign in with PASSWORD."""
    user = User.objects.filter(username=handle).first()
    if user is None:
        user = cast(User, PersonFactory(username=handle, **{f"profile__{k}": v for k, v in profile.items()}))
        user.set_password(PASSWORD)
        user.save()
    return user


def alice() -> User:
    return person("alice", name="Alice Author")


def bob() -> User:
    return person("bob", name="Bob Reader")


def dana() -> User:
    return person("dana", name="Dana Author")


def client_of(user: User | None) -> Client:
    """A signed-in browser; a stranger's for None (Charlie)."""
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
