"""The grid of models × versions: how each version does on each model it was put to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prompts_app.evidence.summary import Summary
from prompts_app.models import Run

MOST_VERSIONS = 12
MOST_MODELS = 12


@dataclass(frozen=True, slots=True)
class GridRow:
    """One model; its latest run on each version in the grid's order, None where it was not run."""

    model: str
    cells: list[Run | None]


@dataclass(frozen=True, slots=True)
class Grid:
    versions: list[int]  # newest first
    rows: list[GridRow]
    tested_versions: int  # in all, shown or not
    tested_models: int
    same_cases: bool  # whether every run shown had the same suite

    @property
    def is_cut(self) -> bool:
        return self.tested_versions > len(self.versions) or self.tested_models > len(self.rows)


def grid_of(runs: Mapping[tuple[int, str], Run], evidence: Summary) -> Grid | None:
    """Of ``latest_runs``. None where fewer than two versions were tested: the list of models says it all."""
    versions = sorted({number for number, _ in runs}, reverse=True)
    if len(versions) < 2:
        return None
    models = _models(runs, [item.model for item in evidence.models])
    shown, on = versions[:MOST_VERSIONS], models[:MOST_MODELS]
    rows = [GridRow(model, [runs.get((number, model)) for number in shown]) for model in on]
    suites = {run.suite_digest for (number, model), run in runs.items() if number in shown and model in on}
    return Grid(shown, rows, len(versions), len(models), len(suites) == 1)


def _models(runs: Iterable[tuple[int, str]], first: Sequence[str]) -> list[str]:
    """Those of the shown version in its order, then the others: the ones tested last first."""
    last: dict[str, int] = {}
    for number, model in runs:
        last[model] = max(number, last.get(model, 0))
    others = sorted(last.keys() - set(first), key=lambda model: (-last[model], model))
    return [model for model in first if model in last] + others
