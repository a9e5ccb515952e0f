"""Whether this release and its database belong together: started on another's, it would spoil rows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from prompts_app.engine.errors import Refused
from prompts_app.models import page_triggers

OURS = "prompts_app"  # of other apps, names of migrations may go with a release of theirs


def what_does_not_fit() -> str:
    """In one sentence that says what to do; empty where all is well."""
    if sentence := what_is_half_done(connection):
        return sentence
    executor = MigrationExecutor(connection)
    known = {key for key, one in executor.loader.disk_migrations.items() for key in (key, *one.replaces)}
    unknown = [key for key in executor.loader.applied_migrations if key[0] == OURS and key not in known]
    if unknown:
        newest = max(name for _, name in unknown)
        return (
            f"This release is older than its database, which has {newest}: start the newer release again, or "
            "give this one the copy of the database from before the upgrade."
        )
    if executor.migration_plan(executor.loader.graph.leaf_nodes()) or not page_triggers.are_there():
        return "The database is not ready for this version. Run `manage.py migrate`, or serve with --prepare."
    return ""


def what_is_half_done(at: BaseDatabaseWrapper) -> str:
    """In one sentence, where the database has some of what one squashed migration replaces. Only a version
    between two releases made such a one, and nothing leads from there to this release."""
    loader = MigrationLoader(at, load=False)
    loader.load_disk()
    applied = MigrationRecorder(at).applied_migrations()
    for key, migration in loader.disk_migrations.items():
        done = [one for one in migration.replaces if one in applied]
        if done and key not in applied and len(done) < len(migration.replaces):
            has, last = max(done)[1], migration.replaces[-1][1]
            return (
                f"This database cannot be upgraded as it is: it has {has}, one of several migrations that "
                f"are the one {key[1]} now, and lacks others of them. Run `manage.py migrate` of a version "
                f"that still has {last}, and then this one's."
            )
    return ""


def check_release() -> None:
    """Raises CommandError where this release is not to be started on this database."""
    if sentence := what_does_not_fit():
        raise CommandError(sentence)


class ReleasedCommand(BaseCommand):
    """A command that writes: not on the database of another release. What is refused ends it with the
    sentence, in ``on_refusal``, and the status ``refused_status``."""

    on_refusal = "{}"
    refused_status = 1

    def execute(self, *args: Any, **options: Any) -> str | None:
        check_release()
        try:
            return super().execute(*args, **options)
        except Refused as refused:
            sentence = self.on_refusal.format(refused)
            raise CommandError(sentence, returncode=self.refused_status) from None
