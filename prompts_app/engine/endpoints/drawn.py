"""Reading what an images API sent back: bytes in, a ``Reply`` with its picture or a ``Fault`` out."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from prompts_app.engine import pictures
from prompts_app.engine.endpoints.answers import Answered, read_json
from prompts_app.engine.pictures import PictureRefused
from prompts_app.engine.types import Fault, Json, Reply

LONGEST_REVISED = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer whose picture is still as it came."""

    reply: Reply
    original: bytes = field(repr=False)
    revised_prompt: str = ""
    attempts: int = 1


def read_drawn(answered: Answered, key: str) -> Drawn | Fault:
    """The first picture of the answer, or why there is none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    rows = data.get("data") if isinstance(data, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else None
    if not isinstance(row, dict):
        return _fault("wrong_shape", "The answer has no “data” with a picture in it.", answered)
    if not isinstance(row.get("b64_json"), str) or not row["b64_json"]:
        return _without_picture(row, answered)
    try:
        original = base64.b64decode(row["b64_json"].rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        return _fault("bad_picture", "The answer’s picture is not valid base64.", answered)
    revised = row.get("revised_prompt")
    revised = revised[:LONGEST_REVISED] if isinstance(revised, str) else ""
    return Drawn(_reply(data, answered), original, revised)


def _without_picture(row: Mapping[str, Json], answered: Answered) -> Fault:
    if isinstance(row.get("url"), str) and row["url"]:
        told = "The server gave an address in place of the picture, and it is not fetched from there."
        return _fault("picture_address", told, answered)
    return _fault("wrong_shape", "The answer’s “data” holds no picture.", answered)


def _fault(kind: str, message: str, answered: Answered) -> Fault:
    return Fault(kind, message, answered.status, answered.latency_ms)


def _reply(data: Mapping[str, Json], answered: Answered) -> Reply:
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    return Reply(
        output="",
        finish_reason=None,
        model=_text(data.get("model")),
        response_id=_text(data.get("id")),
        fingerprint=None,
        tokens_in=_count(usage, "input_tokens", "prompt_tokens"),
        tokens_out=_count(usage, "output_tokens", "completion_tokens"),
        latency_ms=answered.latency_ms,
        cached=answered.headers.get("x-cache", "").lower().startswith("hit"),
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(usage: Json, *names: str) -> int | None:
    """The first of these that is a number of tokens; the images API has names of its own."""
    counts = (usage.get(name) for name in names)
    return next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n >= 0), None)


async def with_picture(drawn: Drawn) -> Reply | Fault:
    """The reply with its picture as it is kept. Made in another thread: it takes part of a second."""
    try:
        picture = await asyncio.to_thread(pictures.keep, drawn.original, drawn.revised_prompt)
    except PictureRefused as why:
        return Fault("bad_picture", str(why), 200, drawn.reply.latency_ms, drawn.attempts)
    return replace(drawn.reply, picture=picture, attempts=drawn.attempts)
