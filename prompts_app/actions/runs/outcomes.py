"""The engine's outcome as a row: everything that is known about it, in a shape every database takes."""

from decimal import Decimal

from django.db import transaction

from prompts_app.engine.assertions.stored import calls_of, check_json
from prompts_app.engine.endpoints.cancellation import CUT_SHORT
from prompts_app.engine.responses_body import messages_in
from prompts_app.engine.tool_steps import sent_from_json
from prompts_app.engine.types import Answered, Check, Fault, Json, Outcome, Price, Reply, Request
from prompts_app.models import Result, Run
from prompts_app.models.answers import LONGEST_ORIGIN, AnswerFields
from prompts_app.models.text import storable, storable_json

JUDGE_AGAIN = "judge_again"  # error_kind of a result whose answer stays and whose judge is asked again
_MOST_TOKENS = 2**31 - 1
_EIGHT_PLACES = Decimal("0.00000001")


def result_of(run: Run, outcome: Outcome) -> Result:
    """A result of ``run``, not saved yet."""
    result = Result(run=run, case_index=outcome.cell.case_index, repeat=outcome.cell.repeat)
    fill(result, outcome)
    if outcome.reply is not None and outcome.reply.picture is not None:
        result.picture = storable_json(outcome.reply.picture.about())
    return result


def fill(row: AnswerFields, outcome: Outcome) -> None:
    """Everything that is known of a call, but the picture."""
    row.request = storable_json(outcome.request.body())
    row.checks = checks_json(outcome.checks)
    row.passed = outcome.passed
    row.asked_at = outcome.asked_at[:LONGEST_ORIGIN]
    row.unanswered = outcome.unanswered
    set_price(row, outcome.price)
    if outcome.judge_price is not None:
        row.judge_cost = as_stored(outcome.judge_price.dollars)
        row.judge_calls = len(calls_of(outcome.checks))
    if outcome.reply is not None:
        _set_reply(row, outcome.reply)
    if outcome.fault is not None:
        if outcome.fault.part is not None:  # kept beside the fault, and never judged
            _set_reply(row, outcome.fault.part)
        _set_fault(row, outcome.fault)


def answered_of(result: Result) -> Answered:
    """What a stored result says of the call, for judging it again."""
    sent = result.request
    known = {"model", "messages", "input"}
    request = Request(
        str(sent.get("model", "")),
        tuple(map(sent_from_json, messages_in(sent))),
        {name: value for name, value in sent.items() if name not in known},
    )
    reply = Reply(
        result.output,
        result.finish_reason or None,
        result.model or None,
        result.response_id or None,
        result.fingerprint or None,
        result.tokens_in,
        result.tokens_out,
        result.latency_ms or 0.0,
        attempts=result.attempts,
        cached=result.latency_ms is None,
        tokens_reasoning=result.tokens_reasoning,
        reasoning_chars=result.reasoning_chars,
        first_token_ms=result.first_token_ms,
    )
    return Answered(request, reply, Price(result.cost, result.cost_source))


def judge_again(judged: Result) -> None:
    """Write what a new judging came to over the stored result, which keeps its answer; only once.

    What the judge cost before is still counted.
    """
    with transaction.atomic():
        waiting = Result.objects.select_for_update().filter(error_kind=JUDGE_AGAIN, run_id=judged.run_id)
        stored = waiting.filter(case_index=judged.case_index, repeat=judged.repeat).first()
        if stored is None:
            return
        stored.judge_cost = _together(stored, judged)
        stored.judge_calls += judged.judge_calls
        for name in ("checks", "passed", "error_kind", "error_message"):
            setattr(stored, name, getattr(judged, name))
        stored.save()


def _together(before: Result, now: Result) -> Decimal | None:
    """None as soon as one of two that were asked has no known cost."""
    asked = [result for result in (before, now) if result.judge_calls]
    known = [result.judge_cost for result in asked if result.judge_cost is not None]
    return sum(known, Decimal(0)) if asked and len(known) == len(asked) else None


def checks_json(checks: tuple[Check, ...]) -> Json:
    return storable_json([check_json(check) for check in checks])


def set_price(row: AnswerFields, price: Price) -> None:
    """A price the column cannot hold is unknown, not an error."""
    row.cost = as_stored(price.dollars)
    row.cost_source = "" if row.cost is None else price.source[:160]


def as_stored(dollars: Decimal | None) -> Decimal | None:
    """As the columns hold it; None for what they cannot hold."""
    known = dollars is not None and 0 <= dollars < 1_000_000
    return dollars.quantize(_EIGHT_PLACES) if known and dollars is not None else None


def _set_reply(row: AnswerFields, reply: Reply) -> None:
    row.output = storable(reply.output)
    row.finish_reason = _line(reply.finish_reason, 60)
    row.model = _line(reply.model, 200)
    row.response_id = _line(reply.response_id, 200)
    row.fingerprint = _line(reply.fingerprint, 200)
    row.tokens_in, row.tokens_out = _count(reply.tokens_in), _count(reply.tokens_out)
    row.tokens_reasoning = _count(reply.tokens_reasoning)
    row.reasoning_chars = _count(reply.reasoning_chars)
    # A cached answer's time says nothing about the model.
    row.latency_ms = None if reply.cached else reply.latency_ms
    row.first_token_ms = None if reply.cached else reply.first_token_ms
    row.attempts = reply.attempts
    row.trace = storable_json(list(reply.trace))


def _set_fault(row: AnswerFields, fault: Fault) -> None:
    # Where the run was ended before its judge had answered, there is an answer, and nothing went wrong.
    kind = JUDGE_AGAIN if fault.cause == CUT_SHORT else fault.kind
    row.error_kind, row.error_message = kind, storable(fault.message)
    row.latency_ms, row.attempts = fault.latency_ms, fault.attempts


def _line(text: str | None, longest: int) -> str:
    return storable(text or "")[:longest]


def _count(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens <= _MOST_TOKENS else None
