"""`manage.py free_handle HANDLE`: the operator lets a handle go that nobody has any more."""

from argparse import ArgumentParser
from typing import Any

from portfolio.release import ReleasedCommand
from prompts_app.actions.accounts.accounts import free_handle


class Command(ReleasedCommand):
    help = (
        "Lets anybody take a handle that was given up for another, or whose account was deleted. Its old "
        "addresses will be the new owner's: links and CVs that name them lead to somebody else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("handle")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(free_handle(options["handle"].removeprefix("@")))
