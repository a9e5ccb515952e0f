"""Outputs an author pasted: evidence level 0, held to the same assertions as any other."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from django.db import transaction

from prompts_app.actions.evidence import count_run, rebuild_evidence
from prompts_app.actions.outcomes import checks_json
from prompts_app.actions.pictures import replace_picture
from prompts_app.actions.run import LONGEST_MODEL, RunRefused
from prompts_app.engine.apart import JUDGING, Overrun, apart
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.prices import UNKNOWN
from prompts_app.engine.render import values_for
from prompts_app.engine.run import judge
from prompts_app.engine.types import Picture, Reply
from prompts_app.models import Case, Prompt, Result, Run, Source, Version


def check_can_paste(prompt: Prompt, version: Version, case: Case, *, model: str, date: date) -> None:
    """Raises RunRefused where ``paste_output`` with the same arguments would make no sense."""
    if version.prompt_id != prompt.pk or case.prompt_id != prompt.pk:
        raise RunRefused("These do not belong together. Load the page again and choose anew.")
    if not model.strip() or len(model) > LONGEST_MODEL:
        raise RunRefused(f"Name the model the output came from, in at most {LONGEST_MODEL} characters.")
    if date > datetime.now(tz=UTC).date():
        raise RunRefused("The date is in the future. Give the day the model answered.")


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
    again replaces what was there. Latency and cost stay unknown. Raises RunRefused.
    """
    check_can_paste(prompt, version, case, model=model, date=date)
    # "Cached" says that its time is unknown; whatever limits it then fails, and says why.
    known = (finish_reason or None, model, None, None, tokens_in, tokens_out, 0.0)
    reply = Reply(output, *known, cached=True, picture=picture)
    held = case.as_engine()
    values = values_for(version.as_engine(), held)
    try:
        tools = version.parameters.get("tools")
        checks, passed = apart(JUDGING, judge, held, reply, UNKNOWN, values, tools)
    except Overrun as why:
        raise RunRefused(str(why)) from None
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
        count_run(run)
        rebuild_evidence(prompt)
    return result


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


def _pasted_run(prompt: Prompt, version: Version, model: str, answered_at: datetime) -> Run:
    """The one run pasted outputs of this version, model and suite are kept in."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)  # two at once must not make two
    suite = prompt.suite()
    run, created = Run.objects.get_or_create(
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
    if not created and (run.finished_at is None or run.finished_at < answered_at):
        run.finished_at = answered_at
        run.save(update_fields=["finished_at"])
    return run


def _place_of(prompt: Prompt, case: Case) -> int:
    return list(prompt.cases.in_order().values_list("pk", flat=True)).index(case.pk)
