"""What the default queue does by the clock. Its consumer (``manage.py run_huey``) finds this file by name.

This is the only place that knows which queue it is. With another one, have its scheduler call
``actions.tasks.look_after`` every few seconds, ``each_minute`` and ``each_day`` through the queue,
``catch_up`` when a worker starts, and ``actions.runs.stopping.stop`` when it is told to end.
"""

from huey import crontab
from huey.contrib.djhuey import HUEY, close_db, db_periodic_task

from prompts_app.actions import tasks
from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.execute import give_back

HUEY.look_after_runs = close_db(tasks.look_after)
HUEY.tell_to_stop, HUEY.give_back = stopping.stop, give_back


@db_periodic_task(crontab())  # type: ignore[untyped-decorator]  # huey has no types
def each_minute() -> None:
    tasks.each_minute()


@db_periodic_task(crontab(hour="3", minute="17"))  # type: ignore[untyped-decorator]  # huey has no types
def each_day() -> None:
    tasks.each_day()


@HUEY.on_startup()  # type: ignore[untyped-decorator]  # huey has no types
@close_db  # type: ignore[untyped-decorator]  # huey has no types
def take_up_what_was_left() -> None:
    """A worker that starts need not wait for the minute."""
    tasks.catch_up()
