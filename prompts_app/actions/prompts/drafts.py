"""Typing that is not saved yet, so that nothing typed is lost."""

from collections.abc import Mapping, Sequence

from prompts_app.engine.errors import Refused
from prompts_app.models import Draft, User
from prompts_app.models.text import storable

LONGEST_DRAFT = 5_000_000  # characters: more than any form takes
MOST_DRAFTS = 500  # a person


def keep_draft(user: User, key: str, data: Mapping[str, Sequence[str]]) -> Draft:
    """Keep a form as it was typed, in place of what was kept for that page. Raises Refused."""
    kept = {name: [storable(value) for value in values] for name, values in data.items()}
    if sum(len(value) for values in kept.values() for value in values) > LONGEST_DRAFT:
        raise Refused("draft_too_long", "This is too much text to keep as a draft. Shorten it, then save.")
    draft, made = Draft.objects.update_or_create(owner=user, key=key, defaults={"data": kept})
    if made:
        _drop_the_oldest(user)
    return draft


def _drop_the_oldest(user: User) -> None:
    newest = Draft.objects.filter(owner=user).order_by("-saved_at").values("pk")[:MOST_DRAFTS]
    Draft.objects.filter(owner=user).exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()


def find_draft(user: User, key: str) -> Draft | None:
    return Draft.objects.filter(owner=user, key=key).first()


def drop_draft(user: User, key: str) -> None:
    """Saved or discarded: there is nothing left to restore."""
    Draft.objects.filter(owner=user, key=key).delete()
