"""``manage.py forget_pages``: every stored page is made anew when it is next asked for."""

from typing import Any

from portfolio.release import ReleasedCommand
from prompts_app.models.page_changes import SITE, change


class Command(ReleasedCommand):
    help = "Serve no stored page again: after rows were changed past the triggers, or to measure."

    def handle(self, **options: Any) -> None:
        change(SITE)
        self.stdout.write("No page that was stored until now is served again.")
