"""A prompt as it would be sent: its messages with the values of one case filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prompts_app.engine.errors import RenderError
from prompts_app.engine.render import fill, pieces
from prompts_app.engine.types import PromptContent

LONGEST_SHOWN = 20_000  # characters of one message
MOST_SHOWN = 200_000  # of one with its values in it
PICTURE = "[picture]"  # stands where a picture is sent, the version’s own or the case’s


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """``kind``: plain text, a value that was filled in, or a variable nothing stands for."""

    kind: Literal["text", "value", "missing"]
    text: str


@dataclass(frozen=True, slots=True)
class PreviewMessage:
    role: str
    parts: tuple[PreviewPart, ...]
    is_cut: bool


def preview(prompt: PromptContent, values: Mapping[str, str]) -> list[PreviewMessage]:
    """Every message of ``prompt`` with ``values``, or the variables' defaults, in place."""
    defaults = {variable.name: variable.default for variable in prompt.variables if variable.default}
    pictured = {variable.name: PICTURE for variable in prompt.variables if variable.pictures}
    given = {name: text for name, text in values.items() if text or name not in pictured}
    filled = {**defaults, **pictured, **given}
    return [
        PreviewMessage(
            m.role, tuple(_parts(m.content[:LONGEST_SHOWN], filled)), len(m.content) > LONGEST_SHOWN
        )
        for m in prompt.messages
    ]


def _parts(text: str, values: Mapping[str, str]) -> Iterator[PreviewPart]:
    room = MOST_SHOWN
    for piece in pieces(text):
        part = _filled(piece.variable, values) if piece.variable else PreviewPart("text", piece.text)
        room -= len(part.text)
        if room < 0:
            yield PreviewPart("text", "…")
            return
        yield part


def _filled(match: re.Match[str], values: Mapping[str, str]) -> PreviewPart:
    try:
        return PreviewPart("value", fill(match, values)[:LONGEST_SHOWN])
    except RenderError:
        return PreviewPart("missing", match[0])
