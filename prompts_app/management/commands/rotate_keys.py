"""`manage.py rotate_keys`: every stored secret under the first of ENDPOINT_KEYS."""

from argparse import ArgumentParser
from typing import Any

from portfolio.release import ReleasedCommand
from prompts_app.actions.runs.seal import new_signing_key
from prompts_app.actions.site.keys import rotate_keys


class Command(ReleasedCommand):
    help = (
        "Encrypts endpoint keys, signing keys and second steps again with the first of ENDPOINT_KEYS. Put "
        "the new key in front of the old one, restart, run this, then take the old one away."
    )
    on_refusal = "Nothing was changed. {}"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--signing",
            action="store_true",
            help="also start signing with a new key; the old one stays in the key set",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rotation = rotate_keys()
        self.stdout.write(
            f"Rotated {rotation.endpoints} endpoint keys, {rotation.signing_keys} signing keys and "
            f"{rotation.second_steps} second steps."
        )
        for name in rotation.unreadable:
            self.stderr.write(f"Not readable with any key, left as it is: {name}")
        if options["signing"]:
            self.stdout.write(f"Signing with a new key from now on: {new_signing_key().kid}")
