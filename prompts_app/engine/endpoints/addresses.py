"""Which addresses may be called: public ones, and the private hosts the operator listed."""

from __future__ import annotations

from collections.abc import Collection


def check_url(url: str, allowed: Collection[str] = frozenset()) -> str | None:
    """What is wrong with a base URL, as a sentence for a form; ``None`` when nothing is.

    Looks at the text only: a host name's addresses are checked when the call is made. ``allowed`` holds
    ``"host"`` or ``"host:port"`` of private hosts the operator permits.
    """
    raise NotImplementedError
