"""What is asked by whoever watches the server."""

import logging
from time import monotonic

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portfolio.database import AWAY, check_answers
from prompts_app.actions.site.health import readiness

HEALTH_LIMIT_S = 1.0
ASKED_EVERY_S = 2.0  # it writes: however often it is asked, once in this time and process

log = logging.getLogger(__name__)
_known: tuple[float, dict[str, bool]] | None = None


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 "ok" when the database answers, within a second 503 when it does not."""
    try:
        check_answers(HEALTH_LIMIT_S)
    except AWAY as error:
        log.warning("The database does not answer: %s", error)
        return _told("the database does not answer", is_well=False)
    return _told("ok", is_well=True)


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where every part is at work, else 503; a line a part: "worker: ok", "disk: not ok"."""
    parts = _readiness()
    lines = [f"{part}: {'ok' if holds else 'not ok'}\n" for part, holds in parts.items()]
    return _told("".join(lines), is_well=all(parts.values()))


def _told(text: str, *, is_well: bool) -> HttpResponse:
    return HttpResponse(
        text,
        status=200 if is_well else 503,
        content_type="text/plain",
        headers={"Cache-Control": "no-store"},
    )


def _readiness() -> dict[str, bool]:
    global _known
    if _known is None or monotonic() - _known[0] >= ASKED_EVERY_S:
        _known = (monotonic(), readiness())
    return _known[1]
