"""Rotating what secrets are encrypted with."""

from contextlib import suppress
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction

from prompts_app.models import Endpoint, KeyUnreadable, QueuedMail, SigningKey
from prompts_app.models.encryption import reencrypt


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many secrets were encrypted again, and the owners of those that no known key opens."""

    endpoints: int
    signing_keys: int
    second_steps: int
    unreadable: tuple[str, ...]


@transaction.atomic
def rotate_keys() -> Rotation:
    """Every stored secret under the first of ENDPOINT_KEYS, all or nothing; afterwards the others may go.

    An endpoint key that cannot be read is left as it is and named: its owner has to type it again. A signing
    key that cannot be read raises KeyUnreadable, because losing one is worth stopping for.
    """
    done, unreadable = 0, []
    for endpoint in Endpoint.objects.select_for_update().select_related("owner").order_by("pk"):
        if not endpoint.has_key:
            continue
        try:
            endpoint.encrypted_key = reencrypt(endpoint.encrypted_key)
        except KeyUnreadable:
            unreadable.append(f"@{endpoint.owner.handle}: {endpoint.name}")
            continue
        endpoint.save(update_fields=["encrypted_key"])
        done += 1
    for mail in QueuedMail.objects.select_for_update():
        with suppress(KeyUnreadable):  # then it cannot be sent either, and is given up in its time
            mail.sealed = reencrypt(mail.sealed)
            mail.save(update_fields=["sealed"])
    steps, lost = _rotate_second_steps()
    return Rotation(done, _rotate_signing_keys(), steps, (*unreadable, *lost))


def _rotate_second_steps() -> tuple[int, list[str]]:
    """The secrets of authenticator apps and recovery codes."""
    done, unreadable = 0, []
    for step in Authenticator.objects.select_for_update().select_related("user").order_by("pk"):
        name = next((name for name in ("secret", "seed") if name in step.data), None)
        if name is None:
            continue
        try:
            step.data[name] = reencrypt(step.data[name].encode("ascii")).decode("ascii")
        except KeyUnreadable:
            unreadable.append(f"@{step.user.handle}: {step.get_type_display()}")
            continue
        step.save(update_fields=["data"])
        done += 1
    return done, unreadable


def _rotate_signing_keys() -> int:
    keys = list(SigningKey.objects.select_for_update())
    for key in keys:
        key.encrypted_jwk = reencrypt(key.encrypted_jwk)
        key.save(update_fields=["encrypted_jwk"])
    return len(keys)
