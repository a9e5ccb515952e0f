"""Public ids: random, never a sequence, so that an address tells nothing about how many there are."""

import secrets

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is read as something else


def public_id() -> str:
    """Twelve characters of 31: about 59 bits, enough that nobody finds one by trying."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))
