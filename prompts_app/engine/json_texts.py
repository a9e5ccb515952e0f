"""The texts in a JSON value, wherever they stand in it."""

from collections.abc import Callable, Iterator, Mapping

from prompts_app.engine.types import Json


def strings_in(value: Json) -> Iterator[str]:
    """Every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)


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
