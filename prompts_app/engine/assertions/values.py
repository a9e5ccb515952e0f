"""Reading the values of assertions, in the spellings promptfoo takes."""

import re

from prompts_app.engine.assertions.kinds import as_text
from prompts_app.engine.budget import MOST_VALUES_JUDGED, load_json
from prompts_app.engine.digests import canonical
from prompts_app.engine.errors import CannotTell, TooMuch, UnreadableValue
from prompts_app.engine.types import Json

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
