"""What is asked by whoever watches the server."""

from __future__ import annotations

from time import monotonic

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from prompts_app.actions.health import readiness

ASKED_EVERY_S = 2.0  # it writes: however often it is asked, once in this time and process

_known: tuple[float, dict[str, bool]] | None = None


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where every part is at work, else 503; a line a part: "worker: ok", "disk: not ok"."""
    parts = _readiness()
    lines = [f"{part}: {'ok' if holds else 'not ok'}\n" for part, holds in parts.items()]
    return HttpResponse(
        "".join(lines),
        status=200 if all(parts.values()) else 503,
        content_type="text/plain",
        headers={"Cache-Control": "no-store"},
    )


def _readiness() -> dict[str, bool]:
    global _known
    if _known is None or monotonic() - _known[0] >= ASKED_EVERY_S:
        _known = (monotonic(), readiness())
    return _known[1]
