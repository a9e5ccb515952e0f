"""Ending a worker well: what it does is told to stop, stores what came, and is given back to go on elsewhere.

Nothing here waits. Whoever works asks ``is_stopping`` between two steps.
"""

from time import monotonic

STOPPING = "stopping"  # why a run stops: nothing is wrong, and another worker goes on
GRACE_S = 5.5  # how long calls in flight are awaited: they are paid for

_stopping_since: float | None = None


def stop() -> None:
    """Tell all that work in this process. Said again, it changes nothing."""
    global _stopping_since
    _stopping_since = _stopping_since or monotonic()


def is_stopping() -> bool:
    return _stopping_since is not None


def is_time_up() -> bool:
    """Whether what is still under way must end as it is."""
    return _stopping_since is not None and monotonic() - _stopping_since >= GRACE_S
