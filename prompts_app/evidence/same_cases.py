"""The cases that two runs have in common. Comparisons are made over these alone, told apart by digest."""

from collections import Counter
from dataclasses import dataclass

from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import Records
from prompts_app.evidence.wording import asked_apart, held_apart
from prompts_app.models import Run

_OUTCOMES = {
    (FrameState.FAILED, FrameState.PASSED): "fixed",
    (FrameState.PASSED, FrameState.FAILED): "broken",
    (FrameState.PASSED, FrameState.PASSED): "passes in both",
    (FrameState.FAILED, FrameState.FAILED): "fails in both",
}
_LACKING = {FrameState.NO_ANSWER: "no answer", FrameState.UNJUDGED: "not judged"}


@dataclass(frozen=True, slots=True)
class CasePair:
    """One case in an older and a newer run. Places count from 0, states are letters of frames."""

    name: str
    was_at: int
    now_at: int
    was: FrameState
    now: FrameState

    @property
    def number(self) -> int:
        """As the newer run counts its cases, from 1."""
        return self.now_at + 1

    @property
    def differs(self) -> bool:
        return self.was != self.now

    @property
    def outcome(self) -> str:
        """ "fixed", "broken", "passes in both" or "fails in both"; else what a side lacks, or both."""
        lacks = FrameState.NO_ANSWER if FrameState.NO_ANSWER in (self.was, self.now) else FrameState.UNJUDGED
        usual = f"{_LACKING[lacks]} in {'one' if self.differs else 'both'}"
        return _OUTCOMES.get((self.was, self.now), usual)


def pairs_of(records: Records, before: Run, after: Run) -> list[CasePair]:
    """The very same cases of both runs, in the newer run's order. A case that was changed is another one."""
    new = records.suites([before, after])[after.suite_digest]
    return [
        CasePair(
            str(new[now].get("name", "")),
            was,
            now,
            FrameState(before.frames[was]),
            FrameState(after.frames[now]),
        )
        for was, now in records.places(before, after)
        if was < len(before.frames) and now < len(after.frames)
    ]


def is_partial(records: Records, before: Run, after: Run, both: int) -> bool:
    """Whether a run has cases that the other has not; ``both``: how many they have in common."""
    suites = records.suites([before, after])
    return any(both < len(suites[run.suite_digest]) for run in (before, after))


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs over the cases they have in common."""

    before: Run
    after: Run
    pairs: list[CasePair]
    is_partial: bool  # a run has cases that the other has not

    @property
    def set_apart(self) -> str:
        """What sets the two runs apart beside their versions, as sentences."""
        told = (asked_apart(self.before, self.after), held_apart(self.before, self.after))
        return " ".join(filter(None, told))

    @property
    def is_judged(self) -> bool:
        """Whether there are verdicts on both sides; else the outputs alone are compared."""
        return bool(self.before.cases_counted and self.after.cases_counted)

    @property
    def fixed(self) -> list[CasePair]:
        return [pair for pair in self.pairs if pair.outcome == "fixed"]

    @property
    def broken(self) -> list[CasePair]:
        return [pair for pair in self.pairs if pair.outcome == "broken"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a version did to the cases that it and the version tested before it both ran."""

    fixed: int
    broke: int
    both: int
    is_partial: bool  # one of them has cases that the other has not


def effect_of(records: Records, before: Run, after: Run) -> Effect:
    """Counted from the frames; suites are read only where the cases have changed."""
    places = records.places(before, after)
    outcomes = Counter(before.frames[was : was + 1] + after.frames[now : now + 1] for was, now in places)
    return Effect(
        fixed=outcomes[FrameState.FAILED + FrameState.PASSED],
        broke=outcomes[FrameState.PASSED + FrameState.FAILED],
        both=len(places),
        is_partial=any(len(places) < len(run.frames) for run in (before, after)),
    )
