"""A few of JavaScript's own functions on texts, lists and JSON, as its specification has them.

Texts are counted in UTF-16 units: "😀".length is 2. Half of a character that is cut off becomes U+FFFD.
Numbers are doubles and are written as JavaScript writes them.
"""

import json
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import rfc8785

from prompts_app.engine.assertions.values import parse_json
from prompts_app.engine.errors import CannotTell, CannotTransform
from prompts_app.engine.filters import JS_SPACE
from prompts_app.engine.types import Json

LARGEST = 2_000_000  # characters that a step may make of a text


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = _Undefined()

_INDEX = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)


# --- JSON -------------------------------------------------------------------------------------------------


def parsed(value: Any) -> Json:
    """``JSON.parse``. Raises ``CannotTransform``."""
    if not isinstance(value, str):
        raise CannotTransform(f"{_what(value)} cannot be read as JSON")
    try:
        return parse_json(value)
    except ValueError:
        raise CannotTransform("the output is not valid JSON") from None
    except CannotTell:
        raise CannotTransform("the output is too large or too deeply nested to read as JSON") from None


def written(value: Json) -> str:
    """``JSON.stringify``. Raises ``CannotTransform`` for what is nested without end or no JSON."""
    if value is UNDEFINED:
        raise CannotTransform("it leads to nothing in this output")
    try:
        return _written(value)
    except (RecursionError, UnicodeError, rfc8785.CanonicalizationError):
        raise CannotTransform("the value cannot be written as JSON") from None


def _written(value: Json) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{_written(value[key])}" for key in _ordered(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _ordered(value: dict[str, Json]) -> list[str]:
    """Keys that are whole numbers come first, in their order; the others as they stand."""
    numbers = [key for key in value if _INDEX.fullmatch(key) and int(key) < 2**32 - 1]
    first = set(numbers)
    return [*sorted(numbers, key=int), *(key for key in value if key not in first)]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number_text(number: float) -> str:
    """As JavaScript writes a number: 1.0 is 1, 1e21 is 1e+21, what is too large is null in JSON."""
    try:
        double = float(number)
    except OverflowError:
        return "null"
    return rfc8785.dumps(double).decode() if math.isfinite(double) else "null"


def text_of(value: Any) -> str:
    """``String(value)``. Raises ``CannotTransform`` for what is nested without end."""
    if isinstance(value, list):
        return _join(value)
    if isinstance(value, dict):
        return "[object Object]"
    return value if isinstance(value, str) else repr(value) if value is UNDEFINED else written(value)


# --- parts ------------------------------------------------------------------------------------------------


def part(value: Any, name: str | int) -> Any:
    """``value.name`` or ``value[name]``; ``UNDEFINED`` where there is none. Raises ``CannotTransform``."""
    if value is None or value is UNDEFINED:
        raise CannotTransform(f"there is nothing that could have a “{name}”")
    if isinstance(value, dict):
        return value.get(str(name), UNDEFINED)
    if not isinstance(value, str | list):
        return UNDEFINED
    length = _length(value)
    if name == "length":
        return length
    place = int(name) if _INDEX.fullmatch(str(name)) else length
    if place >= length:
        return UNDEFINED
    return _slice(value, place, place + 1) if isinstance(value, str) else value[place]


def _length(value: str | list[Json]) -> int:
    return len(_units(value)) // 2 if isinstance(value, str) else len(value)


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _text(units: bytes) -> str:
    return units.decode("utf-16-le", "replace")


def _what(value: Any) -> str:
    if value is None or value is UNDEFINED:
        return "nothing"
    names = {dict: "an object", list: "a list", bool: "true or false", str: "a text"}
    return names.get(type(value), "a number")


# --- methods ------------------------------------------------------------------------------------------------


