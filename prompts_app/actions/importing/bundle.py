"""Bundles in: rows out of our own format.

A bundle that somebody imports is a file that could have been edited: its runs become level 1, its prompts
are private and get new ids. Only what ships with the software itself is kept as it is (``shipped=True``,
see docs/adr/0008).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.utils import timezone

from prompts_app.actions.exporting.bundle import RESULT_COLUMNS, TEXT_COLUMNS
from prompts_app.actions.exporting.bundle_pictures import keep_results
from prompts_app.actions.importing.bundle_matching import missing_in, same_prompt, version_digest
from prompts_app.actions.prompts.publish import findings_of, would_show
from prompts_app.actions.prompts.save import columns_of, free_slug, note_suite_changed, set_tags
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.digests import case_json, digest, suite_digest
from prompts_app.engine.errors import RefusedKind
from prompts_app.engine.formats.bundle import prompt_json
from prompts_app.engine.formats.bundle_types import (
    BundledCase,
    BundledFailure,
    BundledPrompt,
    BundledResult,
    BundledRun,
)
from prompts_app.engine.masking import Span
from prompts_app.evidence.listings import refresh
from prompts_app.evidence.picked import declaration
from prompts_app.models import (
    Case,
    KnownFailure,
    PrivateSpan,
    Prompt,
    Result,
    Run,
    Source,
    Tag,
    User,
    Version,
)
from prompts_app.models.evidence import CHAT
from prompts_app.models.prompts import MOST_CASES, MOST_MESSAGES

IMPORTED_FROM = "Proofsheet bundle"
# What was seen by this server becomes what a file says; a pasted output and a practice run stay such.
SOURCES: dict[str, str] = {Source.RECORDED: Source.IMPORTED}
MASKED_HERE = (
    "Its private parts are masked in this file, so nothing of it was added to the prompt you have. "
    "Import the file you download in full."
)


class BundleRefused(RefusedKind):
    """Why the bundle cannot be kept, as a sentence that names the prompt. Nothing of it was kept."""

    code = "bundle"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a bundle: new rows and what they were made of; prompts that were there, with what of
    the file was added to them; prompts with nothing new, by their titles, and those that got nothing, why.
    """

    prompts: tuple[Prompt, ...] = ()
    bundled: tuple[BundledPrompt, ...] = ()
    already: tuple[str, ...] = ()
    added: tuple[tuple[Prompt, BundledPrompt], ...] = ()
    left: tuple[tuple[str, str], ...] = ()

    @classmethod
    def together(cls, parts: Sequence[Kept]) -> Kept:
        return cls(
            *(tuple(one for kept in parts for one in getattr(kept, field.name)) for field in fields(cls))
        )


def prompt_digest(prompt: BundledPrompt) -> str:
    """Tells one state of a bundled prompt from any other, its runs included."""
    return digest(prompt_json(prompt))


class BundleImport:
    """Keeps a bundle's prompts from outside, one at a time, as private prompts of ``owner``, their runs as
    level 1.

    A prompt that was imported before is not imported again; one that the owner has, in whatever state, gets
    the versions, cases and runs it lacks, and nothing of it is changed.
    """

    def __init__(self, owner: User, kept: Iterable[Prompt] = ()) -> None:
        """``kept``: what was kept of this bundle before it was interrupted."""
        self._owner = owner
        self._known = set(Prompt.objects.owned_by(owner).values_list("source_key", flat=True))
        self._kept: list[Prompt] = list(kept)

    @transaction.atomic
    def keep(self, prompt: BundledPrompt, *, dry_run: bool = False) -> Kept:
        """What became of it. Raises BundleRefused. Whether it can be kept shows in keeping it, so a dry run
        takes that back."""
        kept = self._keep(prompt)
        if dry_run:
            transaction.set_rollback(True)
        return kept

    def _keep(self, prompt: BundledPrompt) -> Kept:
        if (key := prompt_digest(prompt)) in self._known:
            return Kept(already=(prompt.title,))
        if (mine := same_prompt(self._owner, prompt, but=self._kept)) is None:
            self._known.add(key)
            self._kept.append(keep_prompt(self._owner, prompt))
            return Kept((self._kept[-1],), (prompt,))
        if prompt.is_masked:
            return Kept(left=((prompt.title, MASKED_HERE),))
        if not _has_anything(missing := missing_in(mine, prompt)):
            return Kept(already=(prompt.title,))
        if why := _add_in_view(mine, prompt, missing):
            return Kept(left=((prompt.title, why),))
        return Kept(added=((mine, missing),))


