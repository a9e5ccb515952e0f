"""One row of promptfoo's results as a result of ours: its output, and what promptfoo found, word for word."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from prompts_app.engine.assertions.verdicts import SET
from prompts_app.engine.budget import LARGEST_COUNT
from prompts_app.engine.formats.bundle_types import BundledResult
from prompts_app.engine.formats.promptfoo.prompts import chat_in
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.json_texts import with_texts
from prompts_app.engine.types import Json

ERROR = 2  # promptfoo's failureReason for "there is no answer"; 1 is a failed assertion
MOST_DOLLARS = 1_000_000  # for one call: more is no price

_STACK = re.compile(r"\n\n\w{0,40}Error\b.{0,2000}?\n[ \t]{1,20}at |\n[ \t]{1,20}at ", re.DOTALL)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# What an error's words say of its kind, in our labels; the first that fits.
_FAULTS = (
    (r"rate.?limit|too many requests|\b429\b", "rate_limited"),
    (r"quota|insufficient.(funds|credit|balance)|\b402\b", "no_credit"),
    (r"api.?key|unauthori[sz]ed|\b401\b", "auth"),
    (r"forbidden|\b403\b", "forbidden"),
    (r"context.length|maximum context|too many tokens", "context_overflow"),
    (r"content.(filter|policy)|safety", "content_filter"),
    (r"time?d?.?out|ETIMEDOUT|\b504\b", "timeout"),
    (r"ECONNREFUSED|connection refused", "refused_connection"),
    (r"ENOTFOUND|EAI_AGAIN|getaddrinfo", "dns"),
    (r"certificate|\bTLS\b|\bSSL\b", "tls"),
    (r"render error|Template", "template"),
    (r"\b404\b|model.*(not found|does not exist)", "model_not_found"),
    (r"\b50[023]\b|internal server error|overloaded", "server_error"),
    (r"\b400\b|bad request|invalid request", "bad_request"),
)


class ResultRow(NamedTuple):
    """One result of a file. ``where`` is its place, such as ``results.results[2]``."""

    values: dict[str, Json]
    where: str

    def number(self, name: str) -> float:
        """A place that the row names, such as its prompt's; one that does not say is behind all others."""
        value = self.values.get(name)
        return value if type(value) is int and value >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class Context:
    """What all results of a file share: when, by which tool, and where they come from."""

    at: datetime
    tool: str
    note: str
    id: str


def result_of(row: ResultRow, case_index: int, repeat: int, model: str, context: Context) -> BundledResult:
    response = as_object(row.values.get("response"))
    grading = as_object(row.values.get("gradingResult"))
    error, success = _error(row, response), row.values.get("success")
    checks = () if error else tuple(_checks(grading))
    kinds = (kind for pattern, kind in _FAULTS if re.search(pattern, error[:2000], re.IGNORECASE))
    cost = None if error else _cost(row, response)
    # All zeros mean that nobody counted.
    usage = as_object(response.get("tokenUsage")) or as_object(row.values.get("tokenUsage"))
    tokens_in, tokens_out = (_count(usage.get(name)) for name in ("prompt", "completion"))
    if not tokens_in and not tokens_out:
        tokens_in = tokens_out = None
    return BundledResult(
        id=str(row.values.get("id") or f"{context.id}-{case_index}-{repeat}"),
        case_index=case_index,
        repeat=repeat,
        created_at=context.at,
        request={"model": model, "messages": _messages(row)},
        checks=checks,
        passed=success if checks and not error and isinstance(success, bool) else None,
        output="" if error else _output(response.get("output")),
        finish_reason=_text(response.get("finishReason"))[:60],
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        latency_ms=_latency(row, response),
        cost=cost,
        cost_source=context.tool[:60] if cost is not None else "",
        error_kind=next(kinds, "elsewhere") if error else "",
        error_message=error,
    )


def _text(value: Json) -> str:
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else ""


