"""Django's ``migrate``: the triggers of stored pages are away meanwhile, and made anew after."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from portfolio.release import what_is_half_done
from prompts_app.models import page_triggers


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        using = options["database"]
        if sentence := what_is_half_done(connections[using]):
            raise CommandError(sentence)
        only_looks = options["check_unapplied"] or options["plan"]
        if not only_looks:
            page_triggers.drop_triggers(using)
        super().handle(*args, **options)
        if not only_looks and _is_complete(using):
            page_triggers.make_triggers(using)


def _is_complete(using: str) -> bool:
    """Not where somebody asked for an earlier state, which may lack tables."""
    executor = MigrationExecutor(connections[using])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
