"""`manage.py verify_evidence FILE`: what holds of a sealed record."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prompts_app.actions.seal import NOT_PROVEN, Verdict, verify
from prompts_app.engine.seals import check_file

MARK = {True: "holds   ", False: "FAILS   ", None: "unknown "}


class Command(BaseCommand):
    help = "Checks a sealed record against this site's keys and seals; exit status 1 if it does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--keys", type=Path, help="a key set (jwks.json) to check against, without the database"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = _json(options["file"])
        verdict = _offline(sealed, _json(options["keys"])) if options["keys"] else verify(sealed)
        for finding in verdict.findings:
            self.stdout.write(f"{MARK[finding.holds]}{finding.name}: {finding.sentence}")
        for sentence in NOT_PROVEN:
            self.stdout.write(f"note    {sentence}")
        if not verdict.holds:
            raise CommandError("The record does not hold.")


def _offline(sealed: Any, keys: Any) -> Verdict:
    statement, findings = check_file(sealed, keys)
    return Verdict(findings, statement)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as why:
        raise CommandError(f"{path} cannot be read: {why.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is not JSON.") from None
