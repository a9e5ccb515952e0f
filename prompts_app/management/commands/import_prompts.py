"""``manage.py import_prompts PATH --owner HANDLE``: prompts out of a file, zip or folder, with a report."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from portfolio.release import ReleasedCommand
from prompts_app.actions.importing.apply import ImportOptions, import_prompts
from prompts_app.actions.importing.report import ImportReport
from prompts_app.engine.budget import MOST_BYTES
from prompts_app.engine.formats import FORMATS, FormatError, Parsed, parse, parse_files
from prompts_app.engine.formats.files import Folder, is_zip
from prompts_app.engine.wording import how_many
from prompts_app.models import User

MOST_LINES = 10  # of each list in the report for people; --json has them all


class Command(ReleasedCommand):
    help = (
        "Import prompts, with cases and results where there are any, as private prompts. A file may name "
        "others in its own folder. Importing the same again makes no doubles."
    )
    on_refusal = "{} Nothing was imported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = "; ".join(kind.label for kind in FORMATS)
        parser.add_argument("path", metavar="PATH", help=f"a file ({kinds}), a zip, or a folder")
        parser.add_argument("--owner", required=True, metavar="HANDLE", help="whose prompts they become")
        parser.add_argument("--dry-run", action="store_true", help="report what would happen, save nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument(
            "--format", default="", choices=[kind.key for kind in FORMATS], help="instead of recognising it"
        )
        parser.add_argument(
            "--keep-placeholders",
            action="store_true",
            help="leave ${name}, [NAME] and {name} as they are instead of making {{variables}} of them",
        )
        parser.add_argument(
            "--separate",
            action="store_true",
            help="make each prompt of a promptfoo configuration a prompt of its own instead of a version",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner(options["owner"])
        parsed = _parsed(Path(options["path"]), options["format"])
        styles = frozenset() if options["keep_placeholders"] else ImportOptions().styles
        choice = ImportOptions(styles, separate=options["separate"])
        report = import_prompts(owner, parsed, dry_run=options["dry_run"], options=choice)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=not _prints_unicode(), indent=2))
        else:
            self._tell(report, owner)

    def _tell(self, report: ImportReport, owner: User) -> None:
        count = report.new
        would = "would be imported" if report.dry_run else "imported"
        self.stdout.write(f"{how_many(count, 'prompt')} {would} for @{owner.handle}, all private.")
        if report.versions > count:
            self.stdout.write(
                f"{report.versions} versions in all: prompts that one file compares on the same cases are "
                "versions of one prompt (--separate keeps them apart)."
            )
        if report.cases:
            self.stdout.write(f"With them: {report.cases} cases, {report.assertions} assertions.")
        if report.results:
            self.stdout.write(f"{report.results} results, kept as the file has them (level 1, imported).")
        for added in report.added_to:
            verb = "would be" if report.dry_run else "were"
            self.stdout.write(f"“{added.prompt.title}” is there already: {added.what} {verb} added to it.")
        self._list("Not carried over", [f"{p.what} ({p.where})" for p in report.unsupported])
        self._list("Skipped", [f"{skip.what}: {skip.why}" for skip in report.skipped])

    def _list(self, heading: str, lines: list[str]) -> None:
        if not lines:
            return
        self.stdout.write(f"{heading}, {len(lines)}:")
        for line in lines[:MOST_LINES]:
            self.stdout.write(f"  {line}")
        if len(lines) > MOST_LINES:
            self.stdout.write(f"  and {len(lines) - MOST_LINES} more; --json lists them all.")


def _owner(handle: str) -> User:
    owner = User.objects.with_handle(handle.removeprefix("@")).first()
    if owner is None:
        raise CommandError(f"There is nobody with the handle “{handle}” here.")
    return owner


def _parsed(path: Path, kind: str) -> Parsed:
    try:
        if path.is_dir():
            return parse_files(Folder(path), hint=kind)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # enough to be refused for its size
        if is_zip(data) or len(data) > MOST_BYTES:
            return parse(path.name, data, hint=kind)
        return parse_files(Folder(path.absolute().parent), only=path.name, hint=kind)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except FormatError as error:
        raise CommandError(f"{path.name or path}: {error} Nothing was imported.") from None


def _prints_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
