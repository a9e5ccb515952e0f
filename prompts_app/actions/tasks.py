"""What is done in the background. Code elsewhere enqueues these and knows nothing of the queue."""

from __future__ import annotations

from django.tasks import task

from prompts_app.actions.accounts.email_addresses import forget_unconfirmed
from prompts_app.actions.runs import lease
from prompts_app.actions.runs.counting import count_mended, rebuild_older
from prompts_app.actions.runs.seal import seal_unsealed
from prompts_app.actions.site.health import beat_now_and_then, tidy_up
from prompts_app.evidence.listings import fold_new_counts, write_missing
from prompts_app.models import Heartbeat, Import, Job


@task
def execute_run_task(run_id: int) -> bool:
    from prompts_app.actions.runs.execute import execute_run  # it enqueues the next run, through this module

    return execute_run(run_id)


def enqueue_run(run_id: int) -> None:
    execute_run_task.enqueue(run_id)


@task
def rebuild_older_summaries_task() -> None:
    if count_mended() or rebuild_older():
        rebuild_older_summaries_task.enqueue()


@task
def write_missing_listings_task() -> None:
    if write_missing():
        write_missing_listings_task.enqueue()


@task
def run_import_task(import_id: int) -> None:
    from prompts_app.actions.importing.job import run_import  # it enqueues itself, through this module

    run_import(import_id)


def resume_imports() -> int:
    """Enqueue those under way that no worker holds; how many. Twice does no harm."""
    waiting = list(Import.objects.claimable().order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        run_import_task.enqueue(pk)
    return len(waiting)


@task
def run_job_task(job_id: int) -> None:
    # They enqueue this task.
    from prompts_app.actions.accounts import accounts, deletion, jobs
    from prompts_app.actions.exporting import job as exporting

    steps = {
        Job.Kind.DELETE_ACCOUNT: deletion.delete_some,
        Job.Kind.REFRESH: accounts.refresh_some,
        Job.Kind.EXPORT: exporting.export_next,
    }
    if kind := Job.objects.filter(pk=job_id).values_list("kind", flat=True).first():
        jobs.work_on(job_id, steps[Job.Kind(kind)])


def resume_jobs() -> int:
    """Enqueue those under way that no worker holds; how many. Twice does no harm."""
    waiting = list(Job.objects.claimable().order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        run_job_task.enqueue(pk)
    return len(waiting)


@task
def seal_unsealed_task() -> None:
    seal_unsealed()


@task
def deliver_mail_task() -> int:
    from prompts_app.actions.accounts.mail import deliver_mail  # it enqueues this task

    return deliver_mail()


def catch_up() -> None:
    """To be called when a worker starts, which it does after every upgrade, and when a key was put back."""
    resume_abandoned()
    resume_imports()
    resume_jobs()
    rebuild_older_summaries_task.enqueue()
    write_missing_listings_task.enqueue()
    seal_unsealed_task.enqueue()


def enqueue_next(endpoint_id: int | None) -> None:
    """Enqueue the run that waited longest for this endpoint, if one does."""
    waiting = lease.claimable().filter(endpoint=endpoint_id).order_by("created_at", "pk")
    run_id = waiting.values_list("pk", flat=True).first()
    if run_id is not None:
        enqueue_run(run_id)


def look_after() -> None:
    """Every few seconds, by each worker. Cheap."""
    beat_now_and_then()
    resume_vanished()


def each_minute() -> None:
    """Through the queue: what it lost, what waits for an endpoint that has become free, mail that is due."""
    Heartbeat.objects.beat(Heartbeat.Part.QUEUE)
    resume_abandoned()
    resume_imports()
    resume_jobs()
    fold_new_counts()
    deliver_mail_task.enqueue()


def each_day() -> None:
    """Through the queue, at night."""
    tidy_up()
    forget_unconfirmed()
    write_missing_listings_task.enqueue()


def resume_vanished() -> int:
    """As ``resume_abandoned``, where a worker has vanished since this was last asked."""
    return resume_abandoned() if lease.notice_vanished() else 0


def resume_abandoned() -> int:
    """For every endpoint, enqueue the next run that no worker holds; how many. Twice does no harm.

    A queue may lose a job, and a killed worker loses the one it had: the run's row knows.
    """
    waiting = lease.claimable().order_by("created_at", "pk").values_list("endpoint_id", "pk")
    first_of_each = dict(reversed(waiting))
    for run_id in first_of_each.values():
        enqueue_run(run_id)
    return len(first_of_each)
