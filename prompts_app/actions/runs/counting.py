"""What a run came to, and what a prompt's runs say together. Everything that counts is counted here.

Which runs these are is decided in ``picked``. One in which nothing was judged has outputs, which are counted
and shown, and no rate: its ``cases`` are 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from prompts_app.engine.stats import median
from prompts_app.evidence.frames import FAILED, NO_ANSWER, PASSED, UNJUDGED, WAITING
from prompts_app.evidence.picked import Picked, pick, runs_that_count, target_is, tested
from prompts_app.models import Prompt, Result, Run, Source
from prompts_app.models.reading import reading

SUMMARY_VERSION = 7  # of a summary: rises when one says more than before, so that older ones are written anew
MOST_AT_ONCE = 200  # older summaries in one go of the background task


class ModelEvidence(TypedDict):
    """One model on the version shown: the run that counts for it."""

    model: str  # as readers are told it (Run.named)
    answered: str  # as the provider named it, "" where it did not
    asked: str  # where, in words; "": not by this server. Not in form 2
    remark: str  # what is to be said of that place, "" for nothing. Not in form 4
    server: str  # the kind of that place (engine.vendors.Kind). Not in form 2
    maker: str  # whom it counts for, "" for nobody. Not in form 2
    run: str  # the run's public id
    passed: int  # cases
    cases: int  # passed and failed; errors are not in it; 0: nothing was judged
    outputs: int  # answers, judged or not; not in a summary of form 3
    errors: int
    low: float  # Wilson's 95% interval, 0..1
    high: float
    level: int
    frames: str  # see ``case_states``
    cost_median: str | None  # US dollars a call, as text so that nothing is rounded; None: unknown
    latency_ms: float | None  # median
    tokens_in: float | None  # median
    tokens_out: float | None  # median
    tested: str  # ISO 8601


class VersionEvidence(TypedDict):
    """One version on the main model."""

    version: int
    run: str
    passed: int
    cases: int  # these two as in ModelEvidence
    outputs: int
    low: float
    high: float
    tokens_in: float | None
    # These two as in ModelEvidence; not in a summary of form 1.
    cost_median: str | None
    level: int
    suite_digest: str
    place: str  # whose servers answered, else their addresses; "": not known. Not in form 6


class EvidenceSummary(TypedDict):
    """``Prompt.evidence``. An empty dict stands for "nothing counts yet".

    The figures at the top are those of ``main_model`` on ``version``, the newest version of which something
    was judged; where nothing was ever judged, the newest with an output. Then ``cases`` is 0.
    """

    form: int  # SUMMARY_VERSION when it was written; 1 did not say so
    version: int
    is_current: bool  # whether that is the prompt's newest version
    level: int
    main_model: str
    place: str  # as in VersionEvidence
    main_by: str  # a rule of ``picked``; this and the next three are not in a summary of form 3
    target_is: str  # where the model it was written for is not the main one: why, see ``target_is`` there
    baseline: int | None  # the version that ``version`` is compared with: one of ``history``
    newer_outputs: int  # of versions after ``version``: nothing judged them
    passed: int
    cases: int
    outputs: int
    errors: int
    low: float
    high: float
    frames: str
    suite_digest: str
    models: list[ModelEvidence]  # the main model first, then by the low end, those not judged last
    history: list[VersionEvidence]  # oldest first
    runs: int  # all that count, over all versions and models
    deleted_runs: int
    latency_ms: float | None
    cost_call: str | None
    tokens_in: float | None
    tested: str


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
        return FAILED
    if any(result.is_error for result in repeats):
        return NO_ANSWER
    if len(repeats) < expected:
        return WAITING
    return PASSED if all(result.passed for result in repeats) else UNJUDGED


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
        "cases_passed": states[PASSED],
        "cases_failed": states[FAILED],
        "cases_error": states[NO_ANSWER],
        "answers": sum(result.is_answered for result in results),
        "cost": cost_of(results),
        "judge_cost": judge_cost_of(results),
        "cost_sources": Counter(result.cost_source for result in results if result.cost is not None),
        "distinct": _distinct_outputs(run),
        "latency_median_ms": median(result.latency_ms for result in answers),
        "tokens_in_median": median(result.tokens_in for result in answers),
        "tokens_out_median": median(result.tokens_out for result in answers),
        "model_answered": next(iter(_most_first(result.model for result in answers)), ""),
        "asked_at": _most_first(result.asked_at for result in answers),
    }
    for name, value in totals.items():
        setattr(run, name, value)
    run.named = run.who.named
    run.save(update_fields=[*totals, "named"])


def _columns_that_count(results: QuerySet[Result]) -> QuerySet[Result]:
    """Without outputs and requests, which may be megabytes."""
    return results.only(
        "run_id", "case_index", "repeat", "passed", "error_kind", "cost", "latency_ms",
        "tokens_in", "tokens_out", "model", "judge_cost", "judge_calls", "asked_at", "cost_source",
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
    for name, value in columns.items():
        setattr(prompt, name, value)


def _named_anew(runs: Iterable[Run]) -> Iterator[Run]:
    """What may be said of a place can have changed since a run was counted (engine.vendors)."""
    for run in runs:
        if (named := run.who.named) != run.named:
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
        "evidence": summary,
        "evidence_level": summary["level"],
        "evidence_passed": summary["passed"],
        "evidence_cases": summary["cases"],
        "evidence_judged": summary["cases"] > 0,
        "evidence_low": summary["low"],
        "last_tested_at": tested(picked.shown[0]),
    }


def _summary(prompt: Prompt, picked: Picked) -> EvidenceSummary:
    costs = _median_costs([*picked.shown, *picked.history])
    models = [_model_evidence(run, costs[run.pk]) for run in picked.shown]
    main, first = picked.shown[0], models[0]
    newest = prompt.versions.order_by("-number").values_list("number", flat=True).first()
    return {
        "form": SUMMARY_VERSION,
        "version": main.version.number,
        "is_current": main.version.number == newest,
        "level": first["level"],
        "main_model": main.named,
        "place": main.place,
        "main_by": picked.main_by,
        "target_is": target_is(prompt, picked),
        "baseline": picked.baseline.version.number if picked.baseline else None,
        "newer_outputs": sum(run.answers for run in picked.newer),
        "passed": first["passed"],
        "cases": first["cases"],
        "outputs": first["outputs"],
        "errors": first["errors"],
        "low": first["low"],
        "high": first["high"],
        "frames": main.frames,
        "suite_digest": main.suite_digest,
        "models": models,
        "history": [_version_evidence(run, costs[run.pk]) for run in picked.history],
        "runs": len(picked.everything),
        "deleted_runs": Prompt.objects.values_list("deleted_runs", flat=True).get(pk=prompt.pk),
        "latency_ms": first["latency_ms"],
        "cost_call": first["cost_median"],
        "tokens_in": first["tokens_in"],
        "tested": first["tested"],
    }


def _model_evidence(run: Run, cost: Decimal | None) -> ModelEvidence:
    return {
        "model": run.named,
        "answered": run.model_answered,
        "asked": run.who.where if run.source == Source.RECORDED else "",
        "remark": run.who.remark,
        "server": run.who.kind,
        "maker": run.who.maker,
        "run": run.public_id,
        "passed": run.cases_passed,
        "cases": run.cases_counted,
        "outputs": run.answers,
        "errors": run.cases_error,
        "low": run.low,
        "high": run.high,
        "level": int(run.level or 0),
        "frames": run.frames,
        "cost_median": _as_text(cost),
        "latency_ms": run.latency_median_ms,
        "tokens_in": run.tokens_in_median,
        "tokens_out": run.tokens_out_median,
        "tested": tested(run).isoformat(),
    }


def _as_text(cost: Decimal | None) -> str | None:
    return None if cost is None else f"{cost:f}"


def _version_evidence(run: Run, cost: Decimal | None) -> VersionEvidence:
    return {
        "version": run.version.number,
        "run": run.public_id,
        "passed": run.cases_passed,
        "cases": run.cases_counted,
        "outputs": run.answers,
        "low": run.low,
        "high": run.high,
        "tokens_in": run.tokens_in_median,
        "cost_median": _as_text(cost),
        "level": int(run.level or 0),
        "suite_digest": run.suite_digest,
        "place": run.place,
    }


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
