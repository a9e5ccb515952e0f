"""Holding a reply to the assertions of its case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from prompts_app.engine.assertions import check
from prompts_app.engine.assertions.sets import is_set, members_of, value_of
from prompts_app.engine.assertions.tools import tools_among
from prompts_app.engine.assertions.verdicts import verdict_of
from prompts_app.engine.finish_reasons import ending_in_words
from prompts_app.engine.render import render_known
from prompts_app.engine.schema_check import check_of_schema
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import (
    Answer,
    Assertion,
    CaseContent,
    Check,
    Json,
    Price,
    Reply,
)


def judge(
    case: CaseContent,
    reply: Reply,
    price: Price,
    values: Mapping[str, str] | None = None,
    parameters: Mapping[str, Json] = MappingProxyType({}),
    calls: tuple[ToolCall, ...] | None = None,
) -> tuple[tuple[Check, ...], bool | None]:
    """Hold a reply to the case's assertions: the checks, and whether all that count passed.

    Behind them stands the check of the schema that the version's ``parameters`` ask for, where they do.
    ``calls`` are as in ``Answer``.

    ``{{variables}}`` in assertion values stand for ``values`` (by default the case's own). An assertion
    of weight 0 is shown but does not count, nor does one that is not run here or cannot be known. ``None``
    where nothing counts, or where it hangs on what a judge model or the author has yet to look at.
    """
    answer = replace(answer_of(reply, price), tools=tools_among(parameters), calls=calls)
    known = case.variables if values is None else values
    found = checks_of(case.assertions, known, answer, parameters)
    checks = tuple(_with_ending(one, reply) for one in found)
    return checks, verdict_of(checks, case.threshold)


def checks_of(
    assertions: Iterable[Assertion],
    values: Mapping[str, str],
    answer: Answer,
    parameters: Mapping[str, Json] = MappingProxyType({}),
) -> tuple[Check, ...]:
    """One output held to each of them, with ``values`` in the place of their variables; then to the schema
    that the version's ``parameters`` ask for, where they do."""
    checks = tuple(check(filled(assertion, values), answer) for assertion in assertions)
    of_schema = check_of_schema(parameters, answer)
    return (*checks, of_schema) if of_schema else checks


def _with_ending(found: Check, reply: Reply) -> Check:
    """A check that failed says so where the output was cut off, or is empty for want of tokens: that may be
    why."""
    if found.passed is not False or found.type.removeprefix("not-") in ("latency", "cost", "finish-reason"):
        return found
    ending = ending_of(reply)
    return replace(found, reason=f"{found.reason} ({ending})") if ending else found


def ending_of(reply: Reply) -> str:
    """What a reader must know of how the reply ended, as a sentence; mostly ""."""
    if reply.picture is not None:
        return ""
    return ending_in_words(
        reply.output, reply.finish_reason, reply.tokens_out, reply.tokens_reasoning, reply.reasoning_chars
    )


def answer_of(reply: Reply, price: Price) -> Answer:
    """What assertions may know of a reply."""
    return Answer(
        output=reply.output,
        finish_reason=reply.finish_reason,
        latency_ms=None if reply.cached else reply.latency_ms,
        cost=price.dollars,
        tokens=None
        if reply.tokens_in is None or reply.tokens_out is None
        else reply.tokens_in + reply.tokens_out,
        is_picture=reply.picture is not None,
    )


def filled(assertion: Assertion, values: Mapping[str, str]) -> Assertion:
    """The assertion with its value's ``{{variables}}`` filled in, in a text, a list of texts or the members
    of a set.

    A variable without a value stays as it is written, so that the check fails where it can be seen.
    """
    if is_set(assertion):
        with suppress(ValueError):  # an ill-written set is told where it is checked
            members = (filled(member, values) for member in members_of(assertion))
            return replace(assertion, value=value_of(members))
    return replace(assertion, value=_filled(assertion.value, values))


def _filled(value: Json, values: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return render_known(value, values)
    if isinstance(value, list):
        return [_filled(item, values) if isinstance(item, str) else item for item in value]
    return value
