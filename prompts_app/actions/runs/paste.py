"""Outputs an author pasted: evidence level 0, held to the same assertions as any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import transaction
from django.db.models import Max

from prompts_app.actions.pictures.storage import replace_picture
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.judge import LONGEST_MODEL
from prompts_app.actions.runs.outcomes import checks_json
from prompts_app.engine.checking import judge
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.errors import Overrun, Refused
from prompts_app.engine.limited_process import JUDGING, apart
from prompts_app.engine.picture_types import Picture
from prompts_app.engine.prices import UNKNOWN
from prompts_app.engine.render import values_for
from prompts_app.engine.types import Check, Reply
from prompts_app.evidence.records import keys_of
from prompts_app.models import Case, KnownFailure, Prompt, Result, Run, Source, Version

MOST_TOGETHER = 300  # outputs out of one table: each is judged while the page waits


def check_can_paste(prompt: Prompt, version: Version, case: Case, *, model: str, date: date) -> None:
    """Raises Refused where ``paste_output`` with the same arguments would make no sense."""
    if version.prompt_id != prompt.pk or case.prompt_id != prompt.pk:
        raise Refused("run", "These do not belong together. Load the page again and choose anew.")
    if not model.strip() or len(model) > LONGEST_MODEL:
        raise Refused("run", f"Name the model the output came from, in at most {LONGEST_MODEL} characters.")
    if date > datetime.now(tz=UTC).date():
        raise Refused("run", "The date is in the future. Give the day the model answered.")


def paste_output(
    prompt: Prompt,
    version: Version,
    case: Case,
    *,
    model: str,
    output: str,
    date: date,
    picture: Picture | None = None,
    finish_reason: str = "",
    tokens_in: int | None = None,
    tokens_out: int | None = None,
) -> Result:
    """Store and judge one output, a pasted text or an uploaded picture, then count it.

    There is one pasted run for each version, model and state of the suite. Pasting for the same case
    again replaces what was there; outputs pasted earlier for cases that are still the same go along, with
    their own dates and verdicts. Latency and cost stay unknown. Raises Refused.
    """
    check_can_paste(prompt, version, case, model=model, date=date)
    # "Cached" says that its time is unknown; whatever limits it then fails, and says why.
    known = (finish_reason or None, model, None, None, tokens_in, tokens_out, 0.0)
    reply = Reply(output, *known, cached=True, picture=picture)
    checks, passed = _judged(version, case, reply)
    answered_at = datetime.combine(date, time(12), tzinfo=UTC)
    with transaction.atomic():
        run = _pasted_run(prompt, version, model, answered_at)
        result, _ = Result.objects.update_or_create(
            run=run,
            case_index=_place_of(prompt, case),
            repeat=0,
            defaults={
                **_columns_of(reply),
                "checks": checks_json(checks),
                "passed": passed,
                "created_at": answered_at,
            },
        )
        replace_picture(result, picture)
        _take_along(run)
        count_run(run)
        rebuild_evidence(prompt)
    return result


def _judged(version: Version, case: Case, reply: Reply) -> tuple[tuple[Check, ...], bool | None]:
    """As an answer of a run is, and in a process of its own: anybody may paste anything."""
    held = case.as_engine()
    values = values_for(version.as_engine(), held)
    try:
        return apart(JUDGING, judge, held, reply, UNKNOWN, values, version.parameters)
    except Overrun as why:
        raise Refused("run", str(why)) from None


@dataclass(frozen=True, slots=True)
class PastedTogether:
    pasted: int
    refused: str = ""  # why the rest was not

    def __str__(self) -> str:
        kept = f"{self.pasted:,} output{' is' if self.pasted == 1 else 's are'} kept as pasted."
        return f"{kept} The rest was not: {self.refused}" if self.refused else kept


def paste_together(
    prompt: Prompt, version: Version, outputs: Sequence[tuple[Case, str]], *, model: str
) -> PastedTogether:
    """What a table says that ``model`` answered to each case, today; an empty text is none."""
    pasted = 0
    for case, output in outputs:
        if output.strip():
            try:
                paste_output(
                    prompt, version, case, model=model, output=output, date=datetime.now(tz=UTC).date()
                )
            except Refused as why:
                return PastedTogether(pasted, str(why))
            pasted += 1
    return PastedTogether(pasted)


def _columns_of(reply: Reply) -> dict[str, Any]:
    """Nobody has judged it yet, whoever judged the one before it."""
    return {
        "output": reply.output,
        "picture": reply.picture.about() if reply.picture else {},
        "finish_reason": reply.finish_reason or "",
        "model": reply.model or "",
        "tokens_in": reply.tokens_in,
        "tokens_out": reply.tokens_out,
        "judge_cost": None,
        "judge_calls": 0,
    }


def _take_along(run: Run) -> None:
    """Move here what was pasted for the same version and model while the suite was another one, where the
    very same case has no newer output. Answers to cases that changed or went stay where they are."""
    places = {key: place for place, key in enumerate(keys_of(run.suite))}
    filled = set(run.results.values_list("case_index", flat=True))
    alike = Run.objects.filter(prompt=run.prompt, version=run.version, model=run.model, source=Source.PASTED)
    for older in alike.exclude(pk=run.pk).order_by("-finished_at", "-pk"):
        keys = keys_of(older.suite)
        for result in older.results.order_by("case_index"):
            place = places.get(keys[result.case_index])
            if place is not None and place not in filled:
                filled.add(place)
                _move(result, older, run, place)
        run.created_at = min(run.created_at, older.created_at)  # pasted since: see evidence.picked
        _tidy(older)
    run.finished_at = run.results.aggregate(last=Max("created_at"))["last"]
    run.save(update_fields=["created_at", "finished_at", *JUDGE_COLUMNS])


JUDGE_COLUMNS = ("judge_endpoint_name", "judge_model", "judge_embedding_model", "judge_parameters")


def _move(result: Result, older: Run, run: Run, place: int) -> None:
    """With its place on the failure shelf, and who judged it."""
    KnownFailure.objects.filter(run=older, case_index=result.case_index).update(run=run, case_index=place)
    Result.objects.filter(pk=result.pk).update(run=run, case_index=place)
    if result.judge_calls and not run.has_judge:
        for name in JUDGE_COLUMNS:
            setattr(run, name, getattr(older, name))


def _tidy(older: Run) -> None:
    """A run all of whose outputs went along is none; else it is dated and counted anew."""
    last = older.results.aggregate(last=Max("created_at"))["last"]
    if last is None:
        older.delete()
        return
    older.finished_at = last
    older.save(update_fields=["finished_at"])
    count_run(older)


def _pasted_run(prompt: Prompt, version: Version, model: str, answered_at: datetime) -> Run:
    """The one run pasted outputs of this version, model and suite are kept in."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)  # two at once must not make two
    suite = prompt.suite()
    run, _ = Run.objects.get_or_create(
        prompt=prompt,
        version=version,
        model=model,
        suite_digest=suite_digest(suite),
        source=Source.PASTED,
        defaults={
            "suite": [case_json(case) for case in suite],
            "suite_fixed_at": prompt.suite_changed_at,
            "state": Run.State.FINISHED,
            "finished_at": answered_at,
        },
    )
    return run


def _place_of(prompt: Prompt, case: Case) -> int:
    return list(prompt.cases.in_order().values_list("pk", flat=True)).index(case.pk)
