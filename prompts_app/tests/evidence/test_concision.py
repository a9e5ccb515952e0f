"""Tokens against pass rate: which versions are in it, and which saving may be told. From summaries alone."""

import pytest

from prompts_app.evidence.concision import Curve, curve_of, gain_of
from prompts_app.evidence.summary import VersionEvidence
from prompts_app.tests.evidence.summaries import a_summary, a_version


def item(
    version: int, tokens: float | None, passed: int, cases: int = 10, suite: str = "a"
) -> VersionEvidence:
    return a_version(version, tokens_in=tokens, passed=passed, cases=cases, suite_digest=suite)


def drawn(*history: VersionEvidence) -> Curve | None:
    return curve_of(a_summary(*history))


class TestWhenItIsThere:
    def test_two_versions_with_tokens(self) -> None:
        found = drawn(item(1, 200, 5), item(2, 100, 5))
        assert found is not None
        assert [point.version for point in found.newest_first] == [2, 1]

    @pytest.mark.parametrize(("first", "last"), [(None, 100), (100, None), (0, 100)])
    def test_not_where_fewer_have_tokens(self, first: float | None, last: float | None) -> None:
        assert drawn(item(1, first, 5), item(2, last, 5)) is None

    def test_a_version_without_tokens_is_left_out_and_counted(self) -> None:
        found = drawn(item(1, 200, 5), item(2, None, 5), item(3, 100, 5))
        assert found is not None
        assert found.left_out == 1


class TestGain:
    def test_fewer_tokens_at_the_same_rate(self) -> None:
        found = drawn(item(1, 50, 2), item(2, 200, 9), item(3, 108, 9))
        assert found is not None
        assert found.gain is not None
        assert (found.gain.longest.version, found.gain.percent, found.gain.same_rate) == (2, 46, True)

    def test_more_cases_pass(self) -> None:
        found = drawn(item(1, 200, 8), item(2, 100, 9))
        assert found is not None
        assert found.gain is not None
        assert not found.gain.same_rate

    @pytest.mark.parametrize(
        "before",
        [item(1, 200, 10), item(1, 105, 5), item(1, 50, 5), item(1, 200, 5, suite="other")],
        ids=["passes more", "hardly longer", "shorter", "other cases"],
    )
    def test_none_is_claimed(self, before: VersionEvidence) -> None:
        found = drawn(before, item(2, 100, 9))
        assert found is not None
        assert found.gain is None


@pytest.mark.parametrize(
    ("before", "now", "told"), [(90, 81, True), (90, 82, False), (30, 27, True), (9, 9, False)]
)
def test_a_tenth_is_a_tenth(before: int, now: int, told: bool) -> None:
    rows = [item(number, tokens, 1, 1) for number, tokens in ((1, before), (2, now))]
    assert bool(gain_of(a_summary(*rows))) == told
