"""``manage.py export_prompts HANDLE[/SLUG] --format FORMAT``: an author's work as files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prompts_app.actions.exporting.export import EXTENSIONS, export
from prompts_app.engine.errors import Refused
from prompts_app.engine.wording import how_many
from prompts_app.models import Prompt, User

OTHER_NAMES = {"markdown": "md"}


class Command(BaseCommand):
    help = (
        "Write an author's prompts: a bundle (everything, with all runs), a promptfoo configuration (all "
        "versions and cases), messages JSON or Markdown (the newest version)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", metavar="HANDLE[/SLUG]")
        parser.add_argument("--format", default="bundle", choices=[*EXTENSIONS, *OTHER_NAMES])
        parser.add_argument(
            "--output", "--to", type=Path, metavar="FOLDER", help="write files there, not to the screen"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner, prompts = _chosen(options["what"])
        try:
            kind = OTHER_NAMES.get(options["format"], options["format"])
            files = export(owner, prompts, kind, everything=True)
        except Refused as error:
            raise CommandError(str(error)) from None
        if options["output"] is None:
            self._show(files)
        else:
            self._write(files, options["output"])

    def _show(self, files: dict[str, str]) -> None:
        if len(files) > 1:
            raise CommandError(f"That is {len(files)} files. Say where they go with --output FOLDER.")
        self.stdout.write("".join(files.values()), ending="")

    def _write(self, files: dict[str, str], folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"Wrote {how_many(len(files), 'file')} to {folder}.")


def _chosen(what: str) -> tuple[User, list[Prompt]]:
    handle, _, slug = what.removeprefix("@").partition("/")
    owner = User.objects.with_handle(handle).select_related("profile").first()
    if owner is None:
        raise CommandError(f"There is nobody with the handle “{handle}” here.")
    prompts = Prompt.objects.owned_by(owner).prefetch_related("versions", "tags").order_by("slug")
    chosen = list(prompts.filter(slug=slug) if slug else prompts)
    if slug and not chosen:
        raise CommandError(f"@{owner.handle} has no prompt with the address “{slug}”.")
    return owner, chosen
