"""Values of assertions and outputs: read in the spellings promptfoo takes, and shown in sentences."""

import re
from collections.abc import Sequence
from math import isfinite

from prompts_app.engine.budget import MOST_VALUES_JUDGED, load_json
from prompts_app.engine.digests import canonical
from prompts_app.engine.errors import CannotTell, TooMuch, UnreadableValue
from prompts_app.engine.types import Json

QUOTE_LIMIT = 80  # characters

# A quoted field (\" and "" stand for a quotation mark), or anything up to the next comma.
_FIELD = re.compile(
    r'\s*(?:"(?P<quoted>(?:\\["\\]|""|[^"\\]|\\(?!["\\]))*)"\s*(?=,|$)|(?P<open>")|(?P<plain>[^,"][^,]*))'
)
_ESCAPE = re.compile(r'\\(["\\])|""')


def texts_of(value: Json) -> list[str]:
    """The texts of an ``-any`` or ``-all`` assertion: a list as it is, a text split at its commas."""
    if isinstance(value, list | tuple):
        return [as_text(item) for item in value]
    if isinstance(value, str):
        return split_commas(value)
    return [] if value is None else [as_text(value)]


def listed(value: Json) -> list[Json]:
    """A list as it is, anything else as a list of it."""
    return value if isinstance(value, list) else [value]


def is_text(value: Json) -> bool:
    """Whether it is a text, or a number that is taken as one, with anything in it."""
    return isinstance(value, str | int | float) and as_text(value).strip() != ""


def options_problem(value: Json, names: Sequence[str]) -> str | None:
    """What is wrong with a value that is an object of these options, or left out."""
    if value is None or (isinstance(value, dict) and not set(value) - set(names)):
        return None
    return f"Enter the options as a JSON object with {', '.join(names)}, or leave it empty."


def split_commas(text: str) -> list[str]:
    """``a, "b, c"`` → ``["a", "b, c"]``; entries are trimmed and empty ones left out.

    Raises ``UnreadableValue`` where a quotation mark is not closed or not followed by a comma.
    """
    fields: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "," or text[at].isspace():
            at += 1
            continue
        match = _FIELD.match(text, at)
        if match is None or match["open"]:
            raise UnreadableValue(
                "A quotation mark is not closed, or something other than a comma follows it."
            )
        quoted = match["quoted"]
        fields.append(match["plain"].strip() if quoted is None else _ESCAPE.sub(_unescape, quoted))
        at = match.end()
    return fields


def _unescape(match: re.Match[str]) -> str:
    return match[1] or '"'


def parse_json(text: str) -> Json:
    """``text`` as strict JSON (no NaN or Infinity). Raises ``ValueError``, and ``CannotTell`` where it holds
    more than is looked through."""
    if not isinstance(text, str):  # as what a model put into a tool's call may be
        raise ValueError("It is no text.")  # noqa: TRY004 see docstring
    try:
        return load_json(text, MOST_VALUES_JUDGED)
    except TooMuch as why:
        raise CannotTell(f"The output was not read as JSON. {why}") from None


def json_equal(expected: Json, output: str) -> bool:
    """Whether ``output`` is JSON of the same value: key order and 1 or 1.0 do not matter, true is not 1."""
    try:
        return canonical(parse_json(output)) == canonical(expected)
    except ValueError:
        return False


def as_text(value: Json) -> str:
    """A value as the text it is looked for as, which is JavaScript's: 5 and 5.0 are "5", true is "true",
    0.0000001 is "1e-7"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and isfinite(value):
        return canonical(value).decode()
    return str(value)


def quote(text: str, limit: int = QUOTE_LIMIT) -> str:
    """``text`` on one line between quotation marks, shortened to ``limit`` characters."""
    line = " ".join(text[: limit * 2].split())
    return f"“{line[:limit]}…”" if len(line) > limit or len(text) > limit * 2 else f"“{line}”"


def quote_all(texts: list[str]) -> str:
    """Several quoted texts, the first few of them."""
    shown = ", ".join(quote(text, 40) for text in texts[:5])
    return f"{shown} and {len(texts) - 5} more" if len(texts) > 5 else shown


def number_of(value: Json) -> float | None:
    """``value`` as a finite number (text that reads as one counts), else ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None
