"""The texts in a JSON value, wherever they stand in it; and values that every seal and bundle can hold."""

from collections.abc import Callable, Mapping

from prompts_app.engine.tool_types import Json

SAFE_INTEGER = 2**53 - 1  # beyond it two JSON readers may read two different numbers
DEEPEST_KEPT = 50  # levels of what a server made up; a bundle has 100 in all
LONGEST_INTEGER_BITS = 1_000


def strings_in(value: Json) -> list[str]:
    """Every text of a JSON value in its order, keys too."""
    found: list[str] = []
    _collect(value, found)
    return found


def _collect(value: Json, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            found.append(key)
            _collect(item, found)


def with_texts(value: Json, change: Callable[[str], str], *, keys: bool = True) -> Json:
    """The value with every text in it changed; ``keys`` says whether names of members are texts too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {
            change(key) if keys else key: with_texts(item, change, keys=keys) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [with_texts(item, change, keys=keys) for item in value]
    return value


def sealable(value: Json, depth: int = 0) -> Json:
    """``value``, which a server made up, so that every seal and bundle can hold it: what is nested too deeply
    and numbers that not every language has become text."""
    if isinstance(value, dict | list):
        if depth == DEEPEST_KEPT:
            return "(nested too deeply to be kept)"
        if isinstance(value, list):
            return [sealable(one, depth + 1) for one in value]
        return {name: sealable(one, depth + 1) for name, one in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) <= SAFE_INTEGER else _in_digits(value)  # NaN is not below it either
    return value


def _in_digits(number: float) -> str:
    is_long = isinstance(number, int) and number.bit_length() > LONGEST_INTEGER_BITS
    return "(a number too long to be kept)" if is_long else str(number)
