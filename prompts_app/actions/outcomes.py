"""The engine's outcome as a row: everything that is known about it, in a shape every database takes."""

from __future__ import annotations

from decimal import Decimal

from prompts_app.engine.assertions.stored import check_json
from prompts_app.engine.types import Check, Fault, Json, Outcome, Price, Reply
from prompts_app.models import Result, Run
from prompts_app.models.text import storable, storable_json

_MOST_TOKENS = 2**31 - 1
_EIGHT_PLACES = Decimal("0.00000001")


def result_of(run: Run, outcome: Outcome) -> Result:
    """A result of ``run``, not saved yet."""
    result = Result(
        run=run,
        case_index=outcome.cell.case_index,
        repeat=outcome.cell.repeat,
        request=storable_json(outcome.request.body()),
        checks=checks_json(outcome.checks),
        passed=outcome.passed,
    )
    set_price(result, outcome.price)
    if outcome.judge_price is not None:
        result.judge_cost = as_stored(outcome.judge_price.dollars)
        result.judge_calls = sum(len(check.judge.calls) for check in outcome.checks if check.judge)
    if outcome.reply is not None:
        _set_reply(result, outcome.reply)
    if outcome.fault is not None:
        _set_fault(result, outcome.fault)
    return result


def checks_json(checks: tuple[Check, ...]) -> Json:
    return storable_json([check_json(check) for check in checks])


def set_price(result: Result, price: Price) -> None:
    """A price the column cannot hold is unknown, not an error."""
    result.cost = as_stored(price.dollars)
    result.cost_source = "" if result.cost is None else price.source[:60]


def as_stored(dollars: Decimal | None) -> Decimal | None:
    """As the columns hold it; None for what they cannot hold."""
    known = dollars is not None and 0 <= dollars < 1_000_000
    return dollars.quantize(_EIGHT_PLACES) if known and dollars is not None else None


def _set_reply(result: Result, reply: Reply) -> None:
    result.output = storable(reply.output)
    result.finish_reason = _line(reply.finish_reason, 60)
    result.model = _line(reply.model, 200)
    result.response_id = _line(reply.response_id, 200)
    result.fingerprint = _line(reply.fingerprint, 200)
    result.tokens_in, result.tokens_out = _count(reply.tokens_in), _count(reply.tokens_out)
    # A cached answer's time says nothing about the model.
    result.latency_ms = None if reply.cached else reply.latency_ms
    result.attempts = reply.attempts


def _set_fault(result: Result, fault: Fault) -> None:
    result.error_kind, result.error_message = fault.kind, storable(fault.message)
    result.latency_ms, result.attempts = fault.latency_ms, fault.attempts


def _line(text: str | None, longest: int) -> str:
    return storable(text or "")[:longest]


def _count(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens <= _MOST_TOKENS else None