def _has_anything(missing: BundledPrompt) -> bool:
    return bool(missing.versions or missing.cases or missing.runs)


def _add_in_view(prompt: Prompt, bundled: BundledPrompt, missing: BundledPrompt) -> str:
    """Add what is missing; "" or, where others may see the prompt and it would show a secret, why not."""
    before = {finding.token for finding in findings_of(prompt)} if prompt.has_readers else set()
    with transaction.atomic():
        add_missing(prompt, bundled, missing)
        found = [one for one in findings_of(prompt) if one.token not in before] if prompt.has_readers else []
        if found:
            transaction.set_rollback(True)
    return would_show(found)


@transaction.atomic
def add_missing(prompt: Prompt, bundled: BundledPrompt, missing: BundledPrompt) -> None:
    """Versions, cases and runs behind those that are there. Raises BundleRefused.

    A version keeps its number where that is free. ``bundled`` is all of the file's prompt, which ``missing``
    is a part of.
    """
    prompt = Prompt.objects.select_for_update().get(pk=prompt.pk)
    try:
        _refuse_too_much(missing, there=prompt.cases.count())
        _private(prompt, bundled.private)
        _versions(prompt, missing, _free_numbers(prompt, missing))
        _cases(prompt, missing.cases)
        rows = {row.digest: row for row in prompt.versions.order_by("-number")}
        by_number = {one.number: rows[version_digest(one)] for one in bundled.versions}
        runs = {run.id: _run(prompt, by_number[run.version], run, _imported(run)) for run in missing.runs}
        _failures(prompt, bundled.known_failures, runs, by_number)
    except ValidationError as error:
        raise BundleRefused(f"“{bundled.title}” cannot be kept: {_said(error)}") from None
    if missing.cases:
        note_suite_changed(prompt)
    rebuild_evidence(prompt)
    refresh([prompt])


def _free_numbers(prompt: Prompt, missing: BundledPrompt) -> dict[int, int]:
    """The file's number → the number here."""
    taken = set(prompt.versions.values_list("number", flat=True))
    numbers: dict[int, int] = {}
    for version in missing.versions:
        free = version.number not in taken and version.number > 0
        numbers[version.number] = version.number if free else max(taken, default=0) + 1
        taken.add(numbers[version.number])
    return numbers


@transaction.atomic
def keep_prompt(owner: User, bundled: BundledPrompt, *, shipped: bool = False) -> Prompt:
    """One prompt with everything under it, counted and searchable. Raises BundleRefused.

    ``shipped`` is for content that came with the software: ids, dates, visibility and sources stay.
    """
    try:
        prompt = _prompt(owner, bundled, shipped)
        versions = _versions(prompt, bundled)
        _cases(prompt, bundled.cases)
        runs = {
            run.id: _run(prompt, versions[run.version], run, _shipped(run) if shipped else _imported(run))
            for run in bundled.runs
        }
        _failures(prompt, bundled.known_failures, runs, versions)
        _private(prompt, bundled.private)
    except ValidationError as error:
        raise BundleRefused(f"“{bundled.title}” cannot be kept: {_said(error)}") from None
    if bundled.baseline is not None:
        Prompt.objects.filter(pk=prompt.pk).update(baseline=versions[bundled.baseline])
    rebuild_evidence(prompt)
    refresh([prompt])
    return prompt


def _private(prompt: Prompt, parts: Iterable[Mapping[str, Any]]) -> None:
    """Those the file has the text of. They are dated now: what a file says of the day could be anything."""
    known = set(prompt.private_spans.values_list("text", flat=True))
    for part in parts:
        if "text" in part and part["text"] not in known:
            span = Span(part["label"], part["text"], part["salt"])
            row = PrivateSpan(
                prompt=prompt, label=span.label, text=span.text, salt=span.salt, digest=span.digest
            )
            _clean(row, exclude={"prompt"})
            row.save()


