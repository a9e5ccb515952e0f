"""What the default queue does by the clock. Its consumer (``manage.py run_huey``) finds this file by name.

This is the only place that knows which queue it is. With another one, have its scheduler call
``actions.tasks.resume_abandoned`` once a minute, and ``catch_up`` when a worker starts.
"""

from __future__ import annotations

from huey import crontab
from huey.contrib.djhuey import HUEY, close_db, db_periodic_task

from prompts_app.actions import tasks


@db_periodic_task(crontab())  # type: ignore[untyped-decorator]  # huey has no types
def resume_abandoned_runs() -> None:
    """Each minute: with the lease's 25 s, a run whose worker vanished goes on within 90 s."""
    tasks.resume_abandoned()


@HUEY.on_startup()  # type: ignore[untyped-decorator]  # huey has no types
@close_db  # type: ignore[untyped-decorator]  # huey has no types
def take_up_what_was_left() -> None:
    """A worker that starts need not wait for the minute."""
    tasks.catch_up()
