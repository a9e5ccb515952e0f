"""`manage.py run_huey`: the worker. huey's own command, on the database of this release only."""

from typing import Any

from huey.contrib.djhuey.management.commands.run_huey import Command as Worker

from portfolio.release import check_release
from prompts_app.actions.runs.db_retry import persistently


class Command(Worker):  # type: ignore[misc]  # huey has no types
    def handle(self, *args: Any, **options: Any) -> None:
        persistently(check_release)  # a database that is away for a while is waited for
        super().handle(*args, **options)
