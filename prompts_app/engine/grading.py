"""Putting an answer before the judge: every assertion of a case that a model has to grade."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from prompts_app.engine.assertions import (
    checked,
    kind_of,
    looked_at,
    not_run,
    opposed,
    seen_by,
    unjudged,
    validate,
)
from prompts_app.engine.assertions.graded import rubric_of
from prompts_app.engine.assertions.judging import Bench, JudgeFailed, price_of_calls
from prompts_app.engine.assertions.kinds import CannotTell, Exhibit, Grade
from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.types import Assertion, Check, Fault, Judge, Judging, Message, Price, Reply, Request


@dataclass(frozen=True, slots=True)
class Court:
    """A judge model that was chosen for a run, and how to reach it."""

    judge: Judge
    asker: Asker
    deadline_s: float
    before_call: Callable[[], None] = lambda: None
    after_call: Callable[[Price], None] = lambda price: None

    def bench(self) -> Bench:
        return Bench(self.judge, self.asker, self.deadline_s, self.before_call, self.after_call)


@dataclass(frozen=True, slots=True)
class Graded:
    """The checks with the judge's verdicts in them, what it cost, and why a verdict is wanting, if one is."""

    checks: tuple[Check, ...]
    price: Price | None = None
    failure: Fault | None = None


async def grade(
    checks: Sequence[Check], assertions: Sequence[Assertion], exhibit: Exhibit, court: Court
) -> Graded:
    """``checks`` as ``check`` left them, those of ``assertions`` in their order; each that a model has to
    grade is graded. Never raises but for what ``court.before_call`` raises."""
    graded, failure = list(checks), None
    for place, assertion in enumerate(assertions):
        by = grader_of(assertion)
        if by is None:
            continue
        try:
            seen = seen_by(assertion, exhibit.output)
        except CannotTell:
            continue  # it failed already, and why
        check, fault = await _one(assertion, by, replace(exhibit, output=seen), court)
        graded[place] = looked_at(check, assertion, seen)
        if assertion.weight != 0:
            failure = failure or fault
    calls = [call for check in graded if check.judge for call in check.judge.calls]
    return Graded(tuple(graded), price_of_calls(calls), failure)


def grader_of(assertion: Assertion) -> Grade | None:
    """What grades it where a judge was chosen; ``None`` for what is judged otherwise or cannot be used."""
    kind = kind_of(assertion.type)
    usable = not not_run(assertion) and validate(assertion) is None
    return kind.grade if kind and usable else None


async def _one(assertion: Assertion, by: Grade, exhibit: Exhibit, court: Court) -> tuple[Check, Fault | None]:
    bench, fault = court.bench(), None
    try:
        check = checked(assertion, opposed(assertion, await by(assertion, exhibit, bench)))
    except JudgeFailed as why:
        check, fault = unjudged(assertion, str(why)), Fault("judge_error", str(why), cause=why.cause)
    rubric = "" if assertion.value is None else rubric_of(assertion.value)
    return replace(check, judge=Judging(rubric, tuple(bench.calls))), fault


def exhibit_of(request: Request, reply: Reply, values: Mapping[str, str]) -> Exhibit:
    """What the judge may see. The question is the variable ``query`` where there is one, else what the
    user said last."""
    said = [message.content for message in request.messages if message.role == "user"]
    return Exhibit(reply.output, _as_text(request.messages), values.get("query") or (said or [""])[-1])


def _as_text(messages: Sequence[Message]) -> str:
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{message.role}: {message.content}" for message in messages)
