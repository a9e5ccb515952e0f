"""``manage.py load_demo``: the sample content of a new installation. A second time it changes nothing."""

from argparse import ArgumentParser
from typing import Any

from portfolio.release import ReleasedCommand
from prompts_app.actions.demo.load import DEMO_HANDLE, DEMO_PASSWORD, load_demo


class Command(ReleasedCommand):
    help = "Load the sample authors and, on a local site, the demo account. Your own rows are not touched."
    on_refusal = "The sample content is damaged: {}"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help="bring back what was deleted here")

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_demo(again=options["again"])
        if loaded.added:
            self.stdout.write(f"Loaded {len(loaded.added)} sample prompts.")
        for sentence in loaded.left:
            self.stdout.write(sentence)
        if loaded.account:
            self.stdout.write(f"Demo sign-in: {DEMO_HANDLE}, password {DEMO_PASSWORD}.")
