"""A picture in a bundle: what is known of it and, where there was room, the picture itself in base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from hashlib import sha256

from prompts_app.engine.formats.reading import Fields
from prompts_app.engine.types import Json

DATA = "data"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIGESTS, _SIZES = (
    ("sha256", "small_sha256", "original_sha256"),
    ("width", "height", "bytes", "original_bytes"),
)


def with_data(about: Mapping[str, Json], data: bytes) -> dict[str, Json]:
    return {**about, DATA: base64.b64encode(data).decode("ascii")}


def read_picture(result: Fields) -> dict[str, Json]:
    """The result's picture, {} where it has none. Raises FormatError, also for data of another digest."""
    if not result.object("picture"):
        return {}
    row = Fields.of(result.object("picture"), result.place("picture"))
    about: dict[str, Json] = {name: row.name(name) for name in _DIGESTS if name in row.values}
    for name in about:
        if not _DIGEST.fullmatch(about[name]):
            row.refuse(name, "a SHA-256 in hex")
    about |= {name: row.whole(name) for name in _SIZES if name in row.values}
    about |= {name: row.text(name) for name in ("type", "revised_prompt") if name in row.values}
    if DATA in row.values:
        if sha256(data_of(row.values, row)).hexdigest() != about.get("sha256"):
            row.refuse(DATA, "the picture its digest speaks of: the file was changed")
        about[DATA] = row.values[DATA]
    return about


def data_of(picture: Mapping[str, Json], row: Fields | None = None) -> bytes:
    """The picture's own bytes. Raises FormatError, with the place in ``row``."""
    place = row or Fields(picture)
    try:
        return base64.b64decode(place.text(DATA), validate=True)
    except (binascii.Error, ValueError):
        place.refuse(DATA, "base64")
