"""JSON objects in what a model wrote, read kindly.

Models break lines inside texts, write ``\\(`` for ``(``, explain with comments and leave commas at the end:
all of that is read as it was meant. Nothing is guessed: an object with a quotation mark too few, an
ellipsis or two words where one belongs is none. Libraries that repair JSON make a value of those too, and a
verdict must not be made up; those for JSON5 refuse broken lines. So this only tidies, and Python's own
reader judges what comes of it.

Work is linear in the text: strings and comments that never end are met once, levels are bounded.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from prompts_app.engine.budget import refuse_constant
from prompts_app.engine.types import Json

DEEPEST = 50  # levels of one object
MOST_PER_CHARACTER = 4  # how often a character is looked at, together over all places where one may begin

_BEGINS = re.compile(r'\{(?=\s*+["}/#])')
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+(?P<end>"|\\?\Z))
    | (?P<comment>//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    | (?P<opens>[{\[]) | (?P<closes>[}\]]) | (?P<comma>,) | (?P<blank>\s++) | (?P<other>[^"{}\[\],/\#\s]++|/)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<stray>.))', re.DOTALL)
_PYTHONS = {"True": "true", "False": "false", "None": "null"}


@dataclass(frozen=True, slots=True)
class Found:
    """An object, and where it stands: ``text[start:end]``."""

    value: dict[str, Json]
    start: int
    end: int


def objects_written(text: str, *, in_broken: bool = False) -> list[Found]:
    """The objects in ``text``, outermost only, in order. What stands in one that cannot be read is none,
    but with ``in_broken``, for who wants all that anybody could take for one."""
    found: list[Found] = []
    at, left = 0, MOST_PER_CHARACTER * len(text) + 1_000
    partners: dict[int, int] | None = None
    while left > 0 and (begins := _BEGINS.search(text, at)):
        start = begins.start()
        tidied, at = _tidied(text, start)
        left -= at - start
        value = _read(tidied)
        if value is not None:
            found.append(Found(value, start, at))
        elif in_broken:
            at = start + 1
        else:
            partners = _partners(text) if partners is None else partners
            at = partners.get(start, len(text))
    return found


def _partners(text: str) -> dict[int, int]:
    """The place of each opening brace → that after its closing one, whatever stands between them."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            pairs[opened.pop()] = brace.end()
    return pairs


def _tidied(text: str, start: int) -> tuple[str, int]:
    """The object that begins here as plain JSON, and where it ends; "" where it never does."""
    pieces: list[str] = []
    depth, comma = 0, -1  # the place of a comma that nothing followed yet
    for token in _TOKEN.finditer(text, start):
        kind = token.lastgroup
        if kind == "string" and not token["end"].endswith('"'):
            return "", token.end()
        if kind == "closes" and comma >= 0:
            pieces[comma] = ""
        if kind not in ("blank", "comment"):
            comma = len(pieces) if kind == "comma" else -1
        pieces.append(_piece(kind, token[0]))
        depth += (kind == "opens") - (kind == "closes")
        if depth == 0 or depth > DEEPEST:
            return "" if depth else "".join(pieces), token.end()
    return "", len(text)


def _piece(kind: str | None, text: str) -> str:
    if kind == "string":
        return _ESCAPE.sub(lambda escape: f"\\{escape[0]}" if escape["stray"] else escape[0], text)
    return " " if kind == "comment" else _PYTHONS.get(text, text)


def _read(tidied: str) -> dict[str, Json] | None:
    try:
        value = json.loads(
            tidied, strict=False, parse_constant=refuse_constant, object_pairs_hook=_with_all_values
        )
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _with_all_values(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """A name that stands twice with different values has both as a list: nobody knows which was meant."""
    whole: dict[str, Json] = {}
    for name, value in pairs:
        whole[name] = value if whole.get(name, value) == value else [whole[name], value]
    return whole


def objects_inside(value: Json) -> Iterator[dict[str, Json]]:
    """Every object in a value, itself included."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
