"""``manage.py record_demo``: put the sample prompts to a real model and write the bundles that ship.

For maintainers; see docs/demo-content.md.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from portfolio.release import ReleasedCommand
from prompts_app.actions.demo.load import BUNDLES
from prompts_app.actions.demo.record import record_all


class Command(ReleasedCommand):
    help = "Record the sample content against a real model (maintainers; see docs/demo-content.md)."
    on_refusal = "{} Nothing more was recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", required=True, metavar="URL", help="an OpenAI-compatible server")
        parser.add_argument("--model", required=True, help="the model's name as the server lists it")
        parser.add_argument("--to", type=Path, default=BUNDLES, metavar="FOLDER", help="where bundles go")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENDPOINT_CONCURRENCY != 1:
            raise CommandError(
                "Set ENDPOINT_CONCURRENCY=1. With more calls at once a small model server makes them wait, "
                "and the recorded latency would be that of its queue."
            )
        options["to"].mkdir(parents=True, exist_ok=True)
        written = record_all(
            options["to"], base_url=options["base_url"], model=options["model"], tell=self._tell
        )
        for path in written:
            self._tell(f"Wrote {path}, {path.stat().st_size:,} bytes.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
