"""Where pictures lie: in rows of their own beside what they belong to (see docs/adr/0011).

Whoever stores a result stores its picture in the same transaction; the database deletes both together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from django.db import transaction

from prompts_app.engine.picture_types import Picture
from prompts_app.engine.pictures import Square
from prompts_app.engine.types import Outcome
from prompts_app.models import Face, PictureFile, Profile, Result, Run

A_READ = 10  # pictures in memory at once


def pictures_of(outcomes: Iterable[tuple[Result, Outcome]]) -> dict[str, Picture]:
    """The pictures among the outcomes, by the public id of the result each became."""
    return {
        result.public_id: outcome.reply.picture
        for result, outcome in outcomes
        if outcome.reply is not None and outcome.reply.picture is not None
    }


def store_pictures(kept: Mapping[str, Picture]) -> None:
    """Pictures by the public id of their results. Those of results that are not there are not kept."""
    if not kept:
        return
    results = Result.objects.filter(public_id__in=kept).values_list("pk", "public_id")
    PictureFile.objects.bulk_create(
        [
            PictureFile(result_id=pk, data=kept[public_id].data, small=kept[public_id].small)
            for pk, public_id in results
        ],
        ignore_conflicts=True,  # a write that is tried again may have been done before
    )


def replace_picture(result: Result, picture: Picture | None) -> None:
    """The stored result's picture instead of any it had."""
    PictureFile.objects.filter(result=result).delete()
    if picture is not None:
        store_pictures({result.public_id: picture})


def pictures_changed(run: Run) -> bool:
    """Whether a picture of the run is gone, or is not the one its result's digests speak of."""
    pictured = run.results.exclude(picture={}).only("run_id", "picture")
    said = {row.pk: (row.picture["sha256"], row.picture["small_sha256"]) for row in pictured}
    files = PictureFile.objects.filter(result__run=run).iterator(chunk_size=A_READ)
    held = {file.result_id: (_digest(file.data), _digest(file.small)) for file in files}
    return held != said


def _digest(data: bytes | memoryview[int]) -> str:
    return sha256(bytes(data)).hexdigest()


@transaction.atomic
def set_face(profile: Profile, data: Square | None) -> None:
    """Make this the author's picture; None takes it away."""
    Face.objects.filter(profile=profile).delete()
    if data is not None:
        Face.objects.create(profile=profile, data=data)
    profile.face_digest = _digest(data) if data is not None else ""
    profile.save(update_fields=["face_digest"])
