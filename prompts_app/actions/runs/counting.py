"""What a run came to, and what a prompt's runs say together. Everything that counts is counted here.

Which runs these are is decided in ``picked``. One in which nothing was judged has outputs, which are counted
and shown, and no rate: its ``cases`` are 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.engine.finish_reasons import is_cut
from prompts_app.engine.response_format import schema_asked_for
from prompts_app.engine.stats import median
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.listings import refresh_figures
from prompts_app.evidence.picked import Picked, pick, runs_that_count, target_is, tested
from prompts_app.evidence.summary import SUMMARY_VERSION, ModelEvidence, Summary, VersionEvidence, to_json
from prompts_app.models import Prompt, Result, Run, Source
from prompts_app.models.reading import reading

# Kinds of faults that a schema brought about, and as what they are counted.
SCHEMA_FAULTS = {"bad_schema": "refused", "no_such_format": "refused", "schema_unmet": "withheld"}
CHECKS_AT_ONCE = 50  # results whose checks are in memory together
MOST_AT_ONCE = 200  # older summaries in one go of the background task


def case_states(run: Run, results: Iterable[Result]) -> str:
    """One letter a case, in the suite's order, for a run at any moment.

    f: a repeat failed. e: none failed, but a repeat has no answer. w: a repeat is still to come.
    p: every repeat passed. u: answered, but there was no assertion to hold it to; not counted.
    """
    repeats: list[list[Result]] = [[] for _ in run.suite]
    for result in results:
        if result.case_index < len(repeats):
            repeats[result.case_index].append(result)
    return "".join(_state_of(case, run.repeats) for case in repeats)


def _state_of(repeats: Sequence[Result], expected: int) -> str:
    if any(result.passed is False for result in repeats):
        return FrameState.FAILED
    if any(result.is_error for result in repeats):
        return FrameState.NO_ANSWER
    if len(repeats) < expected:
        return FrameState.WAITING
    return FrameState.PASSED if all(result.passed for result in repeats) else FrameState.UNJUDGED


def cost_of(results: Iterable[Result]) -> Decimal | None:
    """US dollars for all answers; None where one is unknown or there is none. Never a guess.

    A call without an answer adds what it is known to have cost; mostly nothing is known of it.
    """
    answers, known = 0, Decimal(0)
    for result in results:
        if result.cost is None and not result.is_error:
            return None
        answers += not result.is_error
        known += result.cost or 0
    return known if answers else None


def judge_cost_of(results: Iterable[Result]) -> Decimal | None:
    """US dollars the judge cost in all; None where that is unknown of one, or nothing was graded."""
    costs = [result.judge_cost for result in results if result.judge_calls]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None


@reading(None)
def count_run(run: Run) -> None:
    """Write the run's totals and frames from its results. Counting twice changes nothing."""
    results = list(_columns_that_count(run.results.all()))
    states = Counter(frames := case_states(run, results))
    answers = [result for result in results if not result.is_error]
    totals = {
        "frames": frames,
        "cases_passed": states[FrameState.PASSED],
        "cases_failed": states[FrameState.FAILED],
        "cases_error": states[FrameState.NO_ANSWER],
        "answers": sum(result.is_answered for result in results),
        "cost": cost_of(results),
        "judge_cost": judge_cost_of(results),
        "cost_sources": Counter(result.cost_source for result in results if result.cost is not None),
        "distinct": _distinct_outputs(run),
        "schema_fit": _schema_fit(run),
        "latency_median_ms": median(result.latency_ms for result in answers),
        "first_token_median_ms": median(result.first_token_ms for result in answers),
        "tokens_in_median": median(result.tokens_in for result in answers),
        "tokens_out_median": median(result.tokens_out for result in answers),
        "model_answered": next(iter(_most_first(result.model for result in answers)), ""),
        "asked_at": _most_first(result.asked_at for result in answers),
    }
    for name, value in totals.items():
        setattr(run, name, value)
    run.named = run.named_now
    run.save(update_fields=[*totals, "named"])


