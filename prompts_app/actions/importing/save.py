"""Planned prompts, saved: many rows in few queries."""

from __future__ import annotations

from prompts_app.actions.importing.plan import Planned
from prompts_app.actions.prompts.save import free_slugs
from prompts_app.evidence.listings import refresh
from prompts_app.models import Case, Prompt, Tag, User, Version

_ROWS = 500  # in one INSERT, where the database takes as many


def save(owner: User, planned: list[Planned]) -> None:
    """New prompts with their versions, cases and tags; their runs come after."""
    for item, slug in zip(planned, free_slugs(owner, (p.prompt.title for p in planned)), strict=True):
        item.prompt.slug = slug
    prompts = Prompt.objects.bulk_create([item.prompt for item in planned], batch_size=_ROWS)
    Version.objects.bulk_create([row for item in planned for row in item.versions], batch_size=_ROWS)
    Case.objects.bulk_create([row for item in planned for row in item.cases], batch_size=_ROWS)
    _save_tags(planned)
    refresh(prompts)


def _save_tags(planned: list[Planned]) -> None:
    names = {name for item in planned for name in item.tags}
    Tag.objects.bulk_create(
        [Tag(name=name) for name in sorted(names)], ignore_conflicts=True, batch_size=_ROWS
    )
    tags = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
    links = [
        Prompt.tags.through(prompt_id=item.prompt.pk, tag_id=tags[name])
        for item in planned
        for name in item.tags
    ]
    Prompt.tags.through.objects.bulk_create(links, batch_size=_ROWS)
