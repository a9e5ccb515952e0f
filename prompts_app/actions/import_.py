"""Bringing prompts in from a file that was parsed: all of them or, when anything fails, none.

Importing the same file again makes no doubles: a prompt is known by what stood in the file, or by its
title and text, whichever of its versions has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from prompts_app.actions.import_plan import Planned, plan, source_key, too_large
from prompts_app.actions.save import free_slugs
from prompts_app.engine.formats import ImportedPrompt, Parsed, Problem, Skip, titles
from prompts_app.engine.formats.variables import STYLES, Offer, Style, in_prompt
from prompts_app.engine.types import Json
from prompts_app.models import Case, Prompt, Tag, User, Version
from prompts_app.search import reindex

MOST_PROMPTS = 10_000  # at once
PREVIEW_ROWS = 50
ALREADY_THERE = "It is already there."

_ROWS = 500  # in one INSERT, where the database takes as many


class TooManyPrompts(Exception):
    """The file holds more than can be imported at once. The message says how many."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which placeholders become variables."""

    styles: frozenset[Style] = frozenset(STYLES)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would do."""

    prompts: tuple[Prompt, ...]  # as saved, in the file's order
    versions: int
    cases: int
    assertions: int
    results: int
    unsupported: tuple[Problem, ...]
    skipped: tuple[Skip, ...]
    dry_run: bool = False

    def as_json(self) -> dict[str, Json]:
        return {
            "prompts": len(self.prompts),
            "versions": self.versions,
            "cases": self.cases,
            "assertions": self.assertions,
            "results": self.results,
            "unsupported": [{"what": problem.what, "where": problem.where} for problem in self.unsupported],
            "skipped": [{"what": skip.what, "why": skip.why} for skip in self.skipped],
        }


@dataclass(frozen=True, slots=True)
class OfferedStyle:
    """One way of writing placeholders as it occurs in a file."""

    style: Style
    looks: str  # "${name}"
    prompts: int  # that have it
    examples: tuple[Offer, ...]  # a few, the commonest first


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One prompt as it would be saved."""

    title: str
    task: str
    tags: tuple[str, ...]
    text: str  # its first message
    messages: int
    cases: int
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, its first rows, and the placeholders a person may choose among."""

    report: ImportReport
    rows: tuple[PreviewRow, ...]
    offered: tuple[OfferedStyle, ...]


@dataclass(slots=True)
class _Plan:
    new: list[Planned] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)


def preview(parsed: Parsed, owner: User) -> Preview:
    """What an import would do with every placeholder taken. Nothing is saved. Raises TooManyPrompts."""
    check_size(parsed)
    planned = _plan(owner, parsed, ImportOptions())
    rows = tuple(_preview_row(item) for item in planned.new[:PREVIEW_ROWS])
    return Preview(_report(parsed, planned, dry_run=True), rows, tuple(_offered(parsed)))


def _preview_row(item: Planned) -> PreviewRow:
    version = item.versions[-1]
    return PreviewRow(
        title=item.prompt.title,
        task=item.prompt.get_task_display(),
        tags=tuple(item.tags),
        text=titles.cut(version.messages[0]["content"][:2000], 160),
        messages=len(version.messages),
        cases=len(item.cases),
        variables=tuple(variable["name"] for variable in version.variables),
    )


def import_prompts(
    owner: User, parsed: Parsed, *, dry_run: bool = False, options: ImportOptions | None = None
) -> ImportReport:
    """Save what is new in the file as private prompts of ``owner``. Raises TooManyPrompts.

    One transaction: an error on the way leaves nothing behind.
    """
    check_size(parsed)
    with transaction.atomic():
        # The same file sent twice at once: the second waits, and then finds everything there.
        User.objects.select_for_update().get(pk=owner.pk)
        planned = _plan(owner, parsed, options or ImportOptions())
        if not dry_run:
            _save(owner, planned.new)
    return _report(parsed, planned, dry_run=dry_run)


def check_size(parsed: Parsed) -> None:
    """Raises TooManyPrompts."""
    if len(parsed.prompts) > MOST_PROMPTS:
        raise TooManyPrompts(
            f"The file holds {len(parsed.prompts):,} prompts, and at most {MOST_PROMPTS:,} can be imported "
            "at once. Split it and try again."
        )


def _plan(owner: User, parsed: Parsed, options: ImportOptions) -> _Plan:
    known = _Known(owner)
    result = _Plan()
    for imported in parsed.prompts:
        why = too_large(imported) or known.reason(imported)
        planned = None if why else plan(owner, imported, options.styles)
        if planned and known.holds(planned):
            why = ALREADY_THERE
        if why or not planned:
            result.skipped.append(Skip(_name(imported), why))
        else:
            result.new.append(planned)
    return result


class _Known:
    """What the owner has, in two queries, and what was seen in this file."""

    def __init__(self, owner: User) -> None:
        keys = Prompt.objects.owned_by(owner).exclude(source_key="").values_list("source_key", flat=True)
        self.keys = set(keys)
        self.texts = set(
            Version.objects.filter(prompt__owner=owner).values_list("prompt__title", "digest").order_by()
        )
        self.here: set[str] = set()

    def reason(self, imported: ImportedPrompt) -> str:
        """Why this prompt is no new one, or nothing. Asking makes it known."""
        key = source_key(imported)
        if key in self.keys:
            return ALREADY_THERE
        if key in self.here:
            return "It is the same as another prompt in this file."
        self.here.add(key)
        return ""

    def holds(self, planned: Planned) -> bool:
        """Whether the owner has a prompt of this title with this very text, written here or imported."""
        return (planned.prompt.title, planned.versions[-1].digest) in self.texts


def _name(imported: ImportedPrompt) -> str:
    title = titles.cut(imported.title, 80)
    return f"{imported.where}: {title}" if imported.where else title


def _save(owner: User, planned: list[Planned]) -> None:
    for item, slug in zip(planned, free_slugs(owner, (p.prompt.title for p in planned)), strict=True):
        item.prompt.slug = slug
    prompts = Prompt.objects.bulk_create([item.prompt for item in planned], batch_size=_ROWS)
    Version.objects.bulk_create([row for item in planned for row in item.versions], batch_size=_ROWS)
    Case.objects.bulk_create([row for item in planned for row in item.cases], batch_size=_ROWS)
    _save_tags(planned)
    reindex(prompts)


def _save_tags(planned: list[Planned]) -> None:
    names = {name for item in planned for name in item.tags}
    Tag.objects.bulk_create(
        [Tag(name=name) for name in sorted(names)], ignore_conflicts=True, batch_size=_ROWS
    )
    tags = _tags_named(names)
    links = [
        Prompt.tags.through(prompt_id=item.prompt.pk, tag_id=tags[name])
        for item in planned
        for name in item.tags
    ]
    Prompt.tags.through.objects.bulk_create(links, batch_size=_ROWS)


def _tags_named(names: Iterable[str]) -> dict[str, int]:
    return dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))


def _report(parsed: Parsed, planned: _Plan, *, dry_run: bool) -> ImportReport:
    return ImportReport(
        prompts=tuple(item.prompt for item in planned.new),
        versions=sum(len(item.versions) for item in planned.new),
        cases=sum(len(item.cases) for item in planned.new),
        assertions=sum(item.assertions for item in planned.new),
        results=0,
        unsupported=(*parsed.unsupported, *(problem for item in planned.new for problem in item.problems)),
        skipped=(*parsed.skipped, *planned.skipped),
        dry_run=dry_run,
    )


def _offered(parsed: Parsed) -> Iterable[OfferedStyle]:
    found: dict[Style, Counter[Offer]] = {style: Counter() for style in STYLES}
    prompts: Counter[Style] = Counter()
    for imported in (prompt for prompt in parsed.prompts if not prompt.is_templated):
        offers = {offer for version in imported.versions for offer in in_prompt(version.prompt)}
        prompts.update({offer.style for offer in offers})
        for offer in offers:
            found[offer.style][offer] += 1
    for style, looks in STYLES.items():
        if prompts[style]:
            examples = tuple(offer for offer, _ in found[style].most_common(3))
            yield OfferedStyle(style, looks, prompts[style], examples)
