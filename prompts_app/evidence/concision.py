"""Tokens and cost against pass rate, version by version, on the main model. Pure: from the summary."""

from dataclasses import dataclass

from prompts_app.evidence.summary import Summary

MOST_POINTS = 12
WORTH_SAYING = 10  # per cent: a saving smaller than this is not told


@dataclass(frozen=True, slots=True)
class Point:
    """One tested version."""

    version: int
    tokens: float  # median of what was sent, the case's values included
    passed: int
    cases: int
    low: float  # 95% interval, 0..1
    high: float
    other_cases: bool  # put to other cases than the shown version
    cost: str | None  # US dollars, median of a call; None: unknown
    level: int
    as_good: bool  # its evidence is as good as the shown version's

    @property
    def rate(self) -> float:
        return self.passed / self.cases


@dataclass(frozen=True, slots=True)
class Saving:
    """The shown version does no worse with fewer tokens than ``longest`` took."""

    longest: Point
    shown: Point

    @property
    def saved_percent(self) -> float:
        return (1 - self.shown.tokens / self.longest.tokens) * 100

    @property
    def percent(self) -> int:
        return round(self.saved_percent)

    @property
    def same_rate(self) -> bool:
        return self.longest.passed * self.shown.cases == self.shown.passed * self.longest.cases


@dataclass(frozen=True, slots=True)
class Curve:
    points: list[Point]  # oldest first; the last is the shown version
    gain: Saving | None
    left_out: int  # tested versions not in it, for their tokens are unknown or they are too old

    @property
    def newest_first(self) -> list[Point]:
        return self.points[::-1]


def curve_of(evidence: Summary) -> Curve | None:
    """None unless the shown version and an earlier one have token counts."""
    points = _points(evidence)
    if len(points) < 2:
        return None
    gain = _gain(points)
    shown = points[-MOST_POINTS:]
    if gain and gain.longest not in shown:
        shown[0] = gain.longest
    return Curve(shown, gain, len(evidence.history) - len(shown))


def gain_of(evidence: Summary) -> Saving | None:
    """Tokens saved against the longest earlier version on the same cases that passes no more of them.

    None where that is hardly shorter: the headline, the curve and the profile tell the same saving.
    """
    points = _points(evidence)
    return _gain(points) if points else None


def _points(evidence: Summary) -> list[Point]:
    """Every tested version whose tokens are known, oldest first; none where the shown one's are not."""
    points = [
        Point(
            item.version, item.tokens_in, item.passed, item.cases, item.low, item.high,
            item.suite_digest != evidence.suite_digest, item.cost_median, item.level,
            item.is_comparable(evidence),
        )
        for item in evidence.history
        if item.tokens_in and item.cases
    ]  # fmt: skip
    return points if points and points[-1].version == evidence.version else []


def _gain(points: list[Point]) -> Saving | None:
    shown = points[-1]
    no_better = (
        point
        for point in points[:-1]
        if point.as_good
        and not point.other_cases
        and point.passed * shown.cases <= shown.passed * point.cases
    )
    longest = max(no_better, key=lambda point: point.tokens, default=shown)
    gain = Saving(longest, shown)
    # In whole numbers: one minus 81/90 is a little less than a tenth.
    saved = 100 * (longest.tokens - shown.tokens)
    return gain if saved >= WORTH_SAYING * longest.tokens else None
