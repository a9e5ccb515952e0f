"""Checks as they are stored, sealed and exported: plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prompts_app.engine.assertions import verdict_of
from prompts_app.engine.assertions.judging import price_of_calls
from prompts_app.engine.types import Check, Json, JudgeCall, Judging, Price


def check_json(check: Check) -> dict[str, Json]:
    """What has its usual value (a weight of 1, no transform, no judge) is left out. Money is text: it is
    sealed."""
    data: dict[str, Json] = {
        "type": check.type,
        "value": check.value,
        "passed": check.passed,
        "score": check.score,
        "reason": check.reason,
        "threshold": check.threshold,
    }
    if check.weight != 1:
        data["weight"] = check.weight
    if check.transform:
        data["transform"], data["applied_to"] = check.transform, check.applied_to
    if check.judge is not None:
        data["judge"] = _judging_json(check.judge)
    return data


def _judging_json(judging: Judging) -> dict[str, Json]:
    cost = price_of_calls(judging.calls)
    return {
        "rubric": judging.rubric,
        "calls": [_call_json(call) for call in judging.calls],
        "cost": _dollars(cost) if cost else None,
    }


def _call_json(call: JudgeCall) -> dict[str, Json]:
    return {
        "asked": call.asked,
        "answer": call.answer,
        "model_asked": call.model_asked,
        "model": call.model,
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "cost": _dollars(call.price),
        "cost_source": call.price.source,
        **({"parameters": dict(call.parameters)} if call.parameters else {}),
        **({"asked_at": call.asked_at} if call.asked_at else {}),
    }


def _dollars(price: Price) -> str | None:
    return None if price.dollars is None else f"{price.dollars.normalize():f}"


def verdict_of_stored(checks: Iterable[Mapping[str, Json]]) -> bool | None:
    """As ``verdict_of``, from what was stored."""
    return verdict_of(
        Check(
            str(check.get("type", "")), None, check.get("passed"), None, "", weight=check.get("weight", 1.0)
        )
        for check in checks
    )
