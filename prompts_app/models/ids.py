"""Public ids: random, never a sequence, so that an address tells nothing about how many there are."""

import secrets

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is read as something else
_LENGTH = 12


def public_id() -> str:
    """Twelve characters of 31: about 59 bits, enough that nobody finds one by trying."""
    # Drawn at once: a run makes thousands, and each look at the system's randomness lets other threads in.
    number, letters = secrets.randbelow(len(_ALPHABET) ** _LENGTH), []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)
