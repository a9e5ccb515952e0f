"""The figures of a profile, added up from the narrow rows of an author's public prompts.

Only what this server recorded is counted; imported and pasted runs are listed, but not summed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any, NamedTuple

from django.urls import reverse

from prompts_app.engine.stats import wilson
from prompts_app.engine.vendors import count_models, without_settings
from prompts_app.evidence.listings import OnModel
from prompts_app.evidence.number_format import whole_percent
from prompts_app.models import Level, Listing, Task


@dataclass(frozen=True, slots=True)
class Median:
    """The middle of what ``count`` of ``among`` prompts gave."""

    value: float
    count: int
    among: int


class Line(NamedTuple):
    """What is added up of one prompt: columns of Listing."""

    prompt: int
    handle: str
    slug: str
    title: str
    task: str
    terms: Sequence[str]
    pin_position: int | None
    by_evidence: int
    by_published: int
    by_tested: int
    judged: bool
    level: int | None
    passed: int
    cases: int
    frames: str
    version: int
    is_current: bool
    on_models: Sequence[Any]
    tested_at: datetime | None
    base_version: int
    base_passed: int
    base_cases: int
    longer_version: int
    saved_percent: float
    recorded_runs: int
    unanswered_runs: int
    deleted_runs: int
    endpoints: Sequence[str]

    @property
    def models(self) -> list[OnModel]:
        return [OnModel(*one) for one in self.on_models]

    @property
    def is_recorded(self) -> bool:
        """Whether this server recorded its evidence itself, and something was judged of it."""
        return self.judged and (self.level or 0) >= Level.RECORDED

    @property
    def gained(self) -> bool:
        """Whether there is something to compare with."""
        return bool(self.base_cases or self.longer_version)

    @property
    def points(self) -> float | None:
        """Percentage points of the pass rate since the baseline, -100..100; None where there is none."""
        if not self.base_cases:
            return None
        return 100.0 * (self.passed / self.cases - self.base_passed / self.base_cases)

    def get_absolute_url(self) -> str:
        return reverse("prompt", args=[self.handle, self.slug])


def lines_of(author: int) -> list[Line]:
    """Of all public prompts of an author, the best evidenced first. One query."""
    rows = Listing.objects.owned_by(author).in_order("evidence")
    return [Line(*row) for row in rows.values_list(*Line._fields)]


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

    @property
    def without_settings(self) -> str:
        return without_settings(self.model)


@dataclass(frozen=True, slots=True)
class TaskRow:
    task: str
    label: str
    prompts: int
    cases: int


def figures_of(recorded: Sequence[Line]) -> Figures | None:
    """The figures over recorded prompts; None where there are none."""
    if not recorded:
        return None
    by_model = _by_model(recorded)
    mains = [OnModel(*line.on_models[0]) for line in recorded]
    costs, times = _costs(mains), _latencies(mains)
    dates = [line.tested_at for line in recorded if line.tested_at]
    on_own = sum(all(run.server == "own" for run in of_model) for of_model in by_model.values())
    without = sum(not any(run.maker for run in of_model) for of_model in by_model.values())
    return Figures(
        prompts=len(recorded),
        passed=sum(line.passed for line in recorded),
        cases=sum(line.cases for line in recorded),
        is_current=all(line.is_current for line in recorded),
        models=count_models(by_model),
        cost=median(costs) if costs else None,
        latency_ms=median(times) if times else None,
        without_cost=len(recorded) - len(costs),
        without_latency=len(recorded) - len(times),
        makers=sorted({run.maker for of_model in by_model.values() for run in of_model if run.maker}),
        models_on_own=on_own,
        models_without_maker=without - on_own,
        improvement=_median([p for line in recorded if (p := line.points) is not None], len(recorded)),
        saving=_median([line.saved_percent for line in recorded if line.longer_version], len(recorded)),
        first_tested=min(dates, default=None),
        last_tested=max(dates, default=None),
    )


def _median(values: Sequence[float], among: int) -> Median | None:
    return Median(median(values), len(values), among) if values else None


def models_of(recorded: Sequence[Line]) -> list[ModelRow]:
    """Every model the tested versions were run on and recorded, the one with most cases first."""
    found = [
        ModelRow(
            model=name,
            maker=makers.pop() if len(makers := {run.maker for run in of_model}) == 1 else "",
            prompts=len(of_model),
            passed=sum(model.passed for model in of_model),
            cases=sum(model.cases for model in of_model),
            cost=median(costs) if (costs := _costs(of_model)) else None,
            latency_ms=median(times) if (times := _latencies(of_model)) else None,
        )
        for name, of_model in _by_model(recorded).items()
    ]
    return sorted(found, key=lambda row: (-row.cases, row.model))


def tasks_of(recorded: Sequence[Line]) -> list[TaskRow]:
    """The tasks worked with, by cases on the main model."""
    counted: dict[str, list[int]] = defaultdict(list)
    for line in recorded:
        counted[line.task].append(line.cases)
    rows = [TaskRow(task, Task(task).label, len(cases), sum(cases)) for task, cases in counted.items()]
    return sorted(rows, key=lambda row: (-row.cases, row.label))


def _by_model(recorded: Sequence[Line]) -> dict[str, list[OnModel]]:
    rows: dict[str, list[OnModel]] = defaultdict(list)
    for line in recorded:
        for model in line.models:
            rows[model.name].append(model)
    return rows


def _latencies(models: Iterable[OnModel]) -> list[float]:
    return [model.latency_ms for model in models if model.latency_ms is not None]


def _costs(models: Iterable[OnModel]) -> list[Decimal]:
    return [Decimal(model.cost) for model in models if model.cost is not None]
