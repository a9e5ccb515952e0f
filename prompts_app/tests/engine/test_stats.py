"""Pass rates with their uncertainty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.stats import median, wilson


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [
        (10, 10, 0.7225, 1.0),  # "10/10 is 72–100%"
        (0, 10, 0.0, 0.2775),
        (24, 25, 0.8046, 0.9929),
        (1, 2, 0.0945, 0.9055),
        (500, 1000, 0.4691, 0.5309),
    ],
)
def test_wilson_gives_the_published_values(passed: int, total: int, low: float, high: float) -> None:
    assert list(wilson(passed, total)) == pytest.approx([low, high], abs=1e-4)


def test_nothing_tried_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("passed", "total"), [(-1, 3), (4, 3), (0, -1)])
def test_an_impossible_count_is_refused(passed: int, total: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(passed, total)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    passed, total = counts
    low, high = wilson(passed, total)
    assert 0.0 <= low <= passed / total <= high <= 1.0
    assert low < high


@given(st.integers(1, 500))
def test_more_cases_narrow_the_interval(total: int) -> None:
    few, many = wilson(total, 2 * total), wilson(10 * total, 20 * total)
    assert many[1] - many[0] < few[1] - few[0]


def test_the_median_is_of_the_known_values() -> None:
    assert median([None, 3.0, 1.0, 2.0]) == 2.0
    assert median([1.0, 2.0]) == 1.5


def test_the_median_of_nothing_is_unknown() -> None:
    assert median([]) is None
    assert median([None]) is None
