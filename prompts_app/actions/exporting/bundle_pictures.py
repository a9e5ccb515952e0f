"""Pictures in bundles: as many as there is room for go out; what comes in is drawn anew and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from prompts_app.actions.pictures.storage import store_pictures
from prompts_app.engine.formats.bundle import data_of, with_data
from prompts_app.engine.limited_process import PICTURE, Overrun, apart
from prompts_app.engine.pictures import PictureRefused, keep
from prompts_app.engine.types import Picture
from prompts_app.models import PictureFile, Result

# Bytes of pictures in one bundle: as many as can be imported again, and fewer for whoever passes by.
MOST_PICTURES, MOST_PICTURES_PUBLIC = 9 * 2**20, 2 * 2**20

_ROWS = 200  # in one INSERT
# Of the first picture that was ever kept: they go with every copy of it.
_FIRST = ("original_sha256", "original_bytes", "revised_prompt")


def pack(results: Iterable[Result], room: int) -> None:
    """Put pictures into their results as long as there is room; of the others only digests go out."""
    chosen = {}
    for result in results:
        if 0 < (size := result.picture.get("bytes", 0)) <= room:
            room -= size
            chosen[result.pk] = result
    for pk, data in PictureFile.objects.filter(result__in=chosen).values_list("result_id", "data"):
        chosen[pk].picture = with_data(chosen[pk].picture, bytes(data))


def keep_results(results: Iterable[Result]) -> None:
    """Store them with their pictures. Raises ValidationError where a picture is refused."""
    pictures: dict[str, Picture] = {}
    rows = list(results)
    for row in rows:
        if row.picture:
            _unpack(row, row.picture, pictures)
    Result.objects.bulk_create(rows, batch_size=_ROWS)
    store_pictures(pictures)


def _unpack(result: Result, packed: Mapping[str, Any], pictures: dict[str, Picture]) -> None:
    """Drawn anew like any picture that comes in; where the file has only digests, they are kept."""
    first = {name: packed[name] for name in _FIRST if name in packed}
    if "data" not in packed:
        result.picture = {name: packed[name] for name in ("sha256",) if name in packed} | first
        return
    try:
        picture = apart(PICTURE, keep, data_of(packed))
    except (PictureRefused, Overrun) as why:
        raise ValidationError(f"a picture in it was refused. {why}") from None
    pictures[result.public_id] = picture
    result.picture = picture.about() | first