def _schema_fit(run: Run) -> dict[str, int]:
    """Of ``Run.schema_fit``. Checks are read only where there is a schema."""
    if schema_asked_for(run.version.parameters) is None:
        return {}
    counts: Counter[str] = Counter()
    for result in run.results.only("run_id", "checks", "error_kind", "finish_reason").iterator(
        CHECKS_AT_ONCE
    ):
        counts.update(_fit_of(result))
    return dict(counts)


def _fit_of(result: Result) -> list[str]:
    if result.error_kind in SCHEMA_FAULTS:
        return [SCHEMA_FAULTS[result.error_kind]]
    of_schema = (
        check for check in result.checks if check.get("type") == ASKED_SCHEMA and not check.get("unknown")
    )
    passed = next((check.get("passed") for check in of_schema), None)
    if passed is None:
        return []
    return ["held", "kept"] if passed else ["held", "cut"] if is_cut(result.finish_reason) else ["held"]


def _columns_that_count(results: QuerySet[Result]) -> QuerySet[Result]:
    """Without outputs and requests, which may be megabytes."""
    return results.only(
        "run_id", "case_index", "repeat", "passed", "error_kind", "cost", "latency_ms",
        "tokens_in", "tokens_out", "model", "judge_cost", "judge_calls", "asked_at", "cost_source",
        "first_token_ms",
    )  # fmt: skip


def _most_first(names: Iterable[str]) -> list[str]:
    """Each name once, the most frequent first."""
    found = Counter(name for name in names if name)
    return sorted(found, key=lambda name: (-found[name], name))


def _distinct_outputs(run: Run) -> list[int]:
    """How many different outputs each case got, counted by the database; [] where each was asked once."""
    if run.repeats == 1:
        return []
    answers = run.results.filter(error_kind="").order_by().values("case_index")
    said = Coalesce(KT("picture__sha256"), "output")
    counts = dict(answers.annotate(n=Count(said, distinct=True)).values_list("case_index", "n"))
    return [counts.get(index, 0) for index in range(len(run.suite))]


@reading(None)  # figures are of what is stored, whoever's request it is
def rebuild_evidence(prompt: Prompt) -> None:
    """Write ``prompt``'s evidence summary from its runs. The only place that does.

    To be called when a run ended or was deleted, after a paste or an import, and for a new version.
    """
    with transaction.atomic():
        # Of two at once, the second sees the first's runs.
        Prompt.objects.select_for_update().get(pk=prompt.pk)
        columns = _columns(prompt)
        Prompt.objects.filter(pk=prompt.pk).update(**columns)
        refresh_figures([prompt])
    for name, value in columns.items():
        setattr(prompt, name, value)


def _named_anew(runs: Iterable[Run]) -> Iterator[Run]:
    """What may be said of a place can have changed since a run was counted (engine.vendors)."""
    for run in runs:
        if (named := run.named_now) != run.named:
            run.named = named
            Run.objects.filter(pk=run.pk).update(named=named)
        yield run


def count_mended() -> bool:
    """Count anew the runs whose results a migration mended: their frames are empty. Some at a time; whether
    there are more."""
    counted = Exists(Result.objects.filter(run=OuterRef("pk")))
    ended = Run.objects.exclude(pk__in=Run.objects.under_way()).filter(counted, frames="")
    mended = list(ended.select_related("prompt").order_by("pk")[: MOST_AT_ONCE + 1])
    for run in mended[:MOST_AT_ONCE]:
        with transaction.atomic():
            count_run(run)
            rebuild_evidence(run.prompt)
    return len(mended) > MOST_AT_ONCE


def rebuild_older() -> bool:
    """Write anew what an earlier release summed up, some at a time; whether there are more."""
    answered = Exists(Run.objects.that_count().filter(prompt=OuterRef("pk"), answers__gt=0))
    is_older = Q(evidence__form__isnull=True) | Q(evidence__form__lt=SUMMARY_VERSION)
    # Empty ones too: an earlier release left out what nothing judged.
    older = list(Prompt.objects.filter(answered, is_older).order_by("pk")[: MOST_AT_ONCE + 1])
    for prompt in older[:MOST_AT_ONCE]:
        rebuild_evidence(prompt)
    return len(older) > MOST_AT_ONCE


