"""``max-score``: of several outputs for the same case, the one whose other assertions score highest wins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompts_app.engine.assertions.kinds import SELECT_LATER, AssertionKind
from prompts_app.engine.assertions.values import number_of, options_problem
from prompts_app.engine.types import Answer, Assertion, Check, Json

MAX_SCORE = "max-score"
METHODS = ("average", "sum")
NOT_SCORED = ("select-best", MAX_SCORE)  # assertions that say nothing of an output by itself
NO_SCORE = "Not judged: no other assertion of this case has a score."
_OPTIONS = ("method", "weights", "threshold")


@dataclass(frozen=True, slots=True)
class Scored:
    """One output: whose it is, and its checks as they were stored."""

    name: str
    checks: Sequence[Mapping[str, Json]]


def checks_of_scores(value: Json, weight: float, scored: Sequence[Scored]) -> list[Check]:
    """A check for each: the first with the highest score passes, where that reaches the threshold.

    One of which nothing was judged has no score, and is not judged here either.
    """
    options = value if isinstance(value, dict) else {}
    scores = [_score(one.checks, options) for one in scored]
    best = max((score for score in scores if score is not None), default=0.0)
    winner, least = scores.index(best) if best in scores else None, options.get("threshold")
    checks = []
    for place, score in enumerate(scores):
        if score is None or winner is None:
            checks.append(Check(MAX_SCORE, value, None, None, NO_SCORE, weight=weight, unknown=True))
            continue
        won = place == winner and (least is None or best >= least)
        reason = _reason(place, winner, scored, scores, least)
        checks.append(Check(MAX_SCORE, value, won, float(won), reason, weight=weight))
    return checks


def _reason(
    place: int, winner: int, scored: Sequence[Scored], scores: Sequence[float | None], least: Json
) -> str:
    own, best = scores[place] or 0.0, scores[winner] or 0.0
    if place != winner:
        return f"Scores {own:.2f}; the highest of {len(scored)} is {best:.2f}, of {scored[winner].name}."
    if least is not None and best < least:
        return f"Scores highest of {len(scored)} with {best:.2f}, but less than {least:g}."
    return f"Scores highest of {len(scored)}, with {best:.2f}."


def _score(checks: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> float | None:
    """The mean, or the sum, of the scores by the weights of their kinds; members of sets count, too."""
    weights = options.get("weights") or {}
    judged = [check for check in _each(checks) if check.get("score") is not None]
    if not judged:
        return None
    by = [float(weights.get(check.get("type"), 1.0)) for check in judged]
    total = sum(float(check["score"]) * weight for check, weight in zip(judged, by, strict=True))
    return total if options.get("method") == "sum" else total / sum(by) if sum(by) else 0.0


def _each(checks: Sequence[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
    for check in checks:
        if check.get("type") not in NOT_SCORED:
            yield check
            yield from _each(check.get("members") or ())


def _problem(assertion: Assertion) -> str | None:
    if problem := options_problem(assertion.value, _OPTIONS):
        return problem
    options = assertion.value or {}
    if options.get("method", METHODS[0]) not in METHODS:
        return f"The method is {' or '.join(METHODS)}."
    weights, least = options.get("weights") or {}, options.get("threshold")
    numbers = [number_of(one) for one in weights.values()] if isinstance(weights, dict) else [None]
    if any(one is None or one < 0 for one in numbers) or (least is not None and number_of(least) is None):
        return "Weights are numbers from 0 up, each by the name of a kind; the threshold is a number."
    return None


KINDS = (
    AssertionKind(
        MAX_SCORE, "several together",
        "This output’s other assertions score highest of all versions and models that run together.",
        "object", None, _problem, {"method": "average", "threshold": 0.7},
        placeholder='{"method": "average"}', optional=True, has_opposite=False, waiting=SELECT_LATER,
        takes_pictures=True,
        passes=Answer("Sorry: your money is back within five days."), fails=Answer("Read the terms."),
    ),
)  # fmt: skip
