"""What the studio's templates need beyond Django's own."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(mapping: Mapping[str, Any], key: str) -> Any:
    """``mapping[key]`` for a key that is itself a value; None where it is not there."""
    return mapping.get(key)
