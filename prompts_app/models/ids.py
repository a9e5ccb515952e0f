"""Public ids: random, never a sequence, so that an address tells nothing about how many there are."""

import secrets

from django.utils.crypto import salted_hmac

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is read as something else
_LENGTH = 12


def public_id() -> str:
    """Twelve characters of 31: about 59 bits, enough that nobody finds one by trying."""
    # Drawn at once: a run makes thousands, and each look at the system's randomness lets other threads in.
    return _spelled(secrets.randbelow(len(_ALPHABET) ** _LENGTH))


def public_id_of(what: str, pk: int) -> str:
    """The same for the same thing, and told by nothing: of a row that is named before it is there."""
    digest = salted_hmac(f"public_id.{what}", str(pk), algorithm="sha256").digest()
    return _spelled(int.from_bytes(digest) % len(_ALPHABET) ** _LENGTH)


def _spelled(number: int) -> str:
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)
