"""A file between its upload and the author's yes, kept here: what a browser sends back is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from prompts_app.actions.import_ import ImportOptions, ImportReport, import_prompts
from prompts_app.engine.formats import Parsed
from prompts_app.models import ImportDraft, User

KEPT_FOR = timedelta(days=1)
MOST_KEPT = 3  # files of one author; an older one goes when a new one comes


def keep_file(owner: User, name: str, data: bytes) -> ImportDraft:
    """The file, for the pages that follow. Those that nobody came back for go."""
    ImportDraft.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    older = ImportDraft.objects.filter(owner=owner).order_by("-pk").values_list("pk", flat=True)
    ImportDraft.objects.filter(pk__in=list(older[MOST_KEPT - 1 :])).delete()
    return ImportDraft.objects.create(owner=owner, name=name[:200], data=data)


class AlreadyImported(Exception):
    """The file is gone: the same yes was sent twice, and the other one was quicker."""


@transaction.atomic
def import_file(
    draft: ImportDraft, parsed: Parsed, options: ImportOptions, *, keep_report: Callable[[ImportReport], None]
) -> None:
    """Import what was parsed from the kept file, and let the file go.

    ``keep_report`` is called within the transaction: whoever finds the file gone finds the report there.
    Raises AlreadyImported, TooManyPrompts, BundleRefused.
    """
    if not ImportDraft.objects.select_for_update().filter(pk=draft.pk).exists():
        raise AlreadyImported
    keep_report(import_prompts(draft.owner, parsed, options=options))
    draft.delete()
