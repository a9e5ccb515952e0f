"""What the default queue does by the clock. Its consumer (``manage.py run_huey``) finds this file by name.

This is the only place that knows which queue it is. With another one, have its scheduler call
``actions.tasks.resume_vanished`` every few seconds and ``resume_abandoned`` once a minute, ``catch_up`` when
a worker starts, and ``actions.stopping.stop`` when it is told to end.
"""

from __future__ import annotations

from huey import crontab
from huey.contrib.djhuey import HUEY, close_db, db_periodic_task

from prompts_app.actions import stopping, tasks
from prompts_app.actions.execute import give_back

HUEY.look_after_runs = close_db(tasks.resume_vanished)
HUEY.tell_to_stop, HUEY.give_back = stopping.stop, give_back


@db_periodic_task(crontab())  # type: ignore[untyped-decorator]  # huey has no types
def resume_abandoned_runs() -> None:
    """Each minute: what the queue lost, and what waits for an endpoint that has become free."""
    tasks.resume_abandoned()


@HUEY.on_startup()  # type: ignore[untyped-decorator]  # huey has no types
@close_db  # type: ignore[untyped-decorator]  # huey has no types
def take_up_what_was_left() -> None:
    """A worker that starts need not wait for the minute."""
    tasks.catch_up()
