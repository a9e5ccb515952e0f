"""The texts in a JSON value, wherever they stand in it."""

from collections.abc import Callable, Mapping

from prompts_app.engine.types import Json


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
