"""Planned prompts, saved: many rows in few queries. Whoever calls these begins the transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from prompts_app.actions.exporting.bundle import RESULT_COLUMNS
from prompts_app.actions.importing.import_matching import More
from prompts_app.actions.importing.plan import Planned, refuse_later, refuse_odd, refused
from prompts_app.actions.pictures.case_pictures import digests_of_cases, keep_pictures
from prompts_app.actions.pictures.storage import store_pictures
from prompts_app.actions.prompts.save import free_slugs, note_suite_changed
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.adaptations import WORDS
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.errors import Overrun, PictureRefused, Refused
from prompts_app.engine.formats.bundle import data_of
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.engine.limited_process import PICTURE, apart
from prompts_app.engine.picture_types import Picture
from prompts_app.engine.pictures import keep, keep_again
from prompts_app.evidence.listings import refresh
from prompts_app.models import (
    Case,
    KnownFailure,
    PrivateSpan,
    Prompt,
    Result,
    Run,
    SearchDocument,
    Source,
    Tag,
    User,
    Version,
)
from prompts_app.models.endpoints import CHAT
from prompts_app.search import document_of

_ROWS = 100  # in one INSERT
_RESULTS = 200
MOST_CASE_PICTURES = 500  # of one prompt in a file
# Of the first picture that was ever kept: they go with every copy of it.
_FIRST = ("original_sha256", "original_bytes", "revised_prompt")


# --- prompts ----------------------------------------------------------------------------------------------


def save(owner: User, planned: Sequence[Planned]) -> None:
    """New prompts with their versions, cases and tags, private ones: no list names them. Runs come after."""
    list(
        User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk")
    )  # as create_prompt
    named = [item for item in planned if not item.keeps_ids]
    slugs = free_slugs(owner, (item.prompt.slug or item.title for item in named))
    for item, slug in zip(named, slugs, strict=True):
        item.prompt.slug = slug
    _insert([item.prompt for item in planned])
    for of_it in ("versions", "cases", "spans"):
        rows = [row for item in planned for row in getattr(item, of_it)]
        for row in rows:
            row.prompt_id = row.prompt.pk
        _insert(rows)
    _save_tags(planned)
    with_baseline = [item for item in planned if item.baseline is not None]
    for item in with_baseline:
        item.prompt.baseline = item.version(item.baseline or 0)
    Prompt.objects.bulk_update([item.prompt for item in with_baseline], ["baseline"])
    _insert([_document(item) for item in planned])
    for item in planned:
        _save_case_pictures(item)


def _insert(rows: Sequence[models.Model]) -> None:
    """``bulk_create`` in a third of its time: most of that goes into asking how each value is written."""
    at = connections[DEFAULT_DB_ALIAS]  # the thread's own, which ``connection`` looks up with each use
    for some in batched(rows, _ROWS):
        table = some[0]._meta
        columns = [column for column in table.concrete_fields if not column.primary_key]
        names = ", ".join(f'"{column.column}"' for column in columns)
        marks = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(some))
        with at.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table.db_table} ({names}) VALUES {marks} RETURNING id",  # noqa: S608 our own names
                list(chain.from_iterable(_written(some, columns, at))),
            )
            for row, (pk,) in zip(some, cursor.fetchall(), strict=True):
                row.pk, row._state.adding, row._state.db = pk, False, at.alias


def _written(
    rows: Iterable[models.Model], columns: Sequence[models.Field[Any, Any]], at: BaseDatabaseWrapper
) -> Iterator[list[Any]]:
    """Each row's values as the database takes them: texts and numbers as they are."""
    values_of = attrgetter(*(column.attname for column in columns))
    by_column = (models.JSONField, models.DateTimeField)
    others = [(place, column) for place, column in enumerate(columns) if isinstance(column, by_column)]
    for row in rows:
        values = list(values_of(row))
        for place, column in others:
            if (value := column.pre_save(row, add=True)) is not None:  # the moment of writing, say
                values[place] = column.get_db_prep_save(value, at)
        yield values


def _save_tags(planned: Iterable[Planned]) -> None:
    names = {name for item in planned for name in item.tags}
    Tag.objects.bulk_create(
        [Tag(name=name) for name in sorted(names)], ignore_conflicts=True, batch_size=_ROWS
    )
    tags = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
    links = [(item.prompt.pk, tags[name]) for item in planned for name in item.tags]
    _insert([Prompt.tags.through(prompt_id=prompt, tag_id=tag) for prompt, tag in links])


def _save_case_pictures(of: Planned | More) -> None:
    """Those its versions, cases and suites name. Raises BundleRefused."""
    if not of.pictures:
        return
    suites = [*(case.as_engine() for case in of.cases), *(case for run in of.runs for case in run.suite)]
    own = {one.sha256 for version in of.versions for one in version.pictures}
    named = sorted({*own, *digests_of_cases(suites)} & of.pictures.keys())
    with refused(of.prompt.title):
        if len(named) > MOST_CASE_PICTURES:
            raise ValidationError(f"it has more than {MOST_CASE_PICTURES} pictures.")
        try:
            keep_pictures(
                of.prompt, (apart(PICTURE, keep_again, data_of({"data": of.pictures[one]})) for one in named)
            )
        except (Refused, Overrun) as why:
            raise ValidationError(f"a picture of a case was refused. {why}") from None


