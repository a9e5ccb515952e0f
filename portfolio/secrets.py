"""Secrets a first start makes for itself, so that `make run` needs no configuration; private files."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.fernet import Fernet


def _kept(path: Path, make: str) -> str:
    """The text of ``path``; on the first call ``make``, written for this user's eyes only."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name, then linked: of two processes that start at once, the second reads
    # what the first wrote, and never a file that is not full yet.
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-"
    ) as file:  # readable for its owner only
        file.write(make)
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return path.read_text().strip()
    return make


def local_secret_key(directory: Path) -> str:
    """Django's SECRET_KEY for an installation that was given none."""
    return _kept(directory / "secret.key", secrets.token_urlsafe(64))


def local_endpoint_key(directory: Path) -> str:
    """The Fernet key that endpoint keys are encrypted with, for an installation that was given none."""
    return _kept(directory / "endpoint.key", Fernet.generate_key().decode())


def keep_private(path: Path) -> Path:
    """``path``, there and its owner's alone. SQLite makes the files beside a database as that one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with suppress(PermissionError):  # somebody else's file: theirs to look after
        if path.stat().st_mode & 0o077:
            for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                if file.exists():
                    file.chmod(0o600)
    return path
