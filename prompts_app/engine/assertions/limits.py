"""Assertions on size, time, cost and how the answer ended."""

from dataclasses import replace
from decimal import Decimal

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.values import as_text, number_of
from prompts_app.engine.assertions.words import NO_SPACES, word_counts
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.types import Answer, Assertion, Json

FINISH_REASONS = ("stop", "length", "content_filter", "tool_calls")


def bounds_of(value: Json) -> tuple[float | None, float | None]:
    """The least and the most a count may be: ``50``, ``"50"`` or ``{"min": 10, "max": 50}``.

    Raises ``ValueError`` with a sentence.
    """
    if not isinstance(value, dict):
        exact = number_of(value)
        if exact is None:
            raise ValueError("Enter a number, or a range such as 10-50.")
        return exact, exact
    if unknown := sorted(set(value) - {"min", "max"}):
        raise ValueError(f"There is no option “{unknown[0]}”; a range has “min” and “max”.")
    low, high = (None if value.get(end) is None else number_of(value[end]) for end in ("min", "max"))
    if low is None and high is None:
        raise ValueError("Enter a least or a most, or both.")
    if low is not None and high is not None and low > high:
        raise ValueError(f"The least ({as_text(low)}) is more than the most ({as_text(high)}).")
    return low, high


def _bounds_problem(assertion: Assertion) -> str | None:
    low, high = bounds_of(assertion.value)
    return "A count cannot be negative." if (low or 0) < 0 or (high or 0) < 0 else None


def _within(count: int, value: Json, what: str) -> Finding:
    low, high = bounds_of(value)
    holds = (low is None or count >= low) and (high is None or count <= high)
    reason = f"Has {count:,} {what if count != 1 else what[:-1]}; the limit is {describe_bounds(low, high)}."
    return fact(holds, reason)


def describe_bounds(low: float | None, high: float | None) -> str:
    """ "exactly 50", "10 to 50", "at least 10" or "at most 50"."""
    if low is None or high is None:
        return f"at most {as_text(high)}" if low is None else f"at least {as_text(low)}"
    return f"exactly {as_text(low)}" if low == high else f"{as_text(low)} to {as_text(high)}"


def _word_count(assertion: Assertion, answer: Answer) -> Finding:
    least, most = word_counts(answer.output)
    found = [_within(count, assertion.value, "words") for count in (least, most)]
    if least == most:
        return found[0]
    low, high = bounds_of(assertion.value)
    outside = (low is not None and most < low) or (high is not None and least > high)
    if not (all(one.passed for one in found) or outside):
        raise CannotTell(f"{NO_SPACES} It has {least:,} to {most:,}.")
    return replace(found[0], reason=found[0].reason.replace(f"{least:,} ", f"{least:,} to {most:,} ", 1))


def _tokens_used(assertion: Assertion, answer: Answer) -> Finding:
    if answer.tokens is None:
        raise CannotTell("The tokens used are unknown: the endpoint did not say.")
    return _within(answer.tokens, assertion.value, "tokens")


def _latency(assertion: Assertion, answer: Answer) -> Finding:
    if answer.latency_ms is None:
        raise CannotTell("The latency is unknown: the answer was pasted, or came from a cache.")
    limit = assertion.threshold
    holds = limit is None or answer.latency_ms <= limit
    return _measured(holds, f"Took {answer.latency_ms:,.0f} ms", limit, "{} ms")


def _cost(assertion: Assertion, answer: Answer) -> Finding:
    if answer.cost is None:
        raise CannotTell("The cost is unknown: no price is known for this model at this endpoint.")
    limit = assertion.threshold
    holds = limit is None or answer.cost <= Decimal(str(limit))
    return _measured(holds, f"Cost ${answer.cost.normalize():f}", limit, "${}")


def _measured(holds: bool, measured: str, limit: float | None, unit: str) -> Finding:
    """Without a limit it is only measured, for a metric."""
    of = "no limit was set" if limit is None else f"the limit is {unit.format(as_text(limit))}"
    return fact(holds, f"{measured}; {of}.")


def _finish_reason(assertion: Assertion, answer: Answer) -> Finding:
    if not answer.finish_reason:
        raise CannotTell("The endpoint did not say why the answer ended.")
    wanted, actual = as_text(assertion.value), answer.finish_reason
    holds = wanted.lower() == actual.lower()
    return fact(holds, f"Ended with “{actual}”.", f"Ended with “{actual}”, not “{wanted}”.")


def _limit_problem(assertion: Assertion) -> str | None:
    if assertion.threshold is None:
        measured_only = assertion.metric and not assertion.type.startswith("not-")
        return None if measured_only else "Enter the limit as a number."
    return "The limit must be more than zero." if assertion.threshold <= 0 else None


def _finish_problem(assertion: Assertion) -> str | None:
    if not isinstance(assertion.value, str) or not assertion.value.strip():
        return "Enter how the answer must end, for example “stop”."
    return None


KINDS = (
    AssertionKind(
        "word-count", "limits", "The output has this many words: a number or a range.", "words",
        _word_count, _bounds_problem, {"min": 10, "max": 50}, unit="words",
        passes=Answer("Thank you for writing; your money is back within five days."), fails=Answer("Sure."),
    ),
    AssertionKind(
        "latency", "limits", "The answer takes at most this many milliseconds.", "number",
        _latency, _limit_problem, 2000, unit="milliseconds", takes_pictures=True,
        passes=Answer("Yes.", latency_ms=850.0), fails=Answer("Yes.", latency_ms=4200.0),
    ),
    AssertionKind(
        "cost", "limits", "The call costs at most this many US dollars.", "number",
        _cost, _limit_problem, 0.01, unit="US dollars", takes_pictures=True,
        passes=Answer("Yes.", cost=Decimal("0.002")), fails=Answer("Yes.", cost=Decimal("0.05")),
    ),
    AssertionKind(
        "finish-reason", "limits", "The model stopped for this reason.", "names",
        _finish_reason, _finish_problem, "stop", choices=FINISH_REASONS, takes_pictures=True,
        passes=Answer("Yes.", finish_reason="stop"), fails=Answer("Yes, and", finish_reason="length"),
    ),
    AssertionKind(
        "tokens-used", "limits", "Prompt and answer together use this many tokens: a number or a range.",
        "words", _tokens_used, _bounds_problem, {"max": 500}, unit="tokens", takes_pictures=True,
        passes=Answer("Yes.", tokens=320), fails=Answer("Yes.", tokens=900),
    ),
)  # fmt: skip
