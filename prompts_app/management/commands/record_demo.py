"""``manage.py record_demo``: put the sample prompts to real models and write the bundles that ship.

For maintainers; see docs/demo-content.md.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from portfolio.release import ReleasedCommand
from prompts_app.actions.demo.load import BUNDLES
from prompts_app.actions.demo.record import ServedModel, record_all


class Command(ReleasedCommand):
    help = "Record the sample content against real models (maintainers; see docs/demo-content.md)."
    on_refusal = "{} Nothing more was recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--model", action="append", nargs=2, required=True, metavar=("NAME", "URL"),
            help="as its server lists it, and that server; the first is the one the prompts are written for",
        )  # fmt: skip
        parser.add_argument("--author", action="append", default=[], metavar="HANDLE", help="only this one")
        parser.add_argument(
            "--prompt", action="append", default=[], metavar="SLUG",
            help="only this one; the author's others stay as they were recorded",
        )  # fmt: skip
        parser.add_argument("--to", type=Path, default=BUNDLES, metavar="FOLDER", help="where bundles go")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENDPOINT_CONCURRENCY != 1:
            raise CommandError(
                "Set ENDPOINT_CONCURRENCY=1. With more calls at once a small model server makes them wait, "
                "and the recorded latency would be that of its queue."
            )
        options["to"].mkdir(parents=True, exist_ok=True)
        models = [ServedModel(name, url) for name, url in options["model"]]
        written = record_all(
            options["to"], models, self._tell, handles=options["author"], slugs=options["prompt"]
        )
        for path in written:
            self._tell(f"Wrote {path}, {path.stat().st_size:,} bytes.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
