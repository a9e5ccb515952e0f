"""What is done by the clock, and when a worker starts. No other action knows of it: what a noun does in the
background stands with the noun."""

from django.tasks import task

from prompts_app.actions.accounts import accounts, deletion  # noqa: F401  they say which jobs they do
from prompts_app.actions.accounts.email_addresses import forget_unconfirmed
from prompts_app.actions.accounts.jobs import resume_jobs
from prompts_app.actions.accounts.mail import deliver_mail_task
from prompts_app.actions.exporting import job  # noqa: F401  so does it
from prompts_app.actions.importing.job import resume_imports
from prompts_app.actions.prompts.many import purge_deleted
from prompts_app.actions.runs.counting import count_mended, rebuild_older
from prompts_app.actions.runs.execute import enqueue_run
from prompts_app.actions.runs.seal import seal_unsealed
from prompts_app.actions.site.health import beat_now_and_then, tidy_up
from prompts_app.actions.tries.asking import end_vanished_tries
from prompts_app.evidence.listings import fold_new_counts, write_missing
from prompts_app.models import Heartbeat, Run


@task
def rebuild_older_summaries_task() -> None:
    if count_mended() or rebuild_older():
        rebuild_older_summaries_task.enqueue()


@task
def write_missing_listings_task() -> None:
    if write_missing():
        write_missing_listings_task.enqueue()


@task
def seal_unsealed_task() -> None:
    seal_unsealed()


def catch_up() -> None:
    """To be called when a worker starts, which it does after every upgrade, and when a key was put back."""
    resume_abandoned()
    resume_imports()
    resume_jobs()
    rebuild_older_summaries_task.enqueue()
    write_missing_listings_task.enqueue()
    seal_unsealed_task.enqueue()


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
    end_vanished_tries()
    fold_new_counts()
    deliver_mail_task.enqueue()


def each_day() -> None:
    """Through the queue, at night."""
    tidy_up()
    forget_unconfirmed()
    purge_deleted()
    write_missing_listings_task.enqueue()


def resume_vanished() -> int:
    """As ``resume_abandoned``, where a worker has vanished since this was last asked."""
    return resume_abandoned() if Run.objects.notice_vanished() else 0


def resume_abandoned() -> int:
    """For every endpoint, enqueue the next run that no worker holds; how many. Twice does no harm.

    A queue may lose a job, and a killed worker loses the one it had: the run's row knows.
    """
    waiting = Run.objects.all().next_in_line()
    for run_id in waiting:
        enqueue_run(run_id)
    return len(waiting)
