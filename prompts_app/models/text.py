"""What a text field refuses, in one place: characters that no database or page can hold."""

from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator

refuse_nul = ProhibitNullCharactersValidator(
    message="This text has a NUL character in it, which cannot be stored. Take it out and save again."
)

# Characters that change how the text around them is read or hide in it: fine in a prompt, where the
# page shows them, but not in a name or a title, where they impersonate or break the line.
_INVISIBLE = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x034F,
    0x061C,
    *(0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0),  # letters by name, blank on the page
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE1000),  # tags: a whole text can hide in them
}


def refuse_invisible(value: str) -> None:
    """For one-line names: no control, zero-width or direction-changing characters."""
    if any(ord(c) in _INVISIBLE for c in value):
        raise ValidationError(
            "This has an invisible character in it (zero-width, direction or control). "
            "Type it again rather than paste it.",
            code="invisible",
        )


def without_invisible(value: str) -> str:
    """The same line with those characters gone, for text that comes out of a file."""
    return "".join(" " if c in "\t\n\r" else c for c in value if c in "\t\n\r" or ord(c) not in _INVISIBLE)


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