def _said(error: ValidationError) -> str:
    """The first problem, with the field it is about."""
    for field, messages in getattr(error, "error_dict", {}).items():
        return f"{field.replace('_', ' ')}: {messages[0].messages[0]}"
    return str(error.messages[0])


def _prompt(owner: User, bundled: BundledPrompt, shipped: bool) -> Prompt:
    _refuse_too_much(bundled)
    # An empty text of a choice means that the file does not say: the column's own default stands.
    texts: dict[str, Any] = {name: getattr(bundled, name) for name in TEXT_COLUMNS if getattr(bundled, name)}
    texts |= declaration(bundled.target_model, bundled.target_declared_at)
    changed_at = bundled.suite_changed_at if shipped else timezone.now() if bundled.cases else None
    prompt = Prompt(owner=owner, source_key=prompt_digest(bundled), suite_changed_at=changed_at, **texts)
    prompt.forked_credit, prompt.forked_licence = bundled.forked_from, bundled.forked_licence
    if shipped:
        prompt.slug, prompt.source = bundled.slug, bundled.source
        prompt.visibility, prompt.published_at = bundled.visibility, bundled.published_at
        prompt.pin_position, prompt.deleted_runs = bundled.pin_position, bundled.deleted_runs
    else:
        prompt.slug, prompt.source = free_slug(owner, bundled.slug), IMPORTED_FROM
    _clean(prompt, exclude={"owner"})
    for name in bundled.tags:
        Tag(name=name).clean_fields()
    prompt.save()
    set_tags(prompt, bundled.tags)
    _date(prompt, bundled.created_at)
    return prompt


def _refuse_too_much(bundled: BundledPrompt, *, there: int = 0) -> None:
    if (cases := there + len(bundled.cases)) > MOST_CASES:
        raise ValidationError(f"it has {cases} cases, and at most {MOST_CASES} can be kept.")
    if any(len(version.prompt.messages) > MOST_MESSAGES for version in bundled.versions):
        raise ValidationError(f"a version has more than {MOST_MESSAGES} messages.")


def _clean(row: models.Model, exclude: set[str]) -> None:
    """``clean_fields``, which leaves the length of a TextField to forms, and that length."""
    row.clean_fields(exclude=exclude)
    for field in row._meta.concrete_fields:
        if isinstance(field, models.TextField) and field.max_length is not None:
            try:
                MaxLengthValidator(field.max_length)(getattr(row, field.attname))
            except ValidationError as error:
                raise ValidationError({field.name: error.messages}) from None


def _date(row: models.Model, created_at: datetime | None) -> None:
    """``created_at`` is set by itself on saving, so a known one is written afterwards."""
    if created_at is not None:
        _refuse_later(created_at)
        type(row)._default_manager.filter(pk=row.pk).update(created_at=created_at)


def _refuse_later(*moments: datetime | None) -> None:
    """What is dated after today would be the latest for ever, and every test would have come before it."""
    latest = timezone.now() + timedelta(minutes=10)  # clocks differ
    if any(moment and moment > latest for moment in moments):
        raise ValidationError(
            "a time in it is still to come. Set the clock right that wrote it, or the file."
        )


def _versions(
    prompt: Prompt, bundled: BundledPrompt, numbers: Mapping[int, int] | None = None
) -> dict[int, Version]:
    """``numbers``: the file's number → the number here, where these differ."""
    rows = {}
    for version in bundled.versions:
        number = (numbers or {}).get(version.number, version.number)
        row = Version(prompt=prompt, number=number, note=version.note, **columns_of(version.prompt))
        _clean(row, exclude={"prompt", "digest", "messages", "variables", "parameters"})
        row.save()
        _date(row, version.created_at)
        rows[version.number] = row
    return rows


def _cases(prompt: Prompt, cases: Iterable[BundledCase]) -> None:
    """Behind those that are there."""
    last = prompt.cases.aggregate(last=models.Max("position"))["last"]
    for position, bundled_case in enumerate(cases, 0 if last is None else last + 1):
        case = Case(prompt=prompt, position=position, **case_json(bundled_case.case))
        case.clean_fields(exclude={"prompt"})
        case.save()
        _date(case, bundled_case.created_at)


