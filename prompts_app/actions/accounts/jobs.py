"""Work on a whole account, in steps that are each a short transaction. As with runs, the row is the truth
(ADR 0001): a worker may be killed between any two steps, and another goes on from what the row says."""

import logging
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from django.db import transaction
from django.tasks import task
from django.utils import timezone

from portfolio.database import AWAY, is_away
from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.turns import Turns
from prompts_app.models import Job, User

# One step of a job: within a transaction that holds its row, it may change ``cursor`` and ``done``. Whether
# there is more.
type Step = Callable[[Job], bool]

_steps: dict[Job.Kind, Step] = {}  # see ``does``

log = logging.getLogger(__name__)


def does(kind: Job.Kind) -> Callable[[Step], Step]:
    """Marks a step as that of this kind of job; it stands with the noun."""

    def said(step: Step) -> Step:
        _steps[kind] = step
        return step

    return said


@task
def run_job_task(job_id: int) -> None:
    if kind := Job.objects.filter(pk=job_id).values_list("kind", flat=True).first():
        work_on(job_id, _steps[Job.Kind(kind)])


def resume_jobs() -> int:
    """Enqueue those under way that no worker holds; how many. Twice does no harm."""
    waiting = Job.objects.all().next_in_line()
    for pk in waiting:
        run_job_task.enqueue(pk)
    return len(waiting)


def begin(owner: User, kind: Job.Kind, total: int, step: Step | None = None) -> Job:
    """The job of this kind, from its beginning, whoever is at work on it now. Done when this returns where
    ``step`` is given, which is for small ones; else by a worker."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # of two at once, one waits
        under_way = Job.objects.under_way().filter(owner=owner, kind=kind).select_for_update()
        job = under_way.first() or Job(owner=owner, kind=kind)
        job.state, job.claim, job.lease_until = Job.State.QUEUED, "", None
        job.total, job.done, job.cursor = total, 0, {}
        job.save()
        job.parts.all().delete()
    if step:
        work_on(job.pk, step)
    else:
        transaction.on_commit(lambda: run_job_task.enqueue(job.pk), robust=True)
    return job


def work_on(pk: int, step: Step) -> None:
    """Go on with it, unless somebody else does."""
    worker = str(uuid4())
    if not Job.objects.claim(pk, worker, state=Job.State.RUNNING):
        return
    turns = Turns()
    try:
        while _step(pk, worker, step):
            if stopping.is_stopping():
                return
            turns.give()
    except Exception as error:
        if is_away(error):  # a database that is away is no fault of the job: its lease runs out
            return
        log.exception("Job %s failed", pk)
        # An export its owner sees fail, and begins again. Nobody sees the others: they are tried again.
        failed = {"state": Job.State.FAILED, "finished_at": timezone.now()}
        Job.objects.filter(kind=Job.Kind.EXPORT).give_back(pk, worker, **failed)
    finally:
        with suppress(*AWAY):
            Job.objects.give_back(pk, worker)


@transaction.atomic
def _step(pk: int, worker: str, step: Step) -> bool:
    """Whether there is more to do, for this worker. The last step and its end are one: whoever begins the job
    again meanwhile gets another."""
    job = (
        Job.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(pk=pk, claim=worker)
        .first()
    )
    if job is None:
        return False
    is_more = step(job)
    left = {"cursor": job.cursor, "done": job.done}
    if is_more:
        return Job.objects.renew(pk, worker, **left)
    Job.objects.give_back(pk, worker, state=Job.State.DONE, finished_at=timezone.now(), **left)
    return False
