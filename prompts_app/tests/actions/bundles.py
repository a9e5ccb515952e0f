"""A bundle kept as an import keeps it, with what became of each prompt."""

from collections.abc import Iterable

from django.db import transaction

from prompts_app.actions.importing.bundle import BundleImport, Kept
from prompts_app.engine.formats.bundle_types import BundledPrompt
from prompts_app.models import User


@transaction.atomic
def import_bundle(owner: User, bundled: Iterable[BundledPrompt]) -> Kept:
    importing = BundleImport(owner)
    return Kept.together([importing.keep(prompt) for prompt in bundled])
