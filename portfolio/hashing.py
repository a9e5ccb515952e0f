"""Passwords are hashed one after the other in each process, so that many at once leave room for readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

AT_ONCE = 1  # a hash takes one processor for most of a second
MOST_WAITING = max(1, settings.WEB_THREADS * 2 // 3 - AT_ONCE)  # the other threads are for readers


class TooManyAtOnce(Exception):
    """So many passwords wait to be hashed that this one would hold up who only reads."""


_turn = BoundedSemaphore(AT_ONCE)
_place = BoundedSemaphore(AT_ONCE + MOST_WAITING)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Raises TooManyAtOnce."""
    if not _place.acquire(blocking=False):
        raise TooManyAtOnce
    try:
        with _turn:
            yield
    finally:
        _place.release()


class InTurn(PBKDF2PasswordHasher):
    """Django's own hash, so that what was stored before is read as before."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with _in_turn():
            return super().encode(password, salt, iterations)
