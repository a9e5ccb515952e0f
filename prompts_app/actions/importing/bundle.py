"""A bundled prompt as rows that are not saved yet.

A bundle that somebody imports is a file that could have been edited: its runs become level 1, its prompts
are private and get new ids. Only what ships with the software itself is kept as it is (``shipped=True``,
see docs/adr/0008).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from prompts_app.actions.exporting.bundle import TEXT_COLUMNS
from prompts_app.actions.importing.plan import Planned, refuse_later, refuse_odd, refused
from prompts_app.actions.prompts.cases import columns_of as case_columns
from prompts_app.actions.prompts.save import columns_of
from prompts_app.engine.digests import digest
from prompts_app.engine.formats.bundle import prompt_json
from prompts_app.engine.formats.bundle_types import BundledPrompt, BundledRun
from prompts_app.engine.masking import Span
from prompts_app.evidence.picked import declaration
from prompts_app.models import Case, PrivateSpan, Prompt, Source, Tag, User, Version, Visibility
from prompts_app.models.prompts import MOST_MESSAGES

IMPORTED_FROM = "Proofsheet bundle"
# What was seen by this server becomes what a file says; a pasted output and a practice run stay such.
SOURCES: dict[str, str] = {Source.RECORDED: Source.IMPORTED}
_CHECKED = {*TEXT_COLUMNS, "slug", "source", "target_model", "forked_credit", "forked_licence"}


def prompt_digest(prompt: BundledPrompt) -> str:
    """Tells one state of a bundled prompt from any other, its runs included."""
    return digest(prompt_json(prompt))


def plan_bundled(owner: User, bundled: BundledPrompt, number: int = 1, *, shipped: bool = False) -> Planned:
    """The rows of one prompt. Raises BundleRefused.

    ``shipped`` is for content that came with the software: ids, dates, visibility and sources stay.
    """
    with refused(bundled.title):
        if any(len(version.prompt.messages) > MOST_MESSAGES for version in bundled.versions):
            raise ValidationError(f"a version has more than {MOST_MESSAGES} messages.")
        refuse_later(bundled.created_at, *(version.created_at for version in bundled.versions))
        planned = Planned(
            number=number,
            where=bundled.title,
            named=bundled.title,
            columns=_columns(owner, bundled, shipped=shipped),
            version_count=len(bundled.versions),
            write_versions=partial(_versions, bundled),
            tags=list(dict.fromkeys(map(_tag, bundled.tags))),
            runs=[(_shipped if shipped else _imported)(run) for run in bundled.runs],
            failures=bundled.known_failures,
            pictures=bundled.pictures,
            baseline=bundled.baseline,
            is_bundled=True,
            is_masked=bundled.is_masked,
            keeps_ids=shipped,
        )
        for name in _CHECKED & planned.columns.keys():
            refuse_odd(Prompt, name, planned.columns[name])
        for version in bundled.versions:
            refuse_odd(Version, "note", version.note)
        planned.cases = list(_cases(planned, bundled))
        planned.spans = list(_spans(planned, bundled))
        return planned


def _columns(owner: User, bundled: BundledPrompt, *, shipped: bool) -> dict[str, Any]:
    # An empty text of a choice means that the file does not say: the column's own default stands.
    columns: dict[str, Any] = {name: text for name in TEXT_COLUMNS if (text := getattr(bundled, name))}
    columns |= declaration(bundled.target_model, bundled.target_declared_at)
    columns["created_at"] = bundled.created_at or timezone.now()
    if shipped:
        stay = "source visibility published_at pin_position deleted_runs suite_changed_at".split()
        columns |= {name: getattr(bundled, name) for name in stay}
        columns["seen_since"] = None if bundled.visibility == Visibility.PRIVATE else timezone.now()
    else:
        changed_at = timezone.now() if bundled.cases else None
        columns |= {"source": IMPORTED_FROM, "suite_changed_at": changed_at}
    return columns | {
        "owner": owner,
        "slug": bundled.slug,
        "source_key": prompt_digest(bundled),
        "forked_credit": bundled.forked_from,
        "forked_licence": bundled.forked_licence,
    }


def _versions(bundled: BundledPrompt, prompt: Prompt) -> Iterator[Version]:
    for one in bundled.versions:
        row = Version(
            prompt=prompt,
            number=one.number,
            note=one.note,
            **columns_of(one.prompt) | {"created_at": one.created_at or timezone.now()},
        )
        row.digest = row.content_digest()  # bulk_create does not call save
        yield row


def _cases(planned: Planned, bundled: BundledPrompt) -> Iterator[Case]:
    for position, one in enumerate(bundled.cases):
        columns = case_columns(one.case) | {"created_at": one.created_at or timezone.now()}
        for name in ("name", "system"):
            refuse_odd(Case, name, columns[name])
        refuse_later(one.created_at)
        yield Case(prompt=planned.prompt, position=position, **columns)


@lru_cache(maxsize=1000)
def _tag(name: str) -> str:
    Tag(name=name).clean_fields()
    return name


def _spans(planned: Planned, bundled: BundledPrompt) -> Iterator[PrivateSpan]:
    """Those the file has the text of. They are dated now: what a file says of the day could be anything."""
    for part in bundled.private:
        if "text" in part:
            span = Span(part["label"], part["text"], part["salt"])
            columns = {"label": span.label, "text": span.text}
            for name, text in columns.items():
                refuse_odd(PrivateSpan, name, text)
            yield PrivateSpan(prompt=planned.prompt, salt=span.salt, digest=span.digest, **columns)


def _shipped(run: BundledRun) -> BundledRun:
    asked = f"{run.finished_at or run.created_at:%d %B %Y}".lstrip("0")
    return replace(run, source_note=f"Sample content, recorded by the Proofsheet maintainers on {asked}")


def _imported(run: BundledRun) -> BundledRun:
    """What a file says it saw is level 1: the rule of this module."""
    return replace(run, source=SOURCES.get(run.source, run.source), source_note=IMPORTED_FROM)
