"""``max-score``: which output's other assertions score highest."""

from typing import Any

import pytest

from prompts_app.engine.assertions import validate
from prompts_app.engine.assertions.compared import Scored, checks_of_scores
from prompts_app.engine.types import Assertion, Json


def one(*scores: float | None, type_: str = "contains", **more: Any) -> Scored:
    return Scored("v1 on m", [{"type": type_, "score": score, **more} for score in scores])


def passed(value: Json, *scored: Scored) -> list[bool | None]:
    return [check.passed for check in checks_of_scores(value, 1.0, scored)]


@pytest.mark.parametrize(
    ("value", "scored", "expected"),
    [
        (None, [one(1, 0), one(1, 1)], [False, True]),
        (None, [one(1, 1), one(1, 1)], [True, False]),  # the first of those that are alike
        ({"method": "sum"}, [one(1), one(0.6, 0.6)], [False, True]),
        ({"threshold": 0.8}, [one(0.5), one(0.7)], [False, False]),
        ({"threshold": 0.7}, [one(0.5), one(0.7)], [False, True]),
        (None, [one(None), one(0.1)], [None, True]),  # nothing was judged of the first
        (None, [one(None), one(None)], [None, None]),
        (None, [one(1, type_="select-best"), one(0.1)], [None, True]),
    ],
)
def test_one_wins(value: Json, scored: list[Scored], expected: list[bool | None]) -> None:
    assert passed(value, *scored) == expected


def test_kinds_have_weights_and_members_of_sets_count() -> None:
    first = Scored("a", [{"type": "contains", "score": 1}, {"type": "bleu", "score": 0.2}])
    second = Scored("b", [{"type": "contains", "score": 0}, {"type": "bleu", "score": 0.9}])
    assert passed({"weights": {"bleu": 3}}, first, second) == [False, True]
    assert passed({"weights": {"bleu": 0}}, first, second) == [True, False]
    in_set = Scored("c", [{"type": "assert-set", "score": 0.5, "members": [{"type": "bleu", "score": 1}]}])
    assert passed(None, in_set, one(0.7)) == [True, False]


@pytest.mark.parametrize(
    "value", ["x", {"methods": "sum"}, {"method": "best"}, {"weights": {"bleu": -1}}, {"threshold": "high"}]
)
def test_options_that_make_no_sense_are_told(value: Json) -> None:
    assert validate(Assertion("max-score", value))