def _of(kind: type, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """``do`` as a method that only values of one kind have."""

    def call(value: Any, *arguments: Json) -> Any:
        if not isinstance(value, kind):
            raise CannotTransform(f"{_what(value)} is no {name}")
        return do(value, *arguments)

    return call


_on_text, _on_list = partial(_of, str, "text"), partial(_of, list, "list")


def _split(text: str, mark: str | None = None, most: int | None = None) -> list[str]:
    if mark is None:
        parts = [text]
    elif mark == "":
        units = _units(text)
        parts = [_text(units[at : at + 2]) for at in range(0, len(units), 2)]
    else:
        parts = text.split(mark)
    return parts if most is None or most < 0 else parts[:most]  # a limit below 0 counts as 2^32 and less


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    """Places from the end are below 0, as in Python; beyond either end they stop there."""
    if isinstance(value, list):
        return value[start:end]
    if not isinstance(value, str):
        raise CannotTransform(f"{_what(value)} is neither a text nor a list")
    units = _units(value)
    low, high, _ = slice(start, end).indices(len(units) // 2)
    return _text(units[low * 2 : high * 2])


def _substring(text: str, start: int, end: int | None = None) -> str:
    units = _units(text)
    length = len(units) // 2
    low, high = sorted(min(max(place, 0), length) for place in (start, length if end is None else end))
    return _text(units[low * 2 : high * 2])


def _at(value: Any, place: int = 0) -> Any:
    if not isinstance(value, str | list):
        raise CannotTransform(f"{_what(value)} is neither a text nor a list")
    return part(value, place + _length(value) if place < 0 else place)


_PATTERNS = re.compile(r"\$([$&`'])")


def _replace(text: str, old: str, new: str, *, every: bool = False) -> str:
    """The first place, or every one; ``$&`` and its like in ``new`` stand for what was found and what is
    around it."""
    if "$" not in new:
        _refuse_growth(text.count(old) if every else 1, new)
        return text.replace(old, new, -1 if every else 1)
    done, length, at, found = list[str](), 0, 0, text.find(old)
    while found >= 0:
        done += [text[at:found], _PATTERNS.sub(partial(_around, text, found, found + len(old)), new)]
        length += len(done[-1])
        _refuse_growth(1, length=length)
        at = found + len(old)
        found = text.find(old, at + (not old)) if every and at + (not old) <= len(text) else -1
    return "".join([*done, text[at:]])


def within_bounds(text: str) -> str:
    """``text``, which a step made: each quoting may double it. Raises ``CannotTransform``."""
    _refuse_growth(1, text)
    return text


def _refuse_growth(times: int, text: str = "", length: int = 0) -> None:
    if max(length, times * len(text)) > LARGEST:
        raise CannotTransform(f"it makes more than {LARGEST:,} characters of the output")


def _around(text: str, start: int, end: int, pattern: re.Match[str]) -> str:
    if pattern[1] == "$":
        return "$"
    if pattern[1] == "&":
        return text[start:end]
    return text[:start] if pattern[1] == "`" else text[end:]


def _join(items: list[Json], mark: str = ",") -> str:
    _refuse_growth(len(items), mark)
    try:
        return mark.join("" if item is None else text_of(item) for item in items)
    except RecursionError:
        raise CannotTransform("the list is nested too deeply") from None


def _to_string(value: Any) -> str:
    if value is None or value is UNDEFINED:
        raise CannotTransform("there is nothing to write")
    return text_of(value)


METHODS: dict[str, Callable[..., Any]] = {
    "trim": _on_text(lambda text: text.strip(JS_SPACE)),
    "trimStart": _on_text(lambda text: text.lstrip(JS_SPACE)),
    "trimEnd": _on_text(lambda text: text.rstrip(JS_SPACE)),
    "toLowerCase": _on_text(str.lower),
    "toUpperCase": _on_text(str.upper),
    "toString": _to_string,
    "split": _on_text(_split),
    "slice": _slice,
    "substring": _on_text(_substring),
    "at": _at,
    "replace": _on_text(_replace),
    "replaceAll": _on_text(partial(_replace, every=True)),
    "join": _on_list(_join),
    "pop": _on_list(lambda items: items[-1] if items else UNDEFINED),
    "shift": _on_list(lambda items: items[0] if items else UNDEFINED),
}
# What each may be called with; a call that fits none of these is not evaluated.
_TAKES: dict[str, tuple[tuple[type, ...], ...]] = {
    "split": ((), (str,), (str, int)),
    "slice": ((), (int,), (int, int)),
    "substring": ((int,), (int, int)),
    "at": ((), (int,)),
    "replace": ((str, str),),
    "replaceAll": ((str, str),),
    "join": ((), (str,)),
}


def takes(name: str, arguments: tuple[Json, ...]) -> bool:
    """Whether there is such a method that can be called with such values."""
    return name in METHODS and tuple(map(type, arguments)) in _TAKES.get(name, ((),))