def _document(item: Planned) -> SearchDocument:
    newest = max(item.versions, key=lambda version: version.number)
    return document_of(item.prompt, [newest], item.tags, [span.as_engine() for span in item.spans])


def save_more(more: More) -> None:
    """Versions, cases and private parts behind those that are there; runs come after.

    A version keeps its number where that is free.
    """
    prompt = Prompt.objects.select_for_update().get(pk=more.prompt.pk)
    taken = set(prompt.versions.values_list("number", flat=True))
    last = prompt.cases.aggregate(last=models.Max("position"))["last"]
    for row in more.versions:
        row.number = row.number if row.number not in {0, *taken} else max(taken, default=0) + 1
        taken.add(row.number)
    for position, case in enumerate(more.cases, 0 if last is None else last + 1):
        case.position = position
    for of_it in (more.versions, more.cases, more.spans):
        for added in of_it:
            added.prompt = prompt
    PrivateSpan.objects.bulk_create(more.spans)
    Version.objects.bulk_create(more.versions)
    Case.objects.bulk_create(more.cases)
    _save_case_pictures(more)
    if more.cases:
        note_suite_changed(prompt)
    if more.versions or more.cases or more.spans:
        rebuild_evidence(prompt)
        refresh([prompt])


# --- runs -------------------------------------------------------------------------------------------------


def check_runs(of: Planned | More) -> None:
    """Raises BundleRefused where one of them could not be saved."""
    for run in of.runs:
        with refused(of.prompt.title):
            _rows(of, run)


def save_run(of: Planned | More, bundled: BundledRun) -> Run:
    """Its results, pictures and known failures with it. Raises BundleRefused.

    The prompt's evidence is not counted anew: for who saves several.
    """
    with refused(of.prompt.title):
        run, results, pictures, failures = _rows(of, bundled)
    run.save()
    Result.objects.bulk_create(results, batch_size=_RESULTS)
    store_pictures(pictures)
    KnownFailure.objects.bulk_create(failures)
    count_run(run)
    if run.source != Source.PRACTICE:
        later = models.Q(first_run_at=None) | models.Q(first_run_at__gt=run.created_at)
        Version.objects.filter(later, pk=run.version_id).update(first_run_at=run.created_at)
    return run


def _rows(
    of: Planned | More, bundled: BundledRun
) -> tuple[Run, list[Result], dict[str, Picture], list[KnownFailure]]:
    """Raises ValidationError."""
    refuse_later(bundled.created_at, bundled.finished_at, *(one.created_at for one in bundled.results))
    run = Run(
        prompt=of.prompt,
        version=of.version(bundled.version),
        endpoint_name=bundled.endpoint,
        model=bundled.model,
        parameters=bundled.parameters,
        settings=bundled.settings,
        judges_after_thinking=bundled.judges_after_thinking,
        adapted=[word for word in bundled.adapted if word in WORDS],
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
        source=bundled.source,
        source_note=bundled.source_note[:200],
        **({"public_id": bundled.id} if of.keeps_ids else {}),
    )
    run.clean_fields(exclude={"batch", "prompt", "version", "endpoint", "suite"})
    pictures: dict[str, Picture] = {}
    results = list(_results(run, bundled, pictures, keeps_ids=of.keeps_ids))
    return run, results, pictures, list(_failures(of, bundled, run))


def _state(state: str) -> str:
    """A run that was under way elsewhere is not under way here."""
    return Run.State.STOPPED if state in {Run.State.QUEUED, Run.State.RUNNING} else state


def _results(
    run: Run, bundled: BundledRun, pictures: dict[str, Picture], *, keeps_ids: bool
) -> Iterator[Result]:
    for one in bundled.results:
        columns: Mapping[str, Any] = {name: getattr(one, name) for name in RESULT_COLUMNS}
        result = Result(run=run, checks=list(one.checks), **columns)
        if keeps_ids:
            result.public_id = one.id
        result.clean_fields(exclude={"run"})
        if result.picture:
            _unpack(result, result.picture, pictures)
        yield result


def _unpack(result: Result, packed: Mapping[str, Any], pictures: dict[str, Picture]) -> None:
    """Drawn anew like any picture that comes in; where the file has only digests, they are kept."""
    first = {name: packed[name] for name in _FIRST if name in packed}
    if "data" not in packed:
        result.picture = {name: packed[name] for name in ("sha256",) if name in packed} | first
        return
    try:
        picture = apart(PICTURE, keep, data_of(packed))
    except (PictureRefused, Overrun) as why:
        raise ValidationError(f"a picture in it was refused. {why}") from None
    pictures[result.public_id] = picture
    result.picture = picture.about() | first


def _failures(of: Planned | More, bundled: BundledRun, run: Run) -> Iterator[KnownFailure]:
    """Those of this run, in the file's order behind what is on the shelf."""
    for position, one in enumerate(of.failures, of.shelf_from):
        if one.run != bundled.id:
            continue
        fix = of.version(one.fixed_in) if one.fixed_in is not None else None
        row = KnownFailure(prompt=of.prompt, run=run, case_index=one.case_index, position=position)
        row.diagnosis = one.diagnosis
        row.fixed_in = fix if fix and fix.number > run.version.number else None
        refuse_odd(KnownFailure, "diagnosis", one.diagnosis)
        yield row
