"""Checks as they are stored, sealed and exported: plain JSON."""

from collections.abc import Iterable, Mapping

from prompts_app.engine.adaptations import WORDS, told
from prompts_app.engine.assertions.judging import price_of_calls
from prompts_app.engine.assertions.verdicts import verdict_of
from prompts_app.engine.types import Check, Json, JudgeCall, Judging, Price
from prompts_app.engine.vendors import Claim, claim_of

_ALWAYS = ("type", "value", "passed", "score", "reason", "threshold")
_ALWAYS_OF_CALL = ("asked", "answer", "model_asked", "model", "tokens_in", "tokens_out")


def check_json(check: Check) -> dict[str, Json]:
    """What has its usual value (a weight of 1, not unknown, no members, no transform, no judge) is left out.
    Money is text: it is sealed."""
    data: dict[str, Json] = {name: getattr(check, name) for name in _ALWAYS}
    if check.weight != 1:
        data["weight"] = check.weight
    if check.unknown:
        data["unknown"] = True
    if check.members:
        data["members"] = [check_json(member) for member in check.members]
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
        **{name: getattr(call, name) for name in _ALWAYS_OF_CALL},
        "cost": _dollars(call.price),
        "cost_source": call.price.source,
        **({"parameters": dict(call.parameters)} if call.parameters else {}),
        **({"asked_at": call.asked_at} if call.asked_at else {}),
        **({"adapted": list(call.adapted)} if call.adapted else {}),
    }


def _dollars(price: Price) -> str | None:
    return None if price.dollars is None else f"{price.dollars.normalize():f}"


def calls_in(checks: Iterable[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """The same as ``calls_of``, of checks as they were stored."""
    return [
        call
        for check in checks
        for call in (*(check.get("judge") or {}).get("calls", ()), *calls_in(check.get("members") or ()))
    ]


def judge_who(call: Mapping[str, Json]) -> Claim:
    """Who may be named for a stored call to a judge."""
    origin = str(call.get("asked_at") or "")
    return claim_of(
        str(call.get("model_asked") or ""), [origin] if origin else [], answered=str(call.get("model") or "")
    )


def adapted_told(call: Mapping[str, Json]) -> str:
    """How a stored call to a judge was asked otherwise, in words; "" where it was not."""
    words = call.get("adapted")
    return told(word for word in WORDS if word in words) if isinstance(words, list) else ""


def calls_of(checks: Iterable[Check]) -> list[JudgeCall]:
    """Every call to a judge that was made for these checks and the members of their sets."""
    return [
        call
        for check in checks
        for call in (*(check.judge.calls if check.judge else ()), *calls_of(check.members))
    ]


def verdict_of_stored(checks: Iterable[Mapping[str, Json]], threshold: float | None = None) -> bool | None:
    """As ``verdict_of``, from what was stored; ``threshold`` is the case's."""
    return verdict_of(map(_check_of_stored, checks), threshold)


def _check_of_stored(check: Mapping[str, Json]) -> Check:
    """What a verdict needs of it."""
    weight, unknown = check.get("weight", 1.0), check.get("unknown") is True
    passed, score = check.get("passed"), check.get("score")
    return Check(str(check.get("type", "")), None, passed, score, "", weight=weight, unknown=unknown)
