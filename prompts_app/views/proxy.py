"""Where a request came from, when a proxy stands in front."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)

NOT_NAMED = (
    "BEHIND_PROXY is set, but the proxy does not send X-Forwarded-For: all visitors share one address, and "
    "with it one rate limit and one vote. Have it send the client's address (nginx: proxy_set_header "
    "X-Forwarded-For $proxy_add_x_forwarded_for)."
)
NOT_TRUSTED = (
    "A proxy on this machine sends X-Forwarded-For, and BEHIND_PROXY is not set: all visitors share one "
    "address, and with it one rate limit and one vote. Set BEHIND_PROXY=1."
)
NOWHERE = "0.0.0.0"  # noqa: S104 nothing is bound to it: it stands for "unknown"
_HERE = {"", "127.0.0.1", "::1"}
_WATCHERS = {"/healthz", "/readyz"}  # asked from this machine, past the proxy

_said: set[str] = set()


type Answer = Callable[[HttpRequest], HttpResponse]


def knows_its_visitors(answer: Answer) -> Answer:
    """Middleware: says once a process what is wrong with the proxy in front. Behind a unix socket there is no
    address at all; without one, nobody could sign up or in."""

    def answered(request: HttpRequest) -> HttpResponse:
        address, forwarded = request.META.get("REMOTE_ADDR", ""), "HTTP_X_FORWARDED_FOR" in request.META
        if not settings.LOCAL and request.path not in _WATCHERS:
            _say_what_is_wrong(address, forwarded)
        if not address or "/" in address:
            request.META["REMOTE_ADDR"] = NOWHERE
        return answer(request)

    return answered


def _say_what_is_wrong(address: str, forwarded: bool) -> None:
    problem = ""
    if settings.BEHIND_PROXY and not forwarded:
        problem = NOT_NAMED
    if forwarded and not settings.BEHIND_PROXY and address in _HERE:
        problem = NOT_TRUSTED
    if problem and problem not in _said:
        _said.add(problem)
        log.warning(problem)
