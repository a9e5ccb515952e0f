"""Grading an answer: the judge model is asked about every assertion of its case that a model has to grade."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from prompts_app.engine.assertions import check_of, kind_of, not_run, seen_by, validate
from prompts_app.engine.assertions.graded import rubric_of
from prompts_app.engine.assertions.judging import JudgeClient, JudgedOutput, price_of_calls
from prompts_app.engine.assertions.kinds import Finding, Grade
from prompts_app.engine.assertions.sets import each_of, is_set, members_of
from prompts_app.engine.assertions.stored import calls_of
from prompts_app.engine.assertions.verdicts import checked_set
from prompts_app.engine.case_pictures import digest_of
from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.errors import CannotTell, DoesNotFit, JudgeFailed
from prompts_app.engine.tool_types import ToolMessage
from prompts_app.engine.types import (
    Assertion,
    Check,
    Fault,
    Json,
    Judge,
    Judging,
    Message,
    PicturedMessage,
    Price,
    Reply,
    Request,
    Sent,
)


@dataclass(frozen=True, slots=True)
class JudgeSetup:
    """The judge model that was chosen for a run, and how to reach it; each assertion gets its own client."""

    judge: Judge
    asker: Asker
    deadline_s: float
    before_call: Callable[[], None] = lambda: None
    after_call: Callable[[Price], None] = lambda price: None

    def client(self, pictures: tuple[Json, ...] = ()) -> JudgeClient:
        """``pictures``: parts of a message, which the judge sees beside each text."""
        return JudgeClient(
            self.judge, self.asker, self.deadline_s, self.before_call, self.after_call, pictures=pictures
        )


@dataclass(frozen=True, slots=True)
class Graded:
    """The checks with the judge's verdicts in them, what it cost, and why a verdict is wanting, if one is."""

    checks: tuple[Check, ...]
    price: Price | None = None
    failure: Fault | None = None


async def grade(
    checks: Sequence[Check], assertions: Sequence[Assertion], judged: JudgedOutput, setup: JudgeSetup
) -> Graded:
    """``checks`` as ``check`` left them, those of ``assertions`` in their order; each that a model has to
    grade is graded. Never raises but for what ``setup.before_call`` raises."""
    done = [
        await _graded(check, assertion, judged, setup)
        for check, assertion in zip(checks, assertions, strict=True)
    ]
    failures = (
        fault for assertion, (_, fault) in zip(assertions, done, strict=True) if fault and assertion.weight
    )
    graded = tuple(check for check, _ in done)
    return Graded(graded, price_of_calls(calls_of(graded)), next(failures, None))


async def _graded(
    check: Check, assertion: Assertion, judged: JudgedOutput, setup: JudgeSetup
) -> tuple[Check, Fault | None]:
    """The check with the judge's verdict in it where a model has to grade; the first fault of a judge."""
    if is_set(assertion):
        members = members_of(assertion) if check.members else ()
        done = [await _graded(*pair, judged, setup) for pair in zip(check.members, members, strict=True)]
        faults = (fault for member, (_, fault) in zip(members, done, strict=True) if fault and member.weight)
        return (checked_set(assertion, [one for one, _ in done]) if done else check), next(faults, None)
    by = grader_of(assertion)
    if by is None:
        return check, None
    try:
        seen = seen_by(assertion, judged.output)
    except DoesNotFit:
        return check, None  # it failed already, and why
    client = setup.client(judged.pictures)
    found: Finding | Exception
    try:
        found = await by(assertion, replace(judged, output=seen), client)
    except (CannotTell, JudgeFailed) as why:
        found = why
    fault = Fault("judge_error", str(found), cause=found.cause) if isinstance(found, JudgeFailed) else None
    rubric = "" if assertion.value is None else rubric_of(assertion.value)
    graded = check_of(assertion, found, seen)
    return replace(graded, judge=Judging(rubric, tuple(client.calls))), fault


def is_graded(assertion: Assertion) -> bool:
    """Whether a judge that was chosen has something to say to it, or to a member of the set."""
    return any(grader_of(one) for one in each_of([assertion]))


def grader_of(assertion: Assertion) -> Grade | None:
    """What grades it where a judge was chosen; ``None`` for what is judged otherwise or cannot be used."""
    kind = kind_of(assertion.type)
    usable = not not_run(assertion) and validate(assertion) is None
    return kind.grade if kind and usable else None


def judged_output_of(request: Request, reply: Reply, values: Mapping[str, str]) -> JudgedOutput:
    """What the judge may see. The question is the variable ``query`` where there is one, else what the
    user said last."""
    said = [message.content for message in request.messages if message.role == "user"]
    query = values.get("query") or (said or [""])[-1]
    return JudgedOutput(
        reply.output,
        _as_text(request.messages),
        query,
        values,
        _exchanges(request.messages),
        tuple(_pictures(request.messages)),
    )


def _pictures(messages: Sequence[Sent]) -> Iterator[Json]:
    """Each once, in the order in which the model saw them."""
    parts = (part for one in messages if isinstance(one, PicturedMessage) for part in one.parts)
    yield from {digest: part for part in parts if (digest := digest_of(part))}.values()


def _exchanges(messages: Sequence[Sent]) -> tuple[tuple[str, str], ...]:
    """What was asked and answered before the last question."""
    pairs, asked = list[tuple[str, str]](), ""
    for message in messages:
        if message.role == "user":
            asked = message.content
        elif message.role == "assistant" and isinstance(message, Message):
            pairs.append((asked, message.content))
    return tuple(pairs)


def _as_text(messages: Sequence[Sent]) -> str:
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{message.role}: {_said_in(message)}" for message in messages)


def _said_in(message: Sent) -> str:
    calls = message.tool_calls if isinstance(message, ToolMessage) else ()
    return "\n".join(text for text in (message.content, json.dumps(calls) if calls else "") if text)
