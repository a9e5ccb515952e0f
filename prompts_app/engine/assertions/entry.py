"""Assertions as they are typed into a form, and back."""

import json
import re
from collections.abc import Callable
from typing import Literal

from prompts_app.engine.assertions.values import as_text, number_of
from prompts_app.engine.budget import MOST_VALUES_TYPED, load_json
from prompts_app.engine.types import Json

ValueShape = Literal[
    "none", "text", "prose", "lines", "number", "schema", "object", "words", "names", "assertions", "tools"
]

_RANGE = re.compile(r"(\d+)\s*(?:-|–|—|to|\.\.)\s*(\d+)", re.IGNORECASE)
_LEAST = re.compile(r"(?:at least|min(?:imum)?|>=|≥)\s*(\d+)|(\d+)\s*(?:\+|or more)", re.IGNORECASE)
_MOST = re.compile(r"(?:at most|max(?:imum)?|up to|<=|≤)\s*(\d+)|(\d+)\s*or (?:less|fewer)", re.IGNORECASE)


def read_number(text: str) -> float:
    """A number as people type it: "2000", "2,000", "$0.01". Raises ``ValueError`` with a sentence."""
    number = number_of(text.strip().lstrip("$").replace(",", "").replace(" ", ""))
    if number is None:
        raise ValueError(f"“{text.strip()[:40]}” is not a number.")
    return int(number) if number.is_integer() else number


def read_words(text: str) -> Json:
    """ "50", "10-50", "at least 10" or "at most 50". Raises ``ValueError`` with a sentence."""
    typed = text.strip().replace(",", "")
    if typed.isascii() and typed.isdigit():
        return int(typed)
    if found := _RANGE.fullmatch(typed):
        return {"min": int(found[1]), "max": int(found[2])}
    if found := _LEAST.fullmatch(typed):
        return {"min": int(found[1] or found[2])}
    if found := _MOST.fullmatch(typed):
        return {"max": int(found[1] or found[2])}
    raise ValueError("Enter a number or a range: 50, 10-50, at least 10, at most 50.")


def _read_lines(text: str) -> Json:
    return [line.strip() for line in text.splitlines() if line.strip()] or None


def _read_schema(text: str) -> Json:
    """JSON becomes an object; other text stays as it is, to be read as YAML or complained about."""
    try:
        return load_json(text, MOST_VALUES_TYPED) if text.strip() else None
    except ValueError:
        return text


def _read_tools(text: str) -> Json:
    """Names, one a line, or JSON."""
    return _read_schema(text) if text.lstrip().startswith(("{", "[")) else _read_lines(text)


def _read_text(text: str) -> Json:
    return text or None


READERS: dict[ValueShape, Callable[[str], Json]] = {
    "none": lambda text: None,
    "text": _read_text,
    "prose": _read_text,
    "lines": _read_lines,
    "schema": _read_schema,
    "object": _read_schema,
    "assertions": _read_schema,
    "words": read_words,
    "tools": _read_tools,
    "names": lambda text: text.strip() or None,
}


def show(value: Json, shape: ValueShape) -> str:
    """A value as the text a person edits."""
    if value is None:
        return ""
    if shape == "words" and isinstance(value, dict):
        return _show_range(value)
    if isinstance(value, list) and (
        shape == "lines" or (shape == "tools" and all(isinstance(item, str) for item in value))
    ):
        return "\n".join(as_text(item) for item in value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return as_text(value)


def _show_range(value: dict[str, Json]) -> str:
    low, high = value.get("min"), value.get("max")
    if low is not None and high is not None:
        return f"{as_text(low)}-{as_text(high)}"
    return f"at least {as_text(low)}" if low is not None else f"at most {as_text(high)}"
