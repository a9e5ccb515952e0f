"""What is done with many of one author's prompts at once. Each takes prompts of one author that passed the
door, and says how many it changed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef
from django.utils import timezone

from prompts_app.actions.prompts.publish import check_can_publish, publish, unpublish
from prompts_app.actions.prompts.save import delete_prompts
from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets
from prompts_app.engine.errors import Refused
from prompts_app.engine.wording import how_many
from prompts_app.evidence.listings import refresh
from prompts_app.models import (
    CasePictureFile,
    PrivateSpan,
    Prompt,
    Run,
    SearchDocument,
    Tag,
    User,
    Visibility,
)
from prompts_app.models.tags import MOST_TAGS
from prompts_app.models.texts import texts_in_prompt

MOST_SHOWN = 100  # prompts made visible at once: all that is in them is looked through
UNDO_FOR = timedelta(days=1)
AT_ONCE = 200  # prompts in one statement


@transaction.atomic
def archive(prompts: Sequence[Prompt], *, archived: bool = True) -> int:
    """In no list from now on, the public ones neither; every address stays. Or back into them."""
    _update(prompts, archived_at=timezone.now() if archived else None)
    refresh(prompt for prompt in prompts if not prompt.is_private)
    return len(prompts)


@transaction.atomic
def set_task(prompts: Sequence[Prompt], task: str) -> int:
    _update(prompts, **_edited(), task=task)
    refresh(prompts)
    return len(prompts)


@transaction.atomic
def add_tags(prompts: Sequence[Prompt], names: Collection[str]) -> int:
    """To those that have room for them: how many that are."""
    Tag.objects.bulk_create([Tag(name=name) for name in names], ignore_conflicts=True)
    tags = list(Tag.objects.filter(name__in=names))
    has_room = [prompt for prompt in prompts if len({*_tags_of(prompt), *names}) <= MOST_TAGS]
    through = Prompt.tags.through
    through.objects.bulk_create(
        [through(prompt=prompt, tag=tag) for prompt in has_room for tag in tags],
        ignore_conflicts=True,
        batch_size=AT_ONCE,
    )
    _update(has_room, **_edited())
    refresh(has_room)
    return len(has_room)


@transaction.atomic
def remove_tags(prompts: Sequence[Prompt], names: Collection[str]) -> int:
    having = [prompt for prompt in prompts if not _tags_of(prompt).isdisjoint(names)]
    for some in batched(having, AT_ONCE):
        Prompt.tags.through.objects.filter(prompt__in=some, tag__name__in=names).delete()
    _update(having, **_edited())
    refresh(having)
    return len(having)


def _tags_of(prompt: Prompt) -> set[str]:
    """Prefetched, where there are many."""
    return {tag.name for tag in prompt.tags.all()}


def _edited() -> dict[str, Any]:
    """An edit that is open in another tab is noticed."""
    return {"revision": F("revision") + 1, "updated_at": timezone.now()}


def _update(prompts: Iterable[Prompt], **columns: Any) -> None:
    for some in batched(sorted(prompt.pk for prompt in prompts), AT_ONCE):
        Prompt.objects.filter(pk__in=some).update(**columns)


# --- who can see them ---------------------------------------------------------------------------------------


def findings_together(prompts: Sequence[Prompt]) -> list[SecretFinding]:
    """As ``publish.findings_of``, of all of them; each place says in which prompt. Raises Refused."""
    if len(prompts) > MOST_SHOWN:
        raise Refused(
            "too_many",
            f"At most {MOST_SHOWN} prompts are shown to others at once, since all that is in them is looked "
            f"through first. These are {len(prompts):,}.",
        )
    return find_secrets(
        replace(text, where=f"“{prompt.title}”, {text.where}")
        for prompt in prompts
        for text in texts_in_prompt(prompt)
    )


def pictures_in(prompts: Sequence[Prompt]) -> int:
    """How many pictures of cases others would see: no pattern looks through those."""
    private = PrivateSpan.objects.filter(prompt=OuterRef("prompt"), text=OuterRef("sha256"))
    return CasePictureFile.objects.filter(~Exists(private), prompt__in=prompts).count()


@transaction.atomic
def show(
    prompts: Sequence[Prompt],
    visibility: Visibility,
    findings: Collection[SecretFinding] = (),
    harmless: Collection[str] = (),
) -> int:
    """``findings`` are ``findings_together``. Raises Refused, and then none of them is changed."""
    for prompt in prompts:
        if visibility == Visibility.PRIVATE:
            unpublish(prompt)
        else:
            check_can_publish(prompt, findings, harmless)
            publish(prompt, visibility)
    return len(prompts)


# --- deleted, until it is taken back ------------------------------------------------------------------------


@transaction.atomic
def delete_for_now(prompts: Sequence[Prompt]) -> int:
    """They are there for nobody from this moment on, their author neither; ``undelete`` brings them back as
    they were, ``purge_deleted`` takes them for good. Raises Refused."""
    keys = [prompt.pk for prompt in prompts]
    running = sum(
        Run.objects.under_way().filter(prompt__in=some).values("prompt").distinct().count()
        for some in batched(keys, AT_ONCE)
    )
    if running:
        raise Refused("running", f"{how_many(running, 'prompt')} of these runs now. Stop that first.")
    _update(prompts, deleted_at=timezone.now())
    refresh(prompt for prompt in prompts if not prompt.is_private)
    for some in batched(keys, AT_ONCE):
        SearchDocument.objects.filter(prompt__in=some).delete()
    return len(prompts)


def last_deletion(owner: User) -> tuple[datetime, int] | None:
    """When the newest was that can be taken back, and of how many prompts."""
    gone = Prompt.objects.filter(owner=owner, deleted_at__gt=timezone.now() - UNDO_FOR)
    newest = gone.values_list("deleted_at").annotate(n=Count("pk")).order_by("-deleted_at").first()
    return (newest[0], newest[1]) if newest else None


@transaction.atomic
def undelete(owner: User, when: datetime) -> int:
    """Take that deletion back."""
    prompts = list(Prompt.objects.filter(owner=owner, deleted_at=when))
    _update(prompts, deleted_at=None)
    refresh(prompts)
    return len(prompts)


def purge_deleted() -> int:
    """Those nobody took back in time. Prompt by prompt: each may have a thousand outputs."""
    gone = Prompt.objects.filter(deleted_at__lt=timezone.now() - UNDO_FOR).select_related("owner")
    prompts = list(gone.order_by("pk"))
    for prompt in prompts:
        delete_prompts(prompt.owner, [prompt])
    return len(prompts)
