"""The figures of a profile, computed from the evidence of an author's public prompts. Pure.

Only what this server recorded is counted; imported and pasted runs are listed, but not summed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median

from prompts_app.engine.stats import wilson
from prompts_app.evidence.concision import Gain, gain_of
from prompts_app.evidence.number_format import whole_percent
from prompts_app.evidence.summary import ModelEvidence, Summary, VersionEvidence, summary_of
from prompts_app.models import Level, Prompt, Task


@dataclass(frozen=True, slots=True)
class Median:
    """The middle of what ``count`` of ``among`` prompts gave."""

    value: float
    count: int
    among: int


@dataclass(frozen=True, slots=True)
class GainRow:
    """What one prompt gained: passes since its baseline, tokens since its longest comparable version."""

    prompt: Prompt
    summary: Summary
    baseline: VersionEvidence | None  # None: no earlier version on the same cases
    shorter: Gain | None

    @property
    def points(self) -> float | None:
        """Percentage points of the pass rate, -100..100; None where there is nothing to compare with."""
        if self.baseline is None:
            return None
        now, was = self.summary, self.baseline
        return 100.0 * (now.passed / now.cases - was.passed / was.cases)


@dataclass(frozen=True, slots=True)
class Figures:
    """The 60-second strip."""

    prompts: int
    passed: int
    cases: int
    is_current: bool  # whether every prompt's newest version is the one that was tested
    models: int
    # Medians of each prompt's median call on its main model, as its passes are; None: unknown everywhere.
    cost: Decimal | None
    latency_ms: float | None
    without_cost: int  # prompts of which it is unknown
    without_latency: int
    makers: list[str]  # who made the models, those the hosts that were asked vouch for
    models_on_own: int  # on servers of the author's own
    models_without_maker: int  # others for which nobody vouches
    improvement: Median | None  # percentage points since the baseline, on the same cases and model
    saving: Median | None  # per cent fewer tokens than a longer version that passed no more
    first_tested: datetime | None  # the day of each prompt's run on its main model: the earliest
    last_tested: datetime | None

    @property
    def percent(self) -> int:
        return whole_percent(self.passed / self.cases)

    @property
    def low(self) -> float:
        return wilson(self.passed, self.cases)[0]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model over all prompts it was run on."""

    model: str
    maker: str  # "": not all of its runs count for one
    prompts: int
    passed: int
    cases: int
    cost: Decimal | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    task: str
    label: str
    prompts: int
    cases: int


def recorded(prompts: Iterable[Prompt]) -> list[Prompt]:
    """Those whose evidence this server recorded itself, and something was judged of it."""
    return [
        prompt
        for prompt in prompts
        if prompt.evidence_judged and (prompt.evidence_level or 0) >= Level.RECORDED and summary_of(prompt)
    ]


def _summaries(prompts: Iterable[Prompt]) -> list[Summary]:
    return [summary for prompt in prompts if (summary := summary_of(prompt))]


def figures_of(prompts: Sequence[Prompt]) -> Figures | None:
    """The figures over recorded prompts; None where there are none."""
    if not prompts:
        return None
    mains = [summary.models[0] for summary in _summaries(prompts)]
    costs, times = _costs(mains), _latencies(mains)
    dates = [prompt.last_tested_at for prompt in prompts if prompt.last_tested_at]
    by_model = _by_model(prompts)
    on_own = sum(all(run.server == "own" for run in of_model) for of_model in by_model.values())
    without = sum(not any(run.maker for run in of_model) for of_model in by_model.values())
    gains = gains_of(prompts)
    return Figures(
        prompts=len(prompts),
        passed=sum(prompt.evidence_passed for prompt in prompts),
        cases=sum(prompt.evidence_cases for prompt in prompts),
        is_current=all(summary.is_current for summary in _summaries(prompts)),
        models=len(by_model),
        cost=median(costs) if costs else None,
        latency_ms=median(times) if times else None,
        without_cost=len(prompts) - len(costs),
        without_latency=len(prompts) - len(times),
        makers=sorted({run.maker for run in _recorded_models(prompts) if run.maker}),
        models_on_own=on_own,
        models_without_maker=without - on_own,
        improvement=_median([row.points for row in gains if row.points is not None], len(prompts)),
        saving=_median([row.shorter.saved_percent for row in gains if row.shorter], len(prompts)),
        first_tested=min(dates, default=None),
        last_tested=max(dates, default=None),
    )


def _median(values: Sequence[float], among: int) -> Median | None:
    return Median(median(values), len(values), among) if values else None


def gains_of(prompts: Iterable[Prompt]) -> list[GainRow]:
    """The prompts with something to compare with, in their order. Pure: from their summaries."""
    rows = []
    for prompt in prompts:
        evidence = summary_of(prompt)
        if evidence is None:
            continue
        baseline = evidence.before
        if baseline and not _is_measure(baseline, evidence):
            baseline = None
        rows.append(GainRow(prompt, evidence, baseline, gain_of(evidence)))
    return [row for row in rows if row.baseline or row.shorter]


def _is_measure(baseline: VersionEvidence, evidence: Summary) -> bool:
    """The same cases at the same place, and recorded here: what was pasted or imported is in no figure."""
    same_cases = baseline.suite_digest == evidence.suite_digest
    return bool(same_cases and baseline.cases and baseline.is_comparable(evidence))


def models_of(prompts: Sequence[Prompt]) -> list[ModelRow]:
    """Every model the tested versions were run on and recorded, the one with most cases first."""
    found = [
        ModelRow(
            model=name,
            maker=_maker_of(of_model),
            prompts=len(of_model),
            passed=sum(model.passed for model in of_model),
            cases=sum(model.cases for model in of_model),
            cost=median(costs) if (costs := _costs(of_model)) else None,
            latency_ms=median(times) if (times := _latencies(of_model)) else None,
        )
        for name, of_model in _by_model(prompts).items()
    ]
    return sorted(found, key=lambda row: (-row.cases, row.model))


def tasks_of(prompts: Sequence[Prompt]) -> list[TaskRow]:
    """The tasks worked with, by cases on the main model."""
    counted: dict[str, list[int]] = defaultdict(list)
    for prompt in prompts:
        counted[prompt.task].append(prompt.evidence_cases)
    rows = [TaskRow(task, Task(task).label, len(cases), sum(cases)) for task, cases in counted.items()]
    return sorted(rows, key=lambda row: (-row.cases, row.label))


def _by_model(prompts: Sequence[Prompt]) -> dict[str, list[ModelEvidence]]:
    rows: dict[str, list[ModelEvidence]] = defaultdict(list)
    for model in _recorded_models(prompts):
        rows[model.model].append(model)
    return rows


def _maker_of(runs: Iterable[ModelEvidence]) -> str:
    makers = {run.maker for run in runs}
    return makers.pop() if len(makers) == 1 else ""


def _recorded_models(prompts: Sequence[Prompt]) -> Iterable[ModelEvidence]:
    return (model for summary in _summaries(prompts) for model in summary.backed_models)


def _latencies(models: Iterable[ModelEvidence]) -> list[float]:
    return [model.latency_ms for model in models if model.latency_ms is not None]


def _costs(models: Iterable[ModelEvidence]) -> list[Decimal]:
    return [Decimal(model.cost_median) for model in models if model.cost_median is not None]
