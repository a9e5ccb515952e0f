"""Questions an interviewer may ask, each from something that was recorded. From summaries alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.evidence.concision import Curve, Point
from prompts_app.evidence.interview_questions import (
    MOST_CHANGES,
    MOST_FAILURES,
    Broken,
    Change,
    ExplainedFailure,
    FailingCase,
    questions,
)
from prompts_app.evidence.summary import Summary
from prompts_app.tests.evidence.summaries import a_model, a_summary, a_version


def evidence(passed: int = 95, cases: int = 100, **more: Any) -> Summary:
    return a_summary(passed=passed, cases=cases, **more)


GOOD = evidence()


def asked(
    about: Summary | None = GOOD,
    changes: list[Change] | None = None,
    failures: list[FailingCase] | None = None,
    curve: Curve | None = None,
    shelf: list[ExplainedFailure] | None = None,
    broken: Broken | None = None,
) -> list[str]:
    found = questions(about, changes or [], failures or [], curve, shelf or [], broken)
    return [question.ask for question in found]


class TestRules:
    def test_nothing_recorded_nothing_asked(self) -> None:
        assert asked(None) == []
        assert asked() == []

    def test_what_was_dropped_is_quoted(self) -> None:
        assert asked(changes=[Change(3, 4, 2, 40, "Example: one\ntwo")]) == [
            "v4 dropped 40 words, among them “Example: one two”: why?"
        ]

    def test_what_was_added(self) -> None:
        assert asked(changes=[Change(1, 2, 30, 20, "x")]) == ["v2 added 30 words: what was each of them for?"]

    def test_small_changes_are_not_asked_about(self) -> None:
        assert asked(changes=[Change(1, 2, 14, 14, "x")]) == []

    @pytest.mark.parametrize(
        ("was", "now", "said"),
        [
            (0, 1, "v2 puts a worked example before the question: how chosen"),
            (0, 5, "v2 puts 5 worked examples before the question: how chosen"),
            (1, 0, "v2 dropped the worked example: why?"),
            (3, 0, "v2 dropped the 3 worked examples: why?"),
            (3, 5, "v2 shows 5 worked examples instead of 3: what does each new one teach?"),
            (3, 1, "v2 shows one worked example instead of 3: how did you know what could go?"),
        ],
    )
    def test_examples_are_asked_about_before_words(self, was: int, now: int, said: str) -> None:
        (ask,) = asked(changes=[Change(1, 2, 90, 3, "x", was, now)])
        assert ask.startswith(said)

    def test_what_a_version_broke_and_not_a_second_time_as_a_failure(self) -> None:
        broken = Broken(3, 4, ((9, "honey"), (12, "")))
        found = asked(failures=[FailingCase(9, "honey", 1), FailingCase(12, "", 1)], broken=broken)
        assert found[0].startswith("v4 broke case 9 (“honey”) and 1 more, which v3 passed: why is v4")
        assert [ask[:7] for ask in found[1:]] == ["Case 12"]

    def test_the_biggest_changes_in_their_order(self) -> None:
        changes = [Change(n, n + 1, 10 + 10 * n, 0, "") for n in range(1, 9)]
        assert [ask[:2] for ask in asked(changes=changes)] == ["v6", "v7", "v8", "v9"]

    @pytest.mark.parametrize(
        ("fix", "state", "said"),
        [
            ("", "", "v1 fails case 3 (“Two rates”) and it is still open"),
            ("v2", "passes", "v1 failed case 3 (“Two rates”), v2 passes it: how did you find the cause"),
            ("v2", "fails", "v2 is named as the fix for case 3 (“Two rates”) and still fails it"),
            ("v2", "not tested", "and no run of it on main shows that: how do you know?"),
            ("v2", "no answer", "and no run of it on main shows that: how do you know?"),
        ],
    )
    def test_a_known_failure_is_asked_about_as_the_records_have_it(
        self, fix: str, state: str, said: str
    ) -> None:
        (ask,) = asked(shelf=[ExplainedFailure(3, "Two rates", "v1", "main", fix, state)])
        assert said in ask

    def test_a_failure_on_the_shelf_is_not_asked_about_twice(self) -> None:
        shelf = [ExplainedFailure(3, "Two rates", "v2", "main", "", "")]
        found = asked(shelf=shelf, failures=[FailingCase(3, "Two rates", 1), FailingCase(5, "No rate", 1)])
        assert ["case 3" in ask for ask in found] == [True, False]
        assert found[1].startswith("Case 5")

    def test_failures_that_are_on_record_and_not_disclosed(self) -> None:
        history = [a_version(passed=9)]
        assert ["No failure is disclosed" in ask for ask in asked(evidence(history=history))] == [True]
        assert asked(evidence(history=[a_version(passed=10)])) == []
        shelf = [ExplainedFailure(1, "", "v1", "main", "", "")] * 5
        assert [ask[:15] for ask in asked(evidence(history=history), shelf=shelf)] == ["v1 fails case 1"] * 3

    def test_failures_on_most_models_first(self) -> None:
        about = evidence(models=[a_model(m, low=low, cases=9) for m, low in (("main", 0.9), ("b", 0.95))])
        found = asked(about, failures=[FailingCase(2, "", 1), FailingCase(7, "Two rates", 2)])
        assert found[0].startswith("Case 7 (“Two rates”) still fails on 2 of 2 models: what did you try")
        assert found[1].startswith("Case 2 still fails on 1 of 2 models")

    def test_more_tokens_for_more_cases(self) -> None:
        first = Point(1, 50, 20, 100, 0.1, 0.3, other_cases=False, cost=None, level=2, as_good=True)
        last = replace(first, version=3, tokens=100, passed=95)
        curve = Curve([first, last], None, 0)
        assert asked(curve=curve) == [
            "v3 sends 100% more tokens than v1 and passes 95 of 100 cases instead of 20 of 100: "
            "when is that not worth it?"
        ]
        no_better = Curve([first, replace(last, passed=first.passed)], None, 0)
        assert asked(curve=no_better) == [
            "v3 sends 100% more tokens than v1 and passes 20 of 100 cases where v1 passed 20 of 100: "
            "what do the added tokens buy?"
        ]
        elsewhere = Curve([replace(first, other_cases=True), last], None, 0)
        assert asked(curve=elsewhere) == []

    def test_the_weakest_model(self) -> None:
        models = [a_model(name, passed=n, cases=100, low=n / 100 - 0.1)
                  for name, n in (("main", 95), ("b", 60), ("c", 80))]  # fmt: skip
        found = asked(evidence(models=models))
        assert found == [
            "On b 60 of 100 cases pass, on main 95 of 100: what would you change for the weaker model?"
        ]

    @pytest.mark.parametrize(
        ("about", "said"),
        [
            (evidence(6, 12), "6 of 12 may be anything from 25% to 75%"),
            (evidence(level=0), "were not recorded by this server"),
            (evidence(deleted_runs=1), "One run was deleted"),
            (evidence(deleted_runs=3), "3 runs were deleted"),
            (evidence(errors=2), "2 cases got no answer"),
        ],
    )
    def test_how_far_the_figures_carry(self, about: Summary, said: str) -> None:
        (only,) = asked(about)
        assert said in only


_CHANGES = st.lists(st.builds(Change, st.integers(1, 9), st.integers(2, 10), st.integers(0, 99),
                              st.integers(0, 99), st.text(max_size=200)), max_size=12)  # fmt: skip
_FAILURES = st.lists(st.builds(FailingCase, st.integers(1, 99), st.text(max_size=200), st.integers(1, 5)))


@given(_CHANGES, _FAILURES)
def test_the_sheet_stays_short_and_is_the_same_whatever_the_order(
    changes: list[Change], failures: list[FailingCase]
) -> None:
    found = questions(evidence(), changes, failures, None)
    assert len(found) <= MOST_CHANGES + MOST_FAILURES
    assert all(question.ask.endswith("?") and len(question.ask) < 300 for question in found)
