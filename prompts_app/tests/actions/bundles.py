"""Bundled prompts brought in as an import brings them in."""

from collections.abc import Iterable

from prompts_app.actions.importing.apply import import_prompts
from prompts_app.actions.importing.report import ImportReport
from prompts_app.engine.formats import Parsed
from prompts_app.engine.formats.bundle_types import BundledPrompt
from prompts_app.models import User


def import_bundle(owner: User, bundled: Iterable[BundledPrompt]) -> ImportReport:
    return import_prompts(owner, Parsed((), bundled=tuple(bundled)))
