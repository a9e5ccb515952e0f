"""An author's work out in our own format: prompts with versions, cases, runs and every output.

The way in is ``actions.importing.bundle``.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Length

from prompts_app.actions.pictures.case_pictures import digests_of_cases
from prompts_app.engine.digests import case_from_json
from prompts_app.engine.formats.bundle import with_data
from prompts_app.engine.formats.bundle_types import (
    Bundle,
    BundledAuthor,
    BundledCase,
    BundledFailure,
    BundledPrompt,
    BundledResult,
    BundledRun,
    BundledVersion,
)
from prompts_app.engine.reveals import parts_json
from prompts_app.engine.types import Json
from prompts_app.evidence.origin import credits_of
from prompts_app.models import KnownFailure, PictureFile, Prompt, Result, Run, User
from prompts_app.models.endpoints import CHAT
from prompts_app.models.reading import now

# The columns that are written as they stand, under their own names.
TEXT_COLUMNS = (
    "title", "summary", "task", "licence", "situation", "constraints", "impact_kind", "impact", "limits",
)  # fmt: skip
RESULT_COLUMNS = (
    "case_index", "repeat", "created_at", "request", "passed", "output", "finish_reason", "model",
    "response_id", "fingerprint", "tokens_in", "tokens_out", "latency_ms", "attempts", "cost", "cost_source",
    "judge_cost", "judge_calls", "error_kind", "error_message", "picture", "tokens_reasoning",
    "reasoning_chars", "asked_at", "unanswered", "first_token_ms", "trace",
)  # fmt: skip


# Bytes of pictures in one bundle: as many as can be imported again, and fewer for whoever passes by.
MOST_PICTURES, MOST_PICTURES_PUBLIC = 9 * 2**20, 2 * 2**20


def export_bundle(owner: User, prompts: QuerySet[Prompt], *, everything: bool) -> Bundle:
    """These prompts of ``owner`` with their evidence.

    With ``everything`` all their runs and the names of endpoints are in it: for the author alone. Without,
    only what counts as evidence, as a visitor may see it.
    """
    exported, _ = export_prompts(
        prompts, everything=everything, room=MOST_PICTURES if everything else MOST_PICTURES_PUBLIC
    )
    return Bundle(author_of(owner), exported)


def export_prompts(
    prompts: QuerySet[Prompt], *, everything: bool, room: int
) -> tuple[tuple[BundledPrompt, ...], int]:
    """The same without their author, by slug, with ``room`` bytes for pictures; and how many are left."""
    runs = Run.objects.all() if everything else Run.objects.that_count()
    evidence: list[Any] = [
        Prefetch("known_failures", KnownFailure.objects.with_run()),
        Prefetch("runs", runs.select_related("version").order_by("created_at", "pk")),
        Prefetch("runs__results", Result.objects.order_by("case_index", "repeat")),
    ]
    rows = prompts.prefetch_related("tags", "versions", "cases", "private_spans", *evidence)
    rows = rows.select_related("baseline")
    ordered = list(rows.order_by("slug"))
    results = (one for prompt in ordered for run in prompt.runs.all() for one in run.results.all())
    left = _pack(results, room)
    pictures = dict[int, dict[str, str]]()
    for prompt in ordered:
        pictures[prompt.pk], left = _packed(prompt, left)
    credits = credits_of(ordered)
    return tuple(
        _exported(prompt, everything, credits[prompt.pk], pictures[prompt.pk]) for prompt in ordered
    ), left


def author_of(owner: User) -> BundledAuthor:
    profile = owner.profile
    return BundledAuthor(
        handle=owner.handle,
        name=profile.name,
        headline=profile.headline,
        bio=profile.bio,
        location=profile.location,
        availability=profile.availability,
        links=tuple(profile.links),
    )


def _packed(prompt: Prompt, room: int) -> tuple[dict[str, str], int]:
    """The pictures that its versions, its cases, and the suites of the runs that go out, name to who reads
    them, as long as there is room; and what is left of it."""
    suites = [case.as_engine() for case in prompt.cases.all()]
    suites += [
        case_from_json(case) for run in prompt.runs.all() for case in run.suite if case.get("pictures")
    ]
    named = set(digests_of_cases(suites))
    named |= {one.sha256 for version in prompt.versions.all() for one in version.pictures}
    sized = prompt.case_picture_files.filter(sha256__in=named).annotate(size=Length("data"))
    packed = dict[str, str]()
    for digest, size in sized.order_by("sha256").values_list("sha256", "size") if named else ():
        if size <= room:
            room -= size
            data = prompt.case_picture_files.values_list("data", flat=True).get(sha256=digest)
            packed[digest] = base64.b64encode(bytes(data)).decode("ascii")
    return packed, room


def _exported(prompt: Prompt, everything: bool, credit: str, pictures: Mapping[str, str]) -> BundledPrompt:
    return BundledPrompt(
        slug=prompt.slug,
        **{name: getattr(prompt, name) for name in TEXT_COLUMNS},
        tags=tuple(sorted(tag.name for tag in prompt.tags.all())),
        visibility=prompt.visibility,
        published_at=prompt.published_at,
        created_at=prompt.created_at,
        pin_position=prompt.pin_position,
        baseline=prompt.baseline.number if prompt.baseline else None,
        target_model=prompt.target_model,
        target_declared_at=prompt.target_declared_at,
        deleted_runs=prompt.deleted_runs,
        source=prompt.source,
        suite_changed_at=prompt.suite_changed_at,
        forked_from=credit,
        forked_licence=prompt.forked_licence,
        versions=tuple(
            BundledVersion(row.number, row.as_engine(), row.note, row.created_at)
            for row in sorted(prompt.versions.all(), key=lambda version: version.number)
        ),
        cases=tuple(BundledCase(case.as_engine(), case.created_at) for case in prompt.cases.all()),
        runs=tuple(_exported_run(run, everything) for run in prompt.runs.all()),
        known_failures=tuple(_exported_failures(prompt)),
        private=tuple(_exported_private(prompt)),
        pictures=pictures,
    )


def _exported_private(prompt: Prompt) -> Iterator[dict[str, Json]]:
    """With text and salt for who reads the prompt in full, so that the file can be brought in again."""
    spans, reader = [span.as_engine() for span in prompt.private_spans.all()], now()
    is_hidden = bool(reader and reader.mask_of([prompt.pk]))
    for span, said in zip(spans, parts_json(spans), strict=True):
        yield said if is_hidden else {**said, "text": span.text, "salt": span.salt}


def _exported_failures(prompt: Prompt) -> Iterator[BundledFailure]:
    """Of the runs that are in the bundle."""
    runs = {run.pk for run in prompt.runs.all()}
    for one in prompt.known_failures.all():
        if one.run_id in runs:
            fixed_in = one.fixed_in.number if one.fixed_in else None
            yield BundledFailure(one.run.public_id, one.case_index, one.diagnosis, fixed_in)


def _exported_run(run: Run, everything: bool) -> BundledRun:
    return BundledRun(
        id=run.public_id,
        version=run.version.number,
        model=run.model,
        suite=tuple(map(case_from_json, run.suite)),
        source=run.source,
        state=run.state,
        created_at=run.created_at,
        results=tuple(map(_exported_result, run.results.all())),
        endpoint=run.endpoint_name if everything else "",
        asks="" if run.api == CHAT else run.api,
        parameters=run.parameters,
        settings=run.settings,
        adapted=tuple(run.adapted),
        judges_after_thinking=run.judges_after_thinking,
        repeats=run.repeats,
        source_note=run.source_note,
        stop_reason=run.stop_reason,
        started_at=run.started_at,
        finished_at=run.finished_at,
        suite_fixed_at=run.suite_fixed_at,
        judge_endpoint=run.judge_endpoint_name if everything else "",
        judge_model=run.judge_model,
        judge_embedding_model=run.judge_embedding_model,
        judge_parameters=run.judge_parameters,
    )


def _exported_result(result: Result) -> BundledResult:
    columns = {name: getattr(result, name) for name in RESULT_COLUMNS}
    columns["trace"] = tuple(result.trace)
    return BundledResult(id=result.public_id, checks=tuple(result.checks), **columns)


def _pack(results: Iterable[Result], room: int) -> int:
    """Put pictures into their results as long as there is room, and give what is left of it; of the others
    only digests go out."""
    chosen = {}
    for result in results:
        if 0 < (size := result.picture.get("bytes", 0)) <= room:
            room -= size
            chosen[result.pk] = result
    for pk, data in PictureFile.objects.filter(result__in=chosen).values_list("result_id", "data"):
        chosen[pk].picture = with_data(chosen[pk].picture, bytes(data))
    return room