def keep_run(prompt: Prompt, version: Version, bundled: BundledRun) -> Run:
    """A run from another tool's file, level 1, with the note it has. Raises BundleRefused.

    The prompt's evidence is not counted anew: for who keeps several.
    """
    provenance = {"source": Source.IMPORTED, "source_note": bundled.source_note[:200]}
    try:
        return _run(prompt, version, bundled, provenance)
    except ValidationError as error:
        raise BundleRefused(f"{version} on {bundled.model[:80]}: {_said(error)}") from None


def _run(prompt: Prompt, version: Version, bundled: BundledRun, provenance: Mapping[str, Any]) -> Run:
    """``provenance``: the columns that say where it comes from; with a public id, it is shipped."""
    _refuse_later(bundled.created_at, bundled.finished_at, *(one.created_at for one in bundled.results))
    run = Run(
        prompt=prompt,
        version=version,
        endpoint_name=bundled.endpoint,
        model=bundled.model,
        parameters=bundled.parameters,
        api=bundled.asks or CHAT,
        repeats=bundled.repeats,
        suite=[case_json(case) for case in bundled.suite],
        suite_digest=suite_digest(bundled.suite),
        state=_state(bundled.state),
        stop_reason=bundled.stop_reason,
        created_at=bundled.created_at,
        started_at=bundled.started_at,
        finished_at=bundled.finished_at,
        suite_fixed_at=bundled.suite_fixed_at,
        judge_endpoint_name=bundled.judge_endpoint,
        judge_model=bundled.judge_model,
        judge_embedding_model=bundled.judge_embedding_model,
        judge_parameters=bundled.judge_parameters,
        **provenance,
    )
    run.clean_fields(exclude={"batch", "prompt", "version", "endpoint", "suite"})
    run.save()
    keep_results(_results(run, bundled.results, "public_id" in provenance))
    count_run(run)
    if run.source != Source.PRACTICE:
        _note_first_run(version, bundled.created_at)
    return run


def _failures(
    prompt: Prompt,
    bundled: Iterable[BundledFailure],
    runs: Mapping[str, Run],
    versions: Mapping[int, Version],
) -> None:
    """Those of ``runs``, by the file's ids, behind what is on the shelf; a fix by its number in the file."""
    last = prompt.known_failures.aggregate(last=models.Max("position"))["last"]
    chosen = [one for one in bundled if one.run in runs]
    for position, one in enumerate(chosen, 0 if last is None else last + 1):
        run, fix = runs[one.run], versions[one.fixed_in] if one.fixed_in is not None else None
        failure = KnownFailure(prompt=prompt, run=run, case_index=one.case_index, position=position)
        failure.diagnosis = one.diagnosis
        failure.fixed_in = fix if fix and fix.number > run.version.number else None
        _clean(failure, exclude={"prompt", "run", "fixed_in"})
        failure.save()


def _note_first_run(version: Version, at: datetime) -> None:
    later = models.Q(first_run_at=None) | models.Q(first_run_at__gt=at)
    Version.objects.filter(later, pk=version.pk).update(first_run_at=at)


def _shipped(bundled: BundledRun) -> dict[str, Any]:
    asked = f"{bundled.finished_at or bundled.created_at:%d %B %Y}".lstrip("0")
    note = f"Sample content, recorded by the Proofsheet maintainers on {asked}"
    return {"public_id": bundled.id, "source": bundled.source, "source_note": note}


def _imported(bundled: BundledRun) -> dict[str, Any]:
    """What a file says it saw is level 1: the rule of this module."""
    return {"source": SOURCES.get(bundled.source, bundled.source), "source_note": IMPORTED_FROM}


def _state(state: str) -> str:
    """A run that was under way elsewhere is not under way here."""
    return Run.State.STOPPED if state in {Run.State.QUEUED, Run.State.RUNNING} else state


def _results(run: Run, bundled: Iterable[BundledResult], shipped: bool) -> Iterable[Result]:
    for one in bundled:
        columns: Mapping[str, Any] = {name: getattr(one, name) for name in RESULT_COLUMNS}
        result = Result(run=run, checks=list(one.checks), **columns)
        if shipped:
            result.public_id = one.id
        result.clean_fields(exclude={"run"})
        yield result
