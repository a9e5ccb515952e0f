"""Rotating what secrets are encrypted with."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from prompts_app.models import Endpoint, KeyUnreadable, SigningKey
from prompts_app.models.encryption import reencrypt


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many secrets were encrypted again, and the endpoints whose key no known key opens."""

    endpoints: int
    signing_keys: int
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
    return Rotation(done, _rotate_signing_keys(), tuple(unreadable))


def _rotate_signing_keys() -> int:
    keys = list(SigningKey.objects.select_for_update())
    for key in keys:
        key.encrypted_jwk = reencrypt(key.encrypted_jwk)
        key.save(update_fields=["encrypted_jwk"])
    return len(keys)
