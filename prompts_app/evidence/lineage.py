"""Where a prompt comes from and what became of it, with what was gained where that was measured.

A gain is only told where the original's version and the fork's shown one were put to the same cases on the
same model, and both runs count. Anything else is not compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompts_app.access import Viewer, can_fork
from prompts_app.evidence.origin import Origin, origin_of
from prompts_app.evidence.picked import is_judged, latest_runs
from prompts_app.evidence.records import Records
from prompts_app.evidence.summary import summary_of
from prompts_app.models import Level, PrivateSpan, Prompt, Run, Version
from prompts_app.models.prompts import PromptQuerySet
from prompts_app.models.reading import read_apart

MOST_FORKS = 5  # named
MOST_LOOKED_AT = 40  # best evidenced forks among which the best measured one is sought


@dataclass(frozen=True, slots=True)
class ForkGain:
    """Two runs on the same cases and the same model."""

    here: Run  # the fork's
    there: Run  # the original's

    @property
    def model(self) -> str:
        return self.here.named

    @property
    def same_repeats(self) -> bool:
        return self.here.repeats == self.there.repeats

    @property
    def is_recorded(self) -> bool:
        """Whether this server made both runs."""
        return min(self.here.level or 0, self.there.level or 0) >= Level.RECORDED

    @property
    def low(self) -> float:
        return self.here.low


@dataclass(frozen=True, slots=True)
class ForkComparison:
    """``gain`` where there is one; else why both, though tested, were not compared; "" for no tests."""

    gain: ForkGain | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Fork:
    prompt: Prompt
    gain: ForkGain | None


def compare(here: Sequence[Run], there: Mapping[str, Run]) -> ForkComparison:
    """``here``: the fork's runs, the main model's first; ``there``: the original's run on each model."""
    if not here or not there:
        return ForkComparison()
    common = [(run, there[run.named]) for run in here if run.named in there]
    judged = [(mine, theirs) for mine, theirs in common if is_judged(mine) and is_judged(theirs)]
    if common and not judged:
        return ForkComparison(why_not="outputs that nothing judged")
    alike = [(mine, theirs) for mine, theirs in judged if mine.suite_digest == theirs.suite_digest]
    for mine, theirs in alike:
        if not mine.is_asked_elsewhere(theirs):
            return ForkComparison(ForkGain(mine, theirs))
    if alike:
        return ForkComparison(why_not="asked at different addresses, where one name need not be one model")
    return ForkComparison(why_not="different cases" if common else "different models")


def lineage_of(records: Records, viewer: Viewer) -> dict[str, Any]:
    """Its origin, as far as ``viewer`` may be told it, and its public forks, in few queries."""
    prompt = records.prompt
    origin = origin_of(prompt, viewer)
    forks, count = _forks_of(records)
    if prompt.private_parts:
        forks = []  # counted, not named: a name could repeat a private part, or be a guess at one
    measured = [fork for fork in forks if fork.gain]
    return {
        "origin": origin,
        "compared": _compared(records, origin) if origin else ForkComparison(),
        "forks": forks[:MOST_FORKS],
        "fork_count": count,
        "best_fork": max(measured, key=lambda fork: fork.gain.low if fork.gain else 0, default=None),
        "offers_fork": offers_fork(prompt, viewer),
    }


def offers_fork(prompt: Prompt, viewer: Viewer) -> bool:
    """To a stranger too, who is asked to sign in; never below a share link, where nothing can be changed."""
    return not prompt.read_at and can_fork(prompt, viewer)


def _compared(records: Records, origin: Origin) -> ForkComparison:
    with read_apart():
        there = _on_each_model(latest_runs(origin.prompt), origin.version.number)
    compared = compare(records.shown, there)
    # With private parts a suite's digest is salted for readers: whether the cases differ is not told.
    if compared.why_not and PrivateSpan.objects.filter(prompt__in=[records.prompt, origin.prompt]).exists():
        return ForkComparison(why_not="one of them has private parts")
    return compared


def public_forks_of(prompt: Prompt) -> PromptQuerySet:
    versions = Version.objects.filter(prompt=prompt).order_by().values("pk")
    return Prompt.objects.listed().filter(forked_from__in=versions).exclude(pk=prompt.pk)


def _forks_of(records: Records) -> tuple[list[Fork], int]:
    """Public forks, the best evidenced first, and how many there are."""
    prompt = records.prompt
    public = public_forks_of(prompt)
    listed = public.with_author().select_related("owner__profile", "forked_from")
    with read_apart():
        found = list(listed.defer(*_LONG).best_first()[:MOST_LOOKED_AT])
    count = public.count() if len(found) == MOST_LOOKED_AT else len(found)
    tested = [fork for fork in found if summary_of(fork)]
    runs, there = (_shown_runs(tested), records.latest) if tested else ({}, {})
    forks = []
    for fork in found:
        assert fork.forked_from is not None
        original = _on_each_model(there, fork.forked_from.number)
        forks.append(Fork(fork, compare(runs.get(fork.pk, []), original).gain))
    return forks, count


_LONG = (
    "situation", "constraints", "impact", "limits",
    "forked_from__messages", "forked_from__variables", "forked_from__parameters", "forked_from__note",
)  # fmt: skip


def _on_each_model(runs: Mapping[tuple[int, str], Run], number: int) -> dict[str, Run]:
    return {model: run for (version, model), run in runs.items() if version == number}


def _shown_runs(prompts: Iterable[Prompt]) -> dict[int, list[Run]]:
    """Prompt id → the runs its figures are made of, the main model's first; one query."""
    order = {
        model.run: (prompt.pk, place)
        for prompt in prompts
        if (summary := summary_of(prompt))
        for place, model in enumerate(summary.models)
    }
    with read_apart():
        rows = list(Run.objects.filter(public_id__in=order).defer("suite", "frames", "distinct"))
    found: dict[int, list[Run]] = {}
    for run in sorted(rows, key=lambda run: order[run.public_id]):
        found.setdefault(run.prompt_id, []).append(run)
    return found
