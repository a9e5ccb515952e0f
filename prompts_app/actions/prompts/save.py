"""Writing prompts down: new ones, new versions of them, their details; and taking them away again."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.text import slugify

from prompts_app.actions.pictures.case_pictures import sweep
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.actions.runs.deleting import delete_results
from prompts_app.actions.runs.lifecycle import delete_runs, tombstones_of
from prompts_app.engine import types as engine
from prompts_app.engine.digests import digest, variable_json
from prompts_app.engine.errors import Refused, RefusedKind
from prompts_app.evidence.listings import refresh, refresh_figures
from prompts_app.evidence.picked import declaration
from prompts_app.models import Draft, FormerSlug, Profile, Prompt, Result, Run, Tag, User, Version

LONGEST_SLUG = 80
RESERVED_SLUGS = frozenset({"new", "collections"})  # addresses that are something else already


class NothingChanged(Refused):
    """What was to be saved is what is there. ``version`` is the version that has it."""

    def __init__(self, version: Version) -> None:
        super().__init__(
            "nothing_changed", f"Nothing has changed since {version}, so no new version was made."
        )
        self.version = version


class StaleEdit(RefusedKind):
    """Somebody saved meanwhile, most likely the same person in another tab."""

    code = "stale"


# --- addresses ------------------------------------------------------------------------------------------


def free_slug(owner: User, title: str) -> str:
    """A slug no prompt of ``owner`` has or had, from the title; "prompt-x7f2" where no letter is Latin."""
    return free_slugs(owner, [title])[0]


def free_slugs(owner: User, titles: Iterable[str]) -> list[str]:
    """The same for many titles at once, in their order and each different."""
    wanted = [slugify(title)[: LONGEST_SLUG - 5].strip("-_") or _random_slug() for title in titles]
    taken = _slugs_of(owner, slug__in=wanted)
    if len({*wanted} - taken) == len(wanted):
        return wanted
    taken = _slugs_of(owner)
    numbers: dict[str, int] = {}  # the last tried for each title: a thousand of one title stay quick
    return [_free_slug(slug, taken, numbers) for slug in wanted]


def _random_slug() -> str:
    return f"prompt-{secrets.token_hex(2)}"


def _free_slug(wanted: str, taken: set[str], numbers: dict[str, int]) -> str:
    slug = wanted
    while slug in taken:
        numbers[wanted] = numbers.get(wanted, 1) + 1
        slug = f"{wanted}-{numbers[wanted]}"
    taken.add(slug)
    return slug


def _slugs_of(owner: User, **which: Any) -> set[str]:
    now = Prompt.objects.filter(owner=owner, **which).values_list("slug", flat=True)
    before = FormerSlug.objects.filter(owner=owner, **which).values_list("slug", flat=True)
    return {*RESERVED_SLUGS, *now, *before}


def check_can_take_slug(prompt: Prompt, slug: str) -> None:
    """Raises Refused. A prompt may take back a slug it had before."""
    if slug in RESERVED_SLUGS:
        raise Refused("slug", f"“{slug}” is an address of the site itself. Choose another.")
    others = Prompt.objects.filter(owner_id=prompt.owner_id, slug=slug).exclude(pk=prompt.pk)
    if holder := others.first():
        raise Refused("slug", f"Your prompt “{holder.title}” has this address already. Choose another.")
    former = FormerSlug.objects.filter(owner_id=prompt.owner_id, slug=slug).exclude(prompt=prompt)
    if lead := former.select_related("prompt").first():
        raise Refused(
            "slug", f"This was the address of “{lead.prompt.title}” and still leads there. Choose another."
        )


def _rename(prompt: Prompt, slug: str, old: str) -> None:
    """The old address keeps leading to the prompt."""
    FormerSlug.objects.filter(prompt=prompt, slug=slug).delete()
    FormerSlug.objects.get_or_create(owner_id=prompt.owner_id, slug=old, defaults={"prompt": prompt})


# --- prompts ----------------------------------------------------------------------------------------------


@transaction.atomic
def create_prompt(
    owner: User, content: engine.PromptContent, *, tags: Iterable[str] = (), note: str = "", **fields: Any
) -> Prompt:
    """A private prompt with its first version. ``fields`` are columns of Prompt, ``title`` at least."""
    User.objects.select_for_update().get(pk=owner.pk)  # of two at once, the second sees the first's slug
    prompt = Prompt.objects.create(owner=owner, slug=free_slug(owner, fields["title"]), **fields)
    set_tags(prompt, tags)
    _add_version(prompt, content, note, 1)
    refresh([prompt])
    return prompt


def set_tags(prompt: Prompt, names: Iterable[str]) -> None:
    """Exactly these tags. The names are valid and in small letters."""
    wanted = list(dict.fromkeys(names))
    Tag.objects.bulk_create([Tag(name=name) for name in wanted], ignore_conflicts=True)
    prompt.tags.set(Tag.objects.filter(name__in=wanted))


@transaction.atomic
def save_details(prompt: Prompt, fields: dict[str, Any], tags: Iterable[str], *, seen_revision: int) -> None:
    """Write the prompt's own columns and tags.

    ``seen_revision`` is the revision the author was looking at. Raises StaleEdit where there is a newer
    one, and Refused.
    """
    stored = Prompt.objects.select_for_update().get(pk=prompt.pk)
    if stored.revision != seen_revision:
        raise StaleEdit("These details were saved in another tab meanwhile.")
    new_slug = fields.get("slug", stored.slug)
    if new_slug != stored.slug:
        check_can_take_slug(stored, new_slug)
        _rename(stored, new_slug, old=stored.slug)
    if fields.get("target_model", stored.target_model) != stored.target_model:
        fields = fields | declaration(fields["target_model"])
    fields = {**fields, "revision": seen_revision + 1, "updated_at": timezone.now()}
    _write(prompt, fields)
    for name, value in fields.items():
        setattr(prompt, name, value)
    set_tags(prompt, tags)
    rebuild_evidence(prompt)  # which version it is compared with, and which model is the main one
    refresh([prompt])


def _write(prompt: Prompt, columns: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            Prompt.objects.filter(pk=prompt.pk).update(**columns)
    except IntegrityError:  # another prompt took the slug between the check and now
        raise Refused("slug", "Another of your prompts has this address. Choose another.") from None


@transaction.atomic
def delete_prompts(owner: User, prompts: Sequence[Prompt]) -> None:
    """These of ``owner``, with versions, cases, runs and outputs, and what was typed for them. For good.

    Their runs stay counted with their author where anybody else could ever see them.
    """
    keys = [prompt.pk for prompt in prompts]
    typed_for = rf"^[a-z]+:({'|'.join(map(str, keys))})(:|$)"
    Draft.objects.filter(owner=owner, key__regex=typed_for).delete()
    runs = Run.objects.filter(prompt__in=keys)
    runs.hold()
    counted = F("deleted_runs") + tombstones_with(prompts)
    Profile.objects.filter(user=owner).update(deleted_runs=counted)
    delete_results(Result.objects.filter(run__in=runs.order_by()))
    rows = Prompt.objects.filter(pk__in=keys)
    rows.hold()
    rows.delete()


def tombstones_with(prompts: Sequence[Prompt]) -> int:
    """How many runs stay counted with their author when these are deleted: those deleted before, too."""
    runs = Run.objects.filter(prompt__in=prompts).select_related("prompt").defer("suite")
    return sum(prompt.deleted_runs for prompt in prompts) + tombstones_of(list(runs))


# --- versions -----------------------------------------------------------------------------------------------


@transaction.atomic
def save_version(
    prompt: Prompt, content: engine.PromptContent, note: str = "", *, seen_number: int | None = None
) -> Version:
    """A new version with this content; versions are never changed.

    ``seen_number`` is the newest version the author was looking at; None saves on top of whatever is
    there. Raises NothingChanged where the newest version has this very content, StaleEdit where there is
    a newer one than the author saw.
    """
    # Of two at once, the second sees the first's.
    locked = Prompt.objects.select_for_update().get(pk=prompt.pk)
    latest = prompt.latest_version
    if latest and latest.digest == _digest_of(content):
        raise NothingChanged(latest)
    if latest and seen_number is not None and latest.number != seen_number:
        raise StaleEdit(f"{latest} was saved in another tab meanwhile.")
    number = max(latest.number if latest else 0, locked.deleted_number) + 1
    version = _add_version(prompt, content, note, number)
    Prompt.objects.filter(pk=prompt.pk).update(updated_at=timezone.now())
    rebuild_evidence(prompt)
    refresh([prompt])
    return version


def _add_version(prompt: Prompt, content: engine.PromptContent, note: str, number: int) -> Version:
    return Version.objects.create(prompt=prompt, number=number, note=note, **columns_of(content))


def columns_of(content: engine.PromptContent) -> dict[str, Any]:
    """The content as a Version's columns hold it."""
    return {
        "messages": [{"role": m.role, "content": m.content} for m in content.messages],
        "variables": list(map(variable_json, content.variables)),
        "parameters": dict(content.parameters),
    }


