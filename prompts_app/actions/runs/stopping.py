"""Ending a worker well: what it does is told, stores what came, and is given back to go on elsewhere.

Nothing here waits. Whoever works asks ``is_told`` between two steps.
"""

from __future__ import annotations

from time import monotonic

STOPPING = "stopping"  # the engine's word: nothing is wrong, and another worker goes on
GRACE_S = 5.5  # how long calls in flight are awaited: they are paid for

_told_at: float | None = None


def stop() -> None:
    """Tell all that work in this process. Said again, it changes nothing."""
    global _told_at
    _told_at = _told_at or monotonic()


def is_told() -> bool:
    return _told_at is not None


def is_time_up() -> bool:
    """Whether what is still under way must end as it is."""
    return _told_at is not None and monotonic() - _told_at >= GRACE_S
