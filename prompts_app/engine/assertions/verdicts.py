"""What checks come to together: the verdict of a case, and that of an ``assert-set``. promptfoo's rules.

Without a threshold all that count have to pass. With one, the mean of their scores by weight has to reach
it, and that alone decides. What cannot be known counts for neither side. The schema that was asked for with
``response_format`` has no share in that mean, which it would only lift: an answer that breaks it fails.
"""

from collections.abc import Iterable, Sequence

from prompts_app.engine.types import Assertion, Check

SET = "assert-set"
ASKED_SCHEMA = "response-format"  # the type of the check that is made without an assertion
MOST_TOLD = 3  # members of a set whose reasons are told


def verdict_of(checks: Iterable[Check], threshold: float | None = None) -> bool | None:
    """``None`` where nothing counts, or where it hangs on a check that is not judged yet."""
    counted = _counted(checks)
    verdicts = [check.passed for check in counted]
    if threshold is None:
        return False if False in verdicts else None if not counted or None in verdicts else True
    if any(check.type == ASKED_SCHEMA and check.passed is False for check in counted):
        return False
    counted = [check for check in counted if check.type != ASKED_SCHEMA] or counted
    if not counted:
        return None
    if _mean(counted, wanting=0.0) >= threshold:
        return True
    return False if _mean(counted, wanting=1.0) < threshold else None


def _counted(checks: Iterable[Check]) -> list[Check]:
    """A failing set counts whatever its weight: only a single assertion is never failed by weight 0."""
    return [
        check
        for check in checks
        if not check.unknown and (check.weight != 0 or (check.type == SET and check.passed is False))
    ]


def _mean(counted: Sequence[Check], wanting: float) -> float:
    """The mean score by weight, where one that is not judged yet has the score ``wanting``."""
    total = sum(check.weight for check in counted)
    return sum(_score(check, wanting) * check.weight for check in counted) / total if total else 0.0


def _score(check: Check, wanting: float) -> float:
    if check.passed is None:
        return wanting
    return float(check.passed) if check.score is None else check.score


def checked_set(assertion: Assertion, members: Sequence[Check]) -> Check:
    """The set's own check, from those of its members. One of which nothing counts does not count either."""
    counted = _counted(members)
    passed = verdict_of(members, assertion.threshold)
    score = None if passed is None else _mean(counted, wanting=0.0)
    some_unknown = any(member.unknown for member in members)
    return Check(
        assertion.type, assertion.value, passed, score, _reason(assertion, members, counted),
        assertion.threshold, assertion.weight if counted or some_unknown else 0.0,
        unknown=not counted and some_unknown, members=tuple(members),
    )  # fmt: skip


def _reason(assertion: Assertion, members: Sequence[Check], counted: Sequence[Check]) -> str:
    if not counted:
        return "Not judged: nothing in this set could be judged here."
    holding = sum(check.passed is True for check in counted)
    said = f"{holding} of {len(counted)} hold"
    if assertion.threshold is not None:
        said += f"; score {_mean(counted, wanting=0.0):.2f}, of {assertion.threshold:g}"
    telling = [check for check in members if check.passed is not True][:MOST_TOLD]
    return " ".join([f"{said}.", *(f"{check.type}: {check.reason}" for check in telling)])
