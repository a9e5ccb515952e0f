"""word-count, latency, cost, finish-reason, tokens-used."""

from decimal import Decimal
from typing import Any

import pytest

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.types import Answer, Assertion, Json
from prompts_app.tests.engine.holding import hold


@pytest.mark.parametrize(
    ("value", "passes"),
    [(3, True), ("3", True), (2, False), ({"min": 2, "max": 3}, True), ({"min": 4}, False),
     ({"max": 3}, True), ({"max": 2}, False), ({"min": 3, "max": None}, True)],
)  # fmt: skip
def test_words_are_what_white_space_separates(value: Json, passes: bool) -> None:
    output = "  one two-and-a-half\n\tthree "
    assert hold("word-count", value, output).passed is passes
    assert hold("not-word-count", value, output).passed is not passes


def test_an_empty_output_has_no_words() -> None:
    assert hold("word-count", 0, "").passed


@pytest.mark.parametrize(
    "value", [None, "many", {}, {"min": 5, "max": 2}, {"min": "x"}, -1, [1], True, float("nan")]
)
def test_a_count_that_makes_no_sense_is_told(value: Json) -> None:
    assert validate(Assertion("word-count", value))
    assert not hold("not-word-count", value, "a b").passed


@pytest.mark.parametrize(
    ("type_", "value", "threshold", "known", "passes"),
    [
        ("latency", None, 200, {"latency_ms": 200.0}, True),
        ("latency", None, 199, {"latency_ms": 200.0}, False),
        ("cost", None, 0.001, {"cost": Decimal("0.001")}, True),
        ("cost", None, 0.0009, {"cost": Decimal("0.001")}, False),
        ("cost", None, 0.1, {"cost": Decimal(0)}, True),
        ("finish-reason", "stop", None, {"finish_reason": "stop"}, True),
        ("finish-reason", "STOP", None, {"finish_reason": "stop"}, True),
        ("finish-reason", "stop", None, {"finish_reason": "length"}, False),
        ("tokens-used", {"max": 50}, None, {"tokens": 50}, True),
        ("tokens-used", {"max": 50}, None, {"tokens": 51}, False),
        ("tokens-used", {"min": 10, "max": 50}, None, {"tokens": 9}, False),
    ],
)
def test_each_limit_and_its_opposite(
    type_: str, value: Json, threshold: float | None, known: dict[str, Any], passes: bool
) -> None:
    assert hold(type_, value, "x", threshold, **known).passed is passes
    assert hold(f"not-{type_}", value, "x", threshold, **known).passed is not passes


@pytest.mark.parametrize(
    ("assertion", "says"),
    [
        (Assertion("cost", threshold=1), "cost is unknown"),
        (Assertion("latency", threshold=1), "latency is unknown"),
        (Assertion("finish-reason", "stop"), "did not say why"),
        (Assertion("tokens-used", {"max": 5}), "tokens used are unknown"),
    ],
)
def test_what_is_unknown_is_not_judged_in_either_form_and_says_so(assertion: Assertion, says: str) -> None:
    opposite = Assertion(f"not-{assertion.type}", assertion.value, assertion.threshold)
    for one in (assertion, opposite):
        found = check(one, Answer("x"))
        assert (found.passed, found.score, found.unknown) == (None, None, True)
        assert says in found.reason


@pytest.mark.parametrize("type_", ["latency", "cost"])
def test_a_limit_is_needed_unless_it_is_only_measured(type_: str) -> None:
    assert validate(Assertion(type_))
    assert validate(Assertion(type_, threshold=0))
    assert validate(Assertion(type_, threshold=float("nan")))
    assert validate(Assertion(type_, metric="speed")) is None
    assert validate(Assertion(f"not-{type_}", metric="speed"))
    assert check(Assertion(type_, metric="m"), Answer("x", latency_ms=5.0, cost=Decimal("0.1"))).passed


def test_the_reason_tells_the_measure_on_passes_too() -> None:
    assert (
        hold("latency", None, "x", 2000, latency_ms=1234.4).reason == "Took 1,234 ms; the limit is 2000 ms."
    )
    assert (
        hold("cost", None, "x", 0.01, cost=Decimal("0.000210")).reason == "Cost $0.00021; the limit is $0.01."
    )
    assert hold("word-count", {"min": 1, "max": 2}, "a").reason == "Has 1 word; the limit is 1 to 2."


@pytest.mark.parametrize(
    ("value", "output", "passes"),
    [
        (3, "今日はとても良い天気ですね", None),
        (1, "今日はとても良い天気ですね", None),
        ({"min": 5}, "ฉันชอบกินข้าว", None),
        ({"max": 20}, "今日はとても良い天気ですね", True),  # however it is divided
        ({"min": 20}, "今日はとても良い天気ですね", False),
        (4, "The word 水 here", True),  # one letter is one word
        (2, "오늘은 좋아요", True),  # Korean has spaces
        ({"max": 2}, "水 と 火", False),
    ],
)
def test_words_that_no_space_divides_are_counted_only_where_that_does_not_matter(
    value: Json, output: str, passes: bool | None
) -> None:
    found, opposite = hold("word-count", value, output), hold("not-word-count", value, output)
    assert found.passed is passes
    assert opposite.passed is (None if passes is None else not passes)
    assert found.unknown is (passes is None)