def _digest_of(content: engine.PromptContent) -> str:
    return digest(columns_of(content))


def check_can_delete_version(version: Version) -> None:
    """Raises Refused."""
    if not version.prompt.versions.exclude(pk=version.pk).exists():
        raise Refused("not_deletable", "This is its only version. Save another first, or delete the prompt.")
    if version.runs.under_way().exists():
        raise Refused("not_deletable", "A run of this version is under way. Cancel it first, then delete.")


@transaction.atomic
def delete_version(version: Version) -> None:
    """A version cannot be changed, but it can be taken away: the only cure for a key saved in one.

    Its number is not given again. Its runs go with it, and stay counted as deleted where the prompt is or
    was public. Raises Refused.
    """
    check_can_delete_version(version)
    prompt = version.prompt
    delete_runs(prompt, list(version.runs.select_related("prompt")))
    gone = Greatest(F("deleted_number"), version.number)
    Prompt.objects.filter(pk=prompt.pk).update(deleted_number=gone)
    version.delete()
    sweep(prompt)
    rebuild_evidence(prompt)
    refresh([prompt])


# --- suites ------------------------------------------------------------------------------------------------


def note_suite_changed(prompt: Prompt) -> None:
    """The suite is another one now: pages and runs that saw the old one can tell."""
    now = timezone.now()
    Prompt.objects.filter(pk=prompt.pk).update(
        suite_revision=F("suite_revision") + 1, suite_changed_at=now, updated_at=now
    )
    prompt.suite_changed_at = now
    refresh_figures([prompt])
