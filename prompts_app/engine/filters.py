"""Nunjucks' common filters, for ``{{ name | filter }}`` in messages. To add one, add it to ``FILTERS``.

They give what Nunjucks 3.2 gives, with one difference, which is that values here are texts: a text that is
the JSON of a list or an object counts as that where a filter needs one, and is printed as it is.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from prompts_app.engine.budget import MOST_VALUES_TYPED, load_json
from prompts_app.engine.errors import FilterError
from prompts_app.engine.types import Json

# White space and line ends as ECMAScript has them: with U+FEFF, without U+0085 and U+001C to U+001F.
JS_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


LONGEST_MADE = 1_000_000  # characters that a filter may put into a text


class _Missing:
    """JavaScript's undefined: no value, and no default so far."""


MISSING: Final = _Missing()


def structured(value: Json) -> Json:
    """The list or object a text is the JSON of; anything else as it is."""
    return _read(value) if isinstance(value, str) and value.lstrip().startswith(("[", "{")) else value


@lru_cache(maxsize=8)  # a text of messages may name parts of one value some thousand times
def _read(text: str) -> Json:
    try:
        return load_json(text, MOST_VALUES_TYPED, parse_constant=None)
    except ValueError:
        return text


def as_json(value: Json, indent: int | None = None) -> str:
    """As ``JSON.stringify`` writes it: 1.0 is 1, nothing is escaped that need not be."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(_plain(value), ensure_ascii=False, separators=separators, indent=indent)


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def as_output(value: Json) -> str:
    """What printing a value writes: nothing for null, a list's items with commas, an object's JSON."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(as_output(item) for item in value)
    return as_json(value)


def _within_bounds(times: int, text: str) -> None:
    """Raises ``FilterError`` where ``text`` stands too often: filters in a row multiply what they make."""
    if times * len(text) > LONGEST_MADE:
        raise FilterError(f"A filter makes more than {LONGEST_MADE:,} characters of it.")


def _case(change: Callable[[str], str]) -> Callable[[Json], Json]:
    return lambda value: change(as_output(value))


def _capitalize(text: str) -> str:
    lower = text.lower()
    return lower[:1].upper() + lower[1:]


def _title(text: str) -> str:
    return " ".join(_capitalize(word) for word in text.split(" "))


def _default(value: Json, fallback: Json = MISSING, also_empty: Json = False) -> Json:
    if also_empty:
        return value if value is not MISSING and value not in ("", 0, None, False) else fallback
    return fallback if value is MISSING else value


def _replace(value: Json, old: Json = None, new: Json = "", most: Json = -1) -> Json:
    if isinstance(old, bool) or not isinstance(old, str | int | float):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = as_output(value)
    if not isinstance(value, str):
        return value
    old, new = as_output(old), as_output(new)
    _within_bounds(value.count(old) + 1, new)
    if not old:  # between all characters, and at both ends, whatever the count
        return new + new.join(value) + new
    return value.replace(old, new, int(most) if isinstance(most, int | float) else -1)


def _join(value: Json, between: Json = "", part: Json = None) -> Json:
    items = structured(value)
    if not isinstance(items, list):
        raise FilterError("The filter “join” needs a list.")
    if part is not None:
        items = [item.get(as_output(part)) if isinstance(item, dict) else None for item in items]
    mark = as_output(between)
    _within_bounds(len(items), mark)
    return mark.join(as_output(item) for item in items)


def length(value: Json) -> Json:
    """Of a list or an object its entries, of a text its UTF-16 units as JavaScript counts them."""
    inner = structured(value)
    if inner is MISSING or inner is None:
        return 0
    if isinstance(inner, list | dict):
        return len(inner)
    return len(as_output(inner).encode("utf-16-le", "surrogatepass")) // 2


def _at(place: int) -> Callable[[Json], Json]:
    def pick(value: Json) -> Json:
        items = structured(value)
        if not isinstance(items, list | str):
            raise FilterError("The filters “first” and “last” need a list or a text.")
        return items[place] if items else MISSING

    return pick


def _dump(value: Json, spaces: Json = None) -> Json:
    indent = int(spaces) if isinstance(spaces, int | float) and not isinstance(spaces, bool) else None
    return MISSING if value is MISSING else as_json(structured(value), min(indent, 10) if indent else None)


FILTERS: dict[str, Callable[..., Json]] = {
    "lower": _case(str.lower),
    "upper": _case(str.upper),
    "trim": _case(lambda text: text.strip(JS_SPACE)),
    "capitalize": _case(_capitalize),
    "title": _case(_title),
    "default": _default,
    "d": _default,
    "replace": _replace,
    "join": _join,
    "length": length,
    "first": _at(0),
    "last": _at(-1),
    "dump": _dump,
    "safe": as_output,
    "string": as_output,
}
