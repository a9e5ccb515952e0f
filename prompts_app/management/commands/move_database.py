"""`manage.py move_database --to URL`: everything to another database, SQLite or Postgres."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from portfolio.addresses import database_at
from portfolio.release import ReleasedCommand
from prompts_app.actions.site.move import MovedRows, check_at_rest, move_all, other_database


class Command(ReleasedCommand):
    help = (
        "Copies every row to another database, exactly, and checks counts, rows and seals. Stop the web "
        "server and all workers first. This database stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to", required=True, metavar="URL", help="as DATABASE_URL: postgres://… or sqlite:///…; empty"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["to"]
        database = _database(url)
        check_at_rest()
        self.stdout.write("Making the tables there …")
        _migrate(url)
        self.stdout.write("Copying, and comparing every row …")
        with other_database(database):
            moved = move_all()
        self._report(moved)

    def _report(self, moved: MovedRows) -> None:
        for table, count in sorted(moved.rows.items()):
            if count:
                self.stdout.write(f"  {count:>9,}  {table}")
        self.stdout.write(f"{sum(moved.rows.values()):,} rows are there as they are here.")
        self.stdout.write(f"{moved.seals:,} seals hold there.")
        if moved.broken:
            self.stdout.write(f"{moved.broken:,} did not hold here, and do not there.")
        self.stdout.write(
            "Next: set DATABASE_URL to the address you gave, with the same SECRET_KEY and ENDPOINT_KEYS, and "
            "start web server and workers. Keep this database until you have seen the site; from now on "
            "nothing goes from one to the other."
        )


def _database(url: str) -> dict[str, Any]:
    try:
        database = database_at(url, sqlite_timeout_s=20)
    except (ValueError, KeyError) as error:
        raise CommandError(f"That is no address of a database: {error}") from None
    names = ("NAME", "HOST", "PORT")
    if [str(database.get(name)) for name in names] == [str(connection.settings_dict[name]) for name in names]:
        raise CommandError("That is the database all this is in already.")
    return database


def _migrate(url: str) -> None:
    """In a process of its own: there, it is the one database. Checked was all by this command."""
    program = str(settings.BASE_DIR / "manage.py")
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, program, "migrate", "--no-input", "--verbosity", "0", "--skip-checks"],
        env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip() or "no reason was given").splitlines()[-1]
        raise CommandError(f"The tables could not be made there, and nothing was moved: {last}")
