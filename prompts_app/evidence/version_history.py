"""How a prompt got here: its versions, what each did to the cases, and why its author made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from prompts_app.evidence.records import Records
from prompts_app.evidence.same_cases import Effect, effect_of
from prompts_app.evidence.summary import VersionEvidence
from prompts_app.models import Version

MOST_VERSIONS = 40  # told in full


@dataclass(frozen=True, slots=True)
class VersionStep:
    """One version in the story of the prompt."""

    version: Version
    title: str  # the first line of its note
    rest: str
    before: int | None  # the number of the version before it; None for the first that is told
    tested: VersionEvidence | None
    tested_before: int | None = None  # the number of the version tested before it on the main model
    effect: Effect | None = None  # against that one; None where there is none, or a run is gone

    is_asked_elsewhere: bool = False  # than the shown version was

    @property
    def is_compared_elsewhere(self) -> bool:
        """Whether the version before it is another than the one the effect is counted against."""
        return self.before is not None and not (self.effect and self.tested_before == self.before)


def story_of(records: Records, versions: Sequence[Version]) -> list[VersionStep]:
    """``versions``, newest first, each with what it did on the main model."""
    evidence = records.summary
    tested = {item.version: item for item in evidence.history} if evidence else {}
    effects = {
        new.version.number: (old.version.number, effect_of(records, old, new))
        for old, new in pairwise(records.on_main)
    }
    oldest_first = sorted(versions, key=lambda version: version.number)
    numbers = [None, *(version.number for version in oldest_first)]
    steps = []
    for before, version in zip(numbers, oldest_first, strict=False):
        title, _, rest = version.note.strip().partition("\n")
        against, effect = effects.get(version.number, (None, None))
        run = tested.get(version.number)
        apart = bool(run and evidence and run.is_asked_elsewhere(evidence))
        steps.append(VersionStep(version, title, rest.strip(), before, run, against, effect, apart))
    return steps[::-1]
