"""How a studio page answers htmx: parts of the page, each of which replaces the element of its own id."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def fragments(request: HttpRequest, names: Sequence[str], context: Mapping[str, Any]) -> HttpResponse:
    """``studio/_<name>.html`` for each name; its element has the id ``<name>``. Pair with hx-swap="none"."""
    parts = [render_to_string(f"studio/_{name}.html", {**context, "oob": True}, request) for name in names]
    return HttpResponse("".join(parts))
