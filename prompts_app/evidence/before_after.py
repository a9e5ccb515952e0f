"""The baseline and the shown version on the same case and the same model, side by side."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prompts_app.evidence.case_inputs import Input, inputs_of
from prompts_app.evidence.checks import OutputPiece, StoredCheck, checks_of, marked
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import MOST_SHOWN, Records, RunCase
from prompts_app.evidence.same_cases import CasePair, RunComparison, is_partial, pairs_of
from prompts_app.evidence.steps import Step
from prompts_app.models import Result, Run

MOST_OF_A_VALUE = 4_000
MOST_LISTED = 100  # cases in the list to pick from; of more, the number is typed


@dataclass(frozen=True, slots=True)
class Side:
    """One version's answer to the case, and how it was judged."""

    run: Run
    result: Result
    state: FrameState  # the case’s, over all repeats
    output: list[OutputPiece]
    is_cut: bool
    checks: list[StoredCheck]
    steps: tuple[Step, ...] = ()  # what was called before it

    @property
    def failing(self) -> int:
        return sum(check.passed is False for check in self.checks)

    @property
    def holding(self) -> int:
        return sum(check.passed is True for check in self.checks)

    @property
    def judged(self) -> int:
        return sum(check.passed is not None for check in self.checks)

    @property
    def fault(self) -> str:
        fault = self.result.fault
        return fault.label if fault else ""


@dataclass(frozen=True, slots=True)
class BeforeAfter(RunComparison):
    """What the section shows. ``sides`` is empty where both runs have no case in common."""

    records: Records
    pair: CasePair | None = None
    why: str = ""  # by which rule the case was chosen, "" where the visitor chose it
    inputs: Sequence[Input] = ()

    @property
    def sides(self) -> list[Side]:
        return sides_of(self.records, self.before, self.after, [self.pair])[0] if self.pair else []

    @property
    def is_listed(self) -> bool:
        return len(self.pairs) <= MOST_LISTED


def read_case(get: Mapping[str, str]) -> int | None:
    """The case's number in ``?case=3``; None for anything else."""
    asked = get.get("case", "")
    return int(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else None


def before_after_of(records: Records, asked: int | None) -> BeforeAfter | None:
    """None where there is no earlier tested version. Reads two results, whatever the number of cases."""
    before, after = records.before, next(iter(records.shown), None)
    if before is None or after is None:
        return None
    pairs = pairs_of(records, before, after)
    pair, why = _chosen(pairs, before, after, asked)
    inputs = inputs_of(records.case(RunCase(after, pair.now_at))) if pair else ()
    if pair:
        records.want([RunCase(before, pair.was_at), RunCase(after, pair.now_at)])
    partial = is_partial(records, before, after, len(pairs))
    return BeforeAfter(before, after, pairs, partial, records, pair, why, inputs)


# --- which case ------------------------------------------------------------------------------------------


def _chosen(
    pairs: Sequence[CasePair], before: Run, after: Run, asked: int | None
) -> tuple[CasePair | None, str]:
    """The case asked for, else the most telling one, and the rule in words."""
    for pair in pairs:
        if pair.number == asked:
            return pair, ""
    old, new = f"v{before.version.number}", f"v{after.version.number}"
    if fixed := [pair for pair in pairs if pair.outcome == "fixed"]:
        most = _failing_in(before, [pair.was_at for pair in fixed]) if len(fixed) > 1 else {}
        said = f"Of the {len(fixed)} cases that {old} fails and {new} passes" if len(fixed) > 1 else ""
        why = f"{said}, the one with the most assertions changed." if said else f"The one case {new} fixed."
        return max(fixed, key=lambda pair: (most.get(pair.was_at, 0), -pair.now_at)), why
    for pair in pairs:
        if pair.differs:
            return pair, f"{new} passes no case that {old} fails; this is the first that came out otherwise."
    why = "Every case came out alike in both" if after.cases_counted else "Nothing judged these outputs"
    return next(iter(pairs), None), f"{why}; this is the first."


def _failing_in(run: Run, places: Sequence[int]) -> dict[int, int]:
    """Case → how many assertions that count fail in its first failing repeat; one query, no outputs."""
    found = Result.objects.filter(run=run, case_index__in=places, passed=False)
    counts: dict[int, int] = {}
    rows = found.order_by("case_index", "repeat").only("run_id", "case_index", "repeat", "checks")
    for row in rows:
        failing = sum(check.counts and check.passed is False for check in checks_of(row.checks))
        counts.setdefault(row.case_index, failing)
    return counts


# --- what to show of it ----------------------------------------------------------------------------------


def sides_of(
    records: Records, before: Run, after: Run, pairs: Sequence[CasePair], most: int = MOST_SHOWN
) -> list[list[Side]]:
    """Both answers to each case, of several repeats the one that stands for it.

    At most ``most`` characters of an output. A side whose results are gone is left out.
    """
    cells = [
        ((RunCase(before, pair.was_at), pair.was), (RunCase(after, pair.now_at), pair.now)) for pair in pairs
    ]
    records.want(cell for both in cells for cell, _ in both)
    return [
        [
            _side(cell.run, result, state, most, records.steps(cell, MOST_OF_A_VALUE))
            for cell, state in both
            if (result := records.opened(cell)) is not None
        ]
        for both in cells
    ]


def _side(run: Run, result: Result, state: FrameState, most: int, steps: tuple[Step, ...]) -> Side:
    checks = checks_of(result.checks)
    output = result.output  # whole: private parts are masked before anything is cut
    return Side(
        run=run,
        result=result,
        state=state,
        output=marked(output[:most], checks),
        is_cut=len(output) > most,
        checks=checks,
        steps=steps,
    )
