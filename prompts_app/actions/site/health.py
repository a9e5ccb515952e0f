"""Whether all parts of the site are at work, for whoever watches it, and the daily tidying."""

import logging
import shutil
from collections.abc import Callable
from time import monotonic

from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import DatabaseError

from portfolio.cache import SharedCache
from prompts_app.models import Heartbeat, Import, Job
from prompts_app.models.page_changes import forget_old_changes

WORKER_BEATS_EVERY_S = 20.0
WORKER_SEEN_WITHIN_S = 60.0
QUEUE_MOVED_WITHIN_S = 180.0  # a task goes through each minute; while every worker is busy, none does
LEAST_FREE = 200 * 1024 * 1024  # bytes of disk

log = logging.getLogger(__name__)


def readiness() -> dict[str, bool]:
    """Part → whether it is at work. Without the database nothing is known of worker and queue."""
    checks: dict[str, Callable[[], bool]] = {
        "database": _can_write,
        "worker": lambda: Heartbeat.objects.was_seen(Heartbeat.Part.WORKER, WORKER_SEEN_WITHIN_S),
        "queue": lambda: Heartbeat.objects.was_seen(Heartbeat.Part.QUEUE, QUEUE_MOVED_WITHIN_S),
        "disk": lambda: shutil.disk_usage(settings.DATA_DIR).free >= LEAST_FREE,
    }
    return {part: _holds(part, check) for part, check in checks.items()}


def _can_write() -> bool:
    Heartbeat.objects.beat(Heartbeat.Part.WEB)
    return True


def _holds(part: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OSError):
        log.warning("Not ready: %s", part, exc_info=True)
        return False


_next_beat = 0.0


def beat_now_and_then() -> None:
    """This worker's schedule runs."""
    global _next_beat
    if monotonic() >= _next_beat:
        _next_beat = monotonic() + WORKER_BEATS_EVERY_S
        Heartbeat.objects.beat(Heartbeat.Part.WORKER)


def tidy_up() -> None:
    """Each day: sessions, counted tries and changes of pages that ran out, uploaded files whose import nobody
    said yes to, exports of the day before."""
    call_command("clearsessions")
    if isinstance(cache := caches["default"], SharedCache):
        cache.drop_what_ran_out()
    forget_old_changes()
    Import.objects.left_behind().delete()
    Job.objects.left_behind().delete()