def _columns(prompt: Prompt) -> dict[str, object]:
    picked = pick(prompt, list(_named_anew(runs_that_count(prompt))))
    ended_early = prompt.runs.ended_early().count()
    if picked is None:
        return {
            "ended_early": ended_early,
            "evidence": {}, "evidence_level": None, "evidence_passed": 0, "evidence_cases": 0,
            "evidence_judged": False, "evidence_low": 0.0, "last_tested_at": None,
        }  # fmt: skip
    summary = _summary(prompt, picked)
    return {
        "ended_early": ended_early,
        "evidence": to_json(summary),
        "evidence_level": summary.level,
        "evidence_passed": summary.passed,
        "evidence_cases": summary.cases,
        "evidence_judged": summary.cases > 0,
        "evidence_low": summary.low,
        "last_tested_at": tested(picked.shown[0]),
    }


def _summary(prompt: Prompt, picked: Picked) -> Summary:
    costs = _median_costs([*picked.shown, *picked.history])
    models = [_model_evidence(run, costs[run.pk]) for run in picked.shown]
    main, first = picked.shown[0], models[0]
    newest = prompt.versions.order_by("-number").values_list("number", flat=True).first()
    return Summary(
        **_counted(main),
        version=main.version.number,
        is_current=main.version.number == newest,
        main_model=main.named,
        place=main.place,
        main_by=picked.main_by,
        target_is=target_is(prompt, picked),
        baseline=picked.baseline.version.number if picked.baseline else None,
        newer_outputs=sum(run.answers for run in picked.newer),
        errors=first.errors,
        frames=main.frames,
        suite_digest=main.suite_digest,
        models=models,
        history=[_version_evidence(run, costs[run.pk]) for run in picked.history],
        runs=len(picked.everything),
        deleted_runs=Prompt.objects.values_list("deleted_runs", flat=True).get(pk=prompt.pk),
        latency_ms=first.latency_ms,
        cost_call=first.cost_median,
        tested=first.tested,
    )


def _counted(run: Run) -> dict[str, Any]:
    """The figures of ``summary.Counted``."""
    return {
        "passed": run.cases_passed,
        "cases": run.cases_counted,
        "outputs": run.answers,
        "low": run.low,
        "high": run.high,
        "level": int(run.level or 0),
        "tokens_in": run.tokens_in_median,
    }


def _model_evidence(run: Run, cost: Decimal | None) -> ModelEvidence:
    return ModelEvidence(
        **_counted(run),
        model=run.named,
        answered=run.model_answered,
        asked=run.who.where if run.source == Source.RECORDED else "",
        remark=run.who.remark,
        server=run.who.kind,
        maker=run.who.maker,
        run=run.public_id,
        errors=run.cases_error,
        frames=run.frames,
        cost_median=_as_text(cost),
        latency_ms=run.latency_median_ms,
        tokens_out=run.tokens_out_median,
        tested=tested(run).isoformat(),
    )


def _as_text(cost: Decimal | None) -> str | None:
    return None if cost is None else f"{cost:f}"


def _version_evidence(run: Run, cost: Decimal | None) -> VersionEvidence:
    return VersionEvidence(
        **_counted(run),
        version=run.version.number,
        run=run.public_id,
        cost_median=_as_text(cost),
        suite_digest=run.suite_digest,
        place=run.place,
    )


def _median_costs(runs: Sequence[Run]) -> dict[int, Decimal | None]:
    """Run → the middle cost of its answers; None as soon as one is unknown."""
    costs: dict[int, list[Decimal | None]] = {run.pk: [] for run in runs}
    answers = Result.objects.filter(run__in=runs, error_kind="")
    for run_id, cost in answers.values_list("run_id", "cost"):
        costs[run_id].append(cost)
    return {run_id: _median_cost(of_run) for run_id, of_run in costs.items()}


def _median_cost(costs: list[Decimal | None]) -> Decimal | None:
    known = sorted(cost for cost in costs if cost is not None)
    if not known or len(known) < len(costs):
        return None
    half = len(known) // 2
    return known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2
