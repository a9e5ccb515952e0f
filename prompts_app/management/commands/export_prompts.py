"""``manage.py export_prompts HANDLE[/SLUG] --format FORMAT``: an author's work as files."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

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
        kind = OTHER_NAMES.get(options["format"], options["format"])
        files = 1 if kind == "bundle" else prompts.count()
        if options["output"] is None and files > 1:
            raise CommandError(f"That is {files} files. Say where they go with --output FOLDER.")
        try:
            self._write(export(owner, prompts, kind), options["output"])
        except Refused as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from None

    def _write(self, files: Iterator[tuple[str, Iterable[str]]], folder: Path | None) -> None:
        """Under its own name only when it is whole."""
        written = 0
        for name, parts in files:
            written += 1
            if folder is None:
                for part in parts:
                    self.stdout.write(part, ending="")
                continue
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f".{name}.unfinished"
            with unfinished.open("w", encoding="utf-8") as file:
                file.writelines(parts)
            unfinished.replace(folder / name)
        if folder is not None:
            self.stdout.write(f"Wrote {how_many(written, 'file')} to {folder}.")


def _chosen(what: str) -> tuple[User, QuerySet[Prompt]]:
    handle, _, slug = what.removeprefix("@").partition("/")
    owner = User.objects.with_handle(handle).select_related("profile").first()
    if owner is None:
        raise CommandError(f"There is nobody with the handle “{handle}” here.")
    prompts = Prompt.objects.owned_by(owner)
    chosen = prompts.filter(slug=slug) if slug else prompts
    if slug and not chosen.exists():
        raise CommandError(f"@{owner.handle} has no prompt with the address “{slug}”.")
    return owner, chosen
