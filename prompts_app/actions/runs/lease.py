"""Who works on a run: a claim with an end, taken by compare-and-set.

A worker that vanishes says nothing. Its lease runs out instead, and another worker goes on. Each write
below names the claim it believes in, so that a worker which slept through the end of its lease cannot
undo what its successor did.
"""

from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from prompts_app.models import Endpoint, Run
from prompts_app.models.clock import now_plus
from prompts_app.models.evidence import RunQuerySet


def claim(run_id: int, worker: str) -> bool:
    """Take the run for ``worker``, if it is under way, nobody holds it, and its endpoint is free. Asked twice
    by the same worker, the answer is the same.

    Runs on one endpoint go one after the other: the limit on calls at once is the endpoint's.
    """
    with transaction.atomic():
        _stand_in_line(run_id)
        return _take(run_id, worker) or _held_by(run_id, worker).exists()


def _stand_in_line(run_id: int) -> None:
    """Of two that claim runs on one endpoint in the same instant, the second waits here for the first to
    commit, and then sees its lease. SQLite has one writer at a time anyway."""
    endpoint = Run.objects.filter(pk=run_id).values("endpoint")
    list(Endpoint.objects.select_for_update(no_key=True).filter(pk__in=endpoint).values_list("pk"))


def _take(run_id: int, worker: str) -> bool:
    return bool(
        claimable()
        .filter(pk=run_id)
        .update(
            claim=worker,
            lease_until=_end(),
            state=Run.State.RUNNING,
            started_at=Coalesce("started_at", Value(timezone.now())),
            # A claim that is still there is one whose worker never gave it back.
            resumed=F("resumed") + Case(When(claim="", then=0), default=1),
        )
    )


def claimable() -> RunQuerySet:
    """Runs under way that nobody holds, whose endpoint is free; one that only has to be ended needs none."""
    return Run.objects.abandoned().exclude(Exists(_others_on_its_endpoint()), cancel_requested=False)


def _others_on_its_endpoint() -> QuerySet[Run]:
    return Run.objects.held().filter(~Q(pk=OuterRef("pk")), endpoint=OuterRef("endpoint"))


def renew(run_id: int, worker: str) -> bool:
    """Hold it for another while. False where the run is no longer this worker's."""
    return bool(_held_by(run_id, worker).update(lease_until=_end()))


def finish(run_id: int, worker: str, state: str, stop_reason: str = "") -> bool:
    """End the run and give it back. False, and nothing written, where it is no longer this worker's."""
    return bool(
        _held_by(run_id, worker).update(
            state=state, stop_reason=stop_reason, finished_at=timezone.now(), claim="", lease_until=None
        )
    )


def release_all(workers: Collection[str]) -> None:
    """Give back what these workers hold, unfinished: others may go on at once."""
    Run.objects.under_way().filter(claim__in=workers).update(claim="", lease_until=None)


def notice_vanished() -> int:
    """Runs whose worker let its lease run out; how many. Each is told once: from then on it waits as one
    that was never taken up. Its claim stays, so that a worker that is only late may still go on."""
    lapsed = Run.objects.abandoned().filter(state=Run.State.RUNNING, lease_until__isnull=False)
    return lapsed.update(lease_until=None)


def renew_every() -> float:
    """Seconds between two renewals: one may fail, and one come late, before the lease runs out."""
    return settings.RUN_LEASE_S / 3


def _held_by(run_id: int, worker: str) -> QuerySet[Run]:
    return Run.objects.filter(pk=run_id, claim=worker, state=Run.State.RUNNING)


def _end() -> Combinable:
    return now_plus(settings.RUN_LEASE_S)
