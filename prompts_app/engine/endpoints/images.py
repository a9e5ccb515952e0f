"""Reading what an images API sent back: bytes in, a ``Reply`` with its picture or a ``Fault`` out."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from prompts_app.engine import pictures
from prompts_app.engine.endpoints.answers import HttpAnswer, count_of, fault, read_json, text_of
from prompts_app.engine.errors import PictureRefused
from prompts_app.engine.prices import bill_of
from prompts_app.engine.types import Fault, Json, Reply

LONGEST_REVISED = 20_000  # characters


@dataclass(frozen=True, slots=True)
class ImageAnswer:
    """An answer whose picture is still as it came."""

    reply: Reply
    original: bytes = field(repr=False)
    revised_prompt: str = ""
    attempts: int = 1


def read_image(answered: HttpAnswer, key: str) -> ImageAnswer | Fault:
    """The first picture of the answer, or why there is none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    rows = data.get("data") if isinstance(data, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else None
    if not isinstance(row, dict):
        return fault("wrong_shape", "The answer has no “data” with a picture in it.", answered)
    if not isinstance(row.get("b64_json"), str) or not row["b64_json"]:
        return _without_picture(row, answered)
    try:
        original = base64.b64decode(row["b64_json"].rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        return fault("bad_picture", "The answer’s picture is not valid base64.", answered)
    revised = row.get("revised_prompt")
    revised = revised[:LONGEST_REVISED] if isinstance(revised, str) else ""
    return ImageAnswer(_reply(data, answered), original, revised)


def _without_picture(row: Mapping[str, Json], answered: HttpAnswer) -> Fault:
    if isinstance(row.get("url"), str) and row["url"]:
        message = "The server gave an address in place of the picture, and it is not fetched from there."
        return fault("picture_address", message, answered)
    return fault("wrong_shape", "The answer’s “data” holds no picture.", answered)


def _reply(data: Mapping[str, Json], answered: HttpAnswer) -> Reply:
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    return Reply(
        output="",
        finish_reason=None,
        model=text_of(data.get("model")),
        response_id=text_of(data.get("id")),
        fingerprint=None,
        tokens_in=count_of(usage, "input_tokens", "prompt_tokens"),
        tokens_out=count_of(usage, "output_tokens", "completion_tokens"),
        latency_ms=answered.latency_ms,
        cached=answered.headers.get("x-cache", "").lower().startswith("hit"),
        billed=bill_of(usage, answered.headers),
    )


async def with_picture(came: ImageAnswer) -> Reply | Fault:
    """The reply with its picture as it is kept. Made in another thread: it takes part of a second."""
    try:
        picture = await asyncio.to_thread(pictures.keep, came.original, came.revised_prompt)
    except PictureRefused as why:
        return Fault("bad_picture", str(why), 200, came.reply.latency_ms, came.attempts)
    return replace(came.reply, picture=picture, attempts=came.attempts)
