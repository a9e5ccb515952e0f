"""Secrets a first start makes for itself, so that `make run` needs no configuration."""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def _kept(path: Path, make: str) -> str:
    """The text of ``path``; on the first call ``make``, written for this user's eyes only."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # O_EXCL: of two processes that start at once, the second reads what the first wrote.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(make)
    return make


def local_secret_key(directory: Path) -> str:
    """Django's SECRET_KEY for an installation that was given none."""
    return _kept(directory / "secret.key", secrets.token_urlsafe(64))


def local_endpoint_key(directory: Path) -> str:
    """The Fernet key that endpoint keys are encrypted with, for an installation that was given none."""
    return _kept(directory / "endpoint.key", Fernet.generate_key().decode())
