"""What a text field refuses, in one place: characters that no database or page can hold. And what a database
changes."""

import re
from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import connection

from prompts_app.engine.invisible import hides_something, without_hidden
from prompts_app.engine.response_format import in_written_order

refuse_nul = ProhibitNullCharactersValidator(
    message="This text has a NUL character in it, which cannot be stored. Take it out and save again."
)


def refuse_invisible(value: str) -> None:
    """For one-line names: no control, zero-width or direction-changing characters. They are fine in a prompt,
    where the page shows them; in a name they impersonate somebody or break the line."""
    if _has_control(value) or hides_something(value):
        raise ValidationError(
            "This has an invisible character in it (zero-width, direction or control). "
            "Type it again rather than paste it.",
            code="invisible",
        )


def _has_control(value: str) -> bool:
    return any(letter < " " for letter in value)


def without_invisible(value: str) -> str:
    """The same line with those characters gone, for text that comes out of a file."""
    return without_hidden(re.sub(r"[\t\n\r]", " ", value))


def storable(text: str) -> str:
    """The same text with what no database takes (NUL, half a surrogate pair) as the replacement character.

    For what comes from outside and cannot be sent back to its author: a model's answer, say.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


def storable_json(value: Any) -> Any:
    """``value`` with every text in it storable, and numbers JSON does not have (NaN, infinity) as null."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def as_written(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they were stored, with the schemas in them (of the answer, of tools), which Postgres put
    into another order, back in their own."""
    if connection.vendor != "postgresql":
        return parameters
    written: dict[str, Any] = in_written_order(parameters)
    return written
