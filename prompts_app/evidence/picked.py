"""Which runs a prompt's figures are made of: one a version and model, the version shown, its main model, and
the baseline. Rules alone decide, and none of them looks at how many cases passed.

Finished runs with an answer count, never practice. What was judged comes before what nothing judged; then
runs this server recorded come before imported ones, those before pasted ones; then the **latest** counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from prompts_app.models import Level, Prompt, Run

type Runs = dict[tuple[int, str], Run]  # version number and model → the run that counts for them

# By which rule a model is the main one. Of the models with the best evidence on the version shown:
DECLARED = "declared"  # the author named it before the run
ONLY = "only"  # there is one on that version
BEST_KIND = "kind"  # there is one whose evidence is of the best kind
MOST_VERSIONS = "versions"  # most versions were put to it
FIRST = "first"  # it was tested first


@dataclass(frozen=True, slots=True)
class Picked:
    """The runs that count: all of them, those of the version shown, and the main model's by version."""

    everything: Sequence[Run]
    shown: list[Run]  # one a model, the main model's first, then the judged by the interval's low end
    history: list[Run]  # one a version, oldest first
    main_by: str  # which of the rules above
    baseline: Run | None  # of ``history``: what the version shown is compared with
    newer: list[Run]  # of versions after the one shown: nothing judged them


def latest_runs(prompt: Prompt) -> Runs:
    """The run that counts for each version and model. One query, without suites and messages."""
    return latest_of(runs_that_count(prompt))


def runs_that_count(prompt: Prompt) -> list[Run]:
    runs = Run.objects.that_count().filter(prompt=prompt, answers__gt=0).select_related("version")
    return list(runs.defer("suite", "version__messages", "version__variables", "version__parameters"))


def pick(prompt: Prompt, runs: Sequence[Run]) -> Picked | None:
    """Of ``runs_that_count``; None where there are none."""
    latest = latest_of(runs)
    if not latest:
        return None
    newest = max(number for number, _ in latest)
    shown = max((number for (number, _), run in latest.items() if is_judged(run)), default=newest)
    on_shown = [run for (number, _), run in latest.items() if number == shown]
    main, rule = _main(prompt, on_shown, runs)
    others = sorted(
        (run for run in on_shown if run is not main), key=lambda run: (-is_judged(run), -run.low, _first(run))
    )
    history = [run for (_, model), run in sorted(latest.items()) if model == main.named]
    newer = [run for (number, _), run in latest.items() if number > shown]
    return Picked(runs, [main, *others], history, rule, _baseline(prompt, main, history), newer)


def is_judged(run: Run) -> bool:
    return bool(run.cases_counted)


def tested(run: Run) -> datetime:
    return run.finished_at or run.created_at


def was_declared_before(prompt: Prompt, run: Run) -> bool:
    """Whether its author had named the run's model as the one the prompt is written for when it began."""
    declared = prompt.target_declared_at
    return _is_target(prompt, run) and declared is not None and declared <= run.created_at


def declaration(model: str, at: datetime | None = None) -> dict[str, Any]:
    """The columns of a prompt whose author names ``model`` as the one it is written for: since ``at``, else
    since now, and never since later."""
    now = timezone.now()
    return {"target_model": model, "target_declared_at": min(at or now, now) if model else None}


def target_is(prompt: Prompt, picked: Picked) -> str:
    """ "late": named after its run began; "lesser": its evidence is of a lesser kind; "not run": not on the
    version shown; "": it is the main one, or none is named."""
    run = next((run for run in picked.shown if _is_target(prompt, run)), None)
    if not prompt.target_model or picked.main_by == DECLARED:
        return ""
    if run is None:
        return "not run"
    return "lesser" if was_declared_before(prompt, run) else "late"


def _is_target(prompt: Prompt, run: Run) -> bool:
    """By the name it was asked by, or the one readers are told."""
    return prompt.target_model in (run.model, run.named)


def latest_of(runs: Iterable[Run]) -> Runs:
    """Of ``runs_that_count``."""

    def recency(run: Run) -> tuple[tuple[bool, int], datetime, int]:
        return _kind(run), tested(run), run.pk

    return {(run.version.number, run.named): run for run in sorted(runs, key=recency)}


def _main(prompt: Prompt, on_shown: Sequence[Run], runs: Iterable[Run]) -> tuple[Run, str]:
    """The main model's run, and the rule it was found by."""
    kind = max(_kind(run) for run in on_shown)
    good = [run for run in on_shown if _kind(run) == kind]
    if declared := [run for run in good if was_declared_before(prompt, run)]:
        return max(declared, key=lambda run: (run.named == prompt.target_model, run.named)), DECLARED
    if len(good) == 1:
        return good[0], ONLY if len(on_shown) == 1 else BEST_KIND
    versions: dict[str, set[int]] = defaultdict(set)
    begun: dict[str, tuple[datetime, int]] = {}
    for run in runs:
        if _kind(run) >= kind:
            versions[run.named].add(run.version.number)
            begun[run.named] = min(_first(run), begun.get(run.named, _first(run)))
    most = max(len(versions[run.named]) for run in good)
    with_most = [run for run in good if len(versions[run.named]) == most]
    main = min(with_most, key=lambda run: begun[run.named])
    return main, MOST_VERSIONS if len(with_most) == 1 else FIRST


def _baseline(prompt: Prompt, main: Run, history: Sequence[Run]) -> Run | None:
    """Of the versions before the one shown, tested on its main model: the one its author chose, else the
    first. Where the one shown is judged, so is what it is compared with."""
    earlier = [run for run in history if run.version.number < main.version.number]
    comparable = [run for run in earlier if is_judged(run) >= is_judged(main)]
    chosen = [run for run in comparable if run.version_id == prompt.baseline_id]
    return next(iter(chosen or comparable), None)


def _kind(run: Run) -> tuple[bool, int]:
    """Judged or not; then pasted, imported, recorded: whatever is better than recorded ranks as recorded."""
    level = run.level
    return is_judged(run), min(Level.PASTED if level is None else level, Level.RECORDED)


def _first(run: Run) -> tuple[datetime, int]:
    return run.created_at, run.pk
