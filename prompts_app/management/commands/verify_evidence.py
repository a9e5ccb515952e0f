"""`manage.py verify_evidence FILE`: what holds of a sealed record."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prompts_app.actions.prompts.reveal import verify_with
from prompts_app.actions.runs.seal import NOT_PROVEN, Verdict
from prompts_app.engine.errors import SealError
from prompts_app.engine.seals import check_file, check_picture, read_file

MARK = {True: "holds   ", False: "FAILS   ", None: "unknown "}


class Command(BaseCommand):
    help = "Checks a sealed record against this site's keys and seals; exit status 1 if it does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--picture", type=Path, help="a picture of one of its results, or the file it was made from"
        )
        parser.add_argument(
            "--keys", type=Path, help="a key set (jwks.json) to check against, without the database"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = _sealed(options["file"])
        verdict = _offline(sealed, _json(options["keys"])) if options["keys"] else verify_with(sealed, [])
        if options["picture"]:
            found = check_picture(sealed, _bytes(options["picture"]))
            verdict = replace(verdict, findings=(*verdict.findings, found))
        for finding in verdict.findings:
            self.stdout.write(f"{MARK[finding.holds]}{finding.name}: {finding.sentence}")
        for sentence in NOT_PROVEN:
            self.stdout.write(f"note    {sentence}")
        if not verdict.holds:
            raise CommandError("The record does not hold.")
        if not verdict.vouches:
            raise CommandError(
                "The signature holds, but not for what is in this file: parts of it are masked."
            )


def _offline(sealed: Any, keys: Any) -> Verdict:
    statement, findings = check_file(sealed, keys)
    return Verdict(findings, statement)


def _sealed(path: Path) -> Any:
    try:
        return read_file(_bytes(path))
    except SealError as why:
        raise CommandError(f"{path}: {why}") from None


def _json(path: Path) -> Any:
    try:
        return json.loads(_bytes(path))
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is not JSON.") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as why:
        raise CommandError(f"{path} cannot be read: {why.strerror}.") from None