def _error(row: ResultRow, response: Mapping[str, Json]) -> str:
    """The error's words where there is no answer; a failed assertion has words too, and is none.

    Without the program's stack: it says nothing to anyone else, and names folders of somebody's machine.
    """
    said = _STACK.split(_text(row.values.get("error")) or _text(response.get("error")))[0].strip()
    if row.values.get("failureReason") == ERROR:
        return said or "promptfoo says that there is no answer, and not why."
    unanswered = response.get("output") is None and not row.values.get("gradingResult")
    return said or "There is no output in the file." if unanswered else ""


def _checks(grading: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Each assertion's outcome as promptfoo gave it; a set's members are a part of it."""
    checks = []
    for one in components(grading):
        assertion = assertion_of(one)
        passed = one.get("pass") if isinstance(one.get("pass"), bool) else None
        check: dict[str, Json] = {
            "type": _text(assertion.get("type")) or SET,
            "value": _storable(assertion.get("value")),
            "passed": passed,
            "score": _number(one.get("score")),
            "reason": _text(one.get("reason")) or "promptfoo gave no reason.",
            "threshold": _number(assertion.get("threshold")),
        }
        weight = 0 if passed is None else _number(assertion.get("weight"))
        if is_set(one):
            check["members"] = _checks(one)
            check["value"] = _storable([assertion_of(member) for member in components(one)])
        checks.append(check if weight in (None, 1) else {**check, "weight": weight})
    return checks


def components(grading: Mapping[str, Json]) -> list[dict[str, Json]]:
    """What was found for each assertion. promptfoo writes those of a set a second time, behind it."""
    listed = grading.get("componentResults")
    items = [as_object(item) for item in listed] if isinstance(listed, list) else []
    found: list[dict[str, Json]] = []
    passed_over = 0
    for item in items:
        if passed_over:
            passed_over -= 1
            continue
        found.append(item)
        passed_over = len(components(item)) if is_set(item) else 0
    return found


def is_set(component: Mapping[str, Json]) -> bool:
    return isinstance(as_object(component.get("metadata")).get("assertionSet"), dict)


def assertion_of(component: Mapping[str, Json]) -> dict[str, Json]:
    """The assertion as it was run; a set's with its members."""
    if not is_set(component):
        return as_object(component.get("assertion"))
    own = as_object(as_object(component.get("metadata")).get("assertionSet"))
    members = [assertion_of(one) for one in components(component)]
    return {
        **{name: own.get(name) for name in ("threshold", "weight", "metric")},
        "type": SET,
        "assert": members,
    }


def _storable(value: Json) -> Json:
    return with_texts(value, _text)


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _output(value: Json) -> str:
    if value is None:
        return ""
    return _text(value) if isinstance(value, str) else _text(json.dumps(value, ensure_ascii=False))


def _count(value: Json) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= LARGEST_COUNT else None


def _cost(row: ResultRow, response: Mapping[str, Json]) -> Decimal | None:
    """US dollars. promptfoo writes 0 where it knows no price, so that 0 says nothing."""
    cost = _number(row.values.get("cost")) or _number(response.get("cost"))
    return round(Decimal(str(cost)), 8) if cost is not None and 0 < cost < MOST_DOLLARS else None


def _latency(row: ResultRow, response: Mapping[str, Json]) -> float | None:
    """Milliseconds. Of an answer from a cache it says nothing about the model."""
    latency = _number(row.values.get("latencyMs"))
    return None if response.get("cached") is True or latency is None or latency < 0 else float(latency)


def _messages(row: ResultRow) -> list[dict[str, Json]]:
    """The prompt as it was sent."""
    raw = _text(as_object(row.values.get("prompt")).get("raw"))
    chat = chat_in(raw)
    if chat is None:
        return [{"role": "user", "content": raw}] if raw else []
    return [{"role": str(one["role"]), "content": _storable(one.get("content"))} for one in chat]
