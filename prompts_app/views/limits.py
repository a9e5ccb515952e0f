"""How often something may be tried: counted by all web processes together, as django-allauth counts sign-ins.

The rates are in ``settings.ACCOUNT_RATE_LIMITS``.
"""

import ipaddress

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse

MINUTE_S, FIVE_MINUTES_S, HOUR_S = 60, 300, 3600


def told_to_wait[R: HttpResponse](response: R, seconds: int) -> R:
    """To who tried too often, with the time that the page's sentence names."""
    response.status_code = 429
    response.headers["Retry-After"] = str(seconds)
    return response


def network_of(request: HttpRequest) -> str:
    """The client's address as sign-up takes it; of IPv6 the part that one household shares."""
    address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)


def is_allowed(request: HttpRequest, action: str, *what: object, count: bool = True) -> bool:
    """Whether ``action`` may be done to ``what`` once more; that once is counted, unless ``count`` is off."""
    key = " ".join(str(part) for part in what)
    return bool(ratelimit.consume(request, action=action, key=key, dry_run=not count))
