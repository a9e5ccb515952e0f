"""Secrets at rest: encrypted with the first of ENDPOINT_KEYS, readable with any of them."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from prompts_app.engine.errors import RefusedKind


class KeyUnreadable(RefusedKind):
    """A stored secret was encrypted with a key this server no longer has."""

    code = "key_unreadable"


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENDPOINT_KEYS])


def encrypt(secret: str) -> bytes:
    return _fernet().encrypt(secret.encode())


def decrypt(stored: bytes | memoryview) -> str:
    """Raises KeyUnreadable."""
    try:
        return _fernet().decrypt(bytes(stored)).decode()
    except InvalidToken:
        raise KeyUnreadable(
            "The stored key cannot be read: this server’s encryption keys have changed. Type the key again."
        ) from None


def reencrypt(stored: bytes | memoryview) -> bytes:
    """The same secret under the first key. Raises KeyUnreadable."""
    try:
        return _fernet().rotate(bytes(stored))
    except InvalidToken:
        raise KeyUnreadable("A stored key cannot be read with any of ENDPOINT_KEYS.") from None
