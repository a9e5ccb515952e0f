"""What checks come to together: an assert-set, and a case with a threshold. promptfoo's rules."""

from decimal import Decimal

import pytest

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.assertions.sets import MOST_MEMBERS, value_of
from prompts_app.engine.assertions.stored import calls_of, check_json, verdict_of_stored
from prompts_app.engine.checking import filled, judge
from prompts_app.engine.digests import case_from_json, case_json, digest
from prompts_app.engine.types import Answer, Assertion, CaseContent, Check, Json, Price, Reply
from prompts_app.tests.engine.judges import graded, says

A, B = Assertion("contains", "a"), Assertion("contains", "b")
COST = Assertion("cost", threshold=1)
RUBRIC = Assertion("llm-rubric", "Is polite.")
ELSEWHERE = Assertion("javascript", "true")


def a_set(*members: Assertion, threshold: float | None = None, weight: float = 1.0) -> Assertion:
    return Assertion("assert-set", value_of(members), threshold, weight)


def of_set(*members: Assertion, output: str = "a", threshold: float | None = None) -> Check:
    return check(a_set(*members, threshold=threshold), Answer(output))


def verdict(
    *assertions: Assertion, output: str = "a", threshold: float | None = None, cost: Decimal | None = None
) -> bool | None:
    reply = Reply(output, None, None, None, None, None, None, 1.0)
    case = CaseContent("c", assertions=assertions, threshold=threshold)
    checks, passed = judge(case, reply, Price(cost, "" if cost is None else "table"))
    stored = [check_json(one) for one in checks]
    assert verdict_of_stored(stored, threshold) == passed  # stored and read again, it is the same
    return passed


def test_all_members_have_to_hold() -> None:
    assert of_set(A, B, output="ab").passed is True
    assert of_set(A, B, output="a").passed is False


@pytest.mark.parametrize(("threshold", "passes"), [(0, True), (0.5, True), (0.51, False), (1, False)])
def test_with_a_threshold_the_mean_score_decides_alone(threshold: float, passes: bool) -> None:
    found = of_set(A, B, threshold=threshold)
    assert (found.passed, found.score) == (passes, 0.5)


def test_weights_count_within_a_set_and_of_a_set() -> None:
    heavy = Assertion("contains", "a", weight=3)
    assert of_set(heavy, B, threshold=0.75).passed is True
    assert verdict(a_set(A, weight=3), B, threshold=0.75) is True
    assert verdict(a_set(A, weight=1), B, threshold=0.75) is False


def test_a_set_tells_how_its_members_came_out() -> None:
    found = of_set(A, B, threshold=0.4)
    assert [one.passed for one in found.members] == [True, False]
    assert found.reason == "1 of 2 hold; score 0.50, of 0.4. contains: Does not contain “b”."
    assert check_json(found)["members"][1]["reason"] == "Does not contain “b”."


def test_what_is_unknown_counts_for_neither_side_in_a_set() -> None:
    assert of_set(A, COST).passed is True
    assert of_set(B, COST).passed is False
    assert of_set(A, COST, threshold=1).score == 1
    alone = of_set(COST)
    assert (alone.passed, alone.unknown) == (None, True)


def test_what_is_not_run_here_counts_for_nothing_in_a_set() -> None:
    assert of_set(A, ELSEWHERE).passed is True
    alone = of_set(ELSEWHERE)
    assert (alone.passed, alone.weight) == (None, 0)


def test_a_verdict_that_is_wanting_is_awaited_where_it_matters() -> None:
    assert of_set(A, RUBRIC).passed is None
    assert of_set(B, RUBRIC).passed is False
    assert of_set(A, RUBRIC, threshold=0.5).passed is True  # whatever the judge will say
    assert of_set(B, RUBRIC, threshold=0.6).passed is False
    assert of_set(A, RUBRIC, threshold=0.6).passed is None


def test_a_set_of_weight_0_that_fails_fails_its_case_as_in_promptfoo() -> None:
    assert verdict(A, a_set(B, weight=0)) is False
    assert verdict(A, a_set(A, weight=0)) is True
    assert verdict(A, a_set(B, weight=0), threshold=1) is True


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "list of assertions"),
        ({"type": "contains"}, "list of assertions"),
        ([], "1 to 50"),
        ([{"value": "a"}], "“type”"),
        ([{"type": "contains"}], "Assertion 1 of the set (contains): Enter the text"),
        ([{"type": "contains", "value": "a"}, {"type": "regex", "value": "("}], "Assertion 2 of the set"),
        ([{"type": "assert-set", "value": []}], "cannot stand in a set"),
        ([{"type": "human"}], "cannot stand in a set"),
        ([{"type": "contians", "value": "a"}], "not a kind"),
        (value_of([A] * (MOST_MEMBERS + 1)), "1 to 50"),
    ],
)
def test_an_ill_written_set_is_told(value: Json, why: str) -> None:
    assert why in str(validate(Assertion("assert-set", value)))
    assert check(Assertion("assert-set", value), Answer("a")).passed is None


def test_variables_are_filled_in_in_members() -> None:
    found = filled(a_set(Assertion("contains", "{{x}}")), {"x": "yes"})
    assert found.value == [{"type": "contains", "value": "yes"}]


# --- a case ---------------------------------------------------------------------------------------------


def test_a_case_takes_its_verdict_from_what_can_be_known() -> None:
    assert verdict(A, COST) is True
    assert verdict(B, COST) is False
    assert verdict(COST) is None
    assert verdict(A, COST, cost=Decimal(2)) is False
    assert verdict(A, Assertion("not-cost", threshold=1)) is True


def test_an_ill_written_assertion_judges_nothing() -> None:
    assert verdict(A, Assertion("regex", "(")) is None
    assert verdict(B, Assertion("regex", "(")) is False


@pytest.mark.parametrize(("threshold", "passes"), [(0.5, True), (0.6, False)])
def test_a_threshold_of_a_case_is_for_the_mean_of_its_scores(threshold: float, passes: bool) -> None:
    assert verdict(A, B, threshold=threshold) is passes
    assert verdict(A, B, COST, threshold=threshold) is passes


def test_nothing_that_counts_is_not_judged_whatever_the_threshold() -> None:
    assert verdict(threshold=0.5) is None
    assert verdict(Assertion("contains", "b", weight=0), threshold=0) is None


def test_a_threshold_is_kept_and_a_case_without_one_has_the_digest_it_always_had() -> None:
    case = CaseContent("c", assertions=(A,), threshold=0.5)
    assert case_from_json(case_json(case)) == case
    assert "threshold" not in case_json(CaseContent("c"))
    was = "3d61916499b6c61ccb6eca14f49ad31460e661671c896968114c02002bcbc250"
    assert digest(case_json(CaseContent("c", {"x": "1"}))) == was
    with pytest.raises(ValueError, match="number"):
        case_from_json({"threshold": "high"})


# --- with a judge ---------------------------------------------------------------------------------------


def test_a_judge_grades_the_members_and_its_calls_are_kept_with_them() -> None:
    outcome, judge_server = graded(
        a_set(Assertion("contains", "Paris"), RUBRIC), says({"pass": True, "score": 0.5})
    )
    (found,) = outcome.checks
    assert (outcome.passed, found.score) == (True, 0.75)
    assert len(judge_server.asked) == len(calls_of([found])) == 1
    assert check_json(found)["members"][1]["judge"]["calls"]


def test_a_judge_that_fails_within_a_set_is_an_error_unless_it_does_not_matter() -> None:
    members = (Assertion("contains", "Paris"), RUBRIC)
    outcome, _ = graded(a_set(*members), says("no verdict"))
    assert outcome.fault is not None
    assert (outcome.passed, outcome.fault.kind) == (None, "judge_error")
    enough, _ = graded(a_set(*members, threshold=0.5), says("no verdict"))
    assert (enough.passed, enough.fault) == (True, None)


def test_without_its_context_an_output_is_not_held_to_it() -> None:
    outcome, judge_server = graded(
        (A, Assertion("context-faithfulness")), output="a", variables={"country": "x"}
    )
    assert (outcome.passed, outcome.checks[1].unknown) == (True, True)
    assert "no variable “context”" in outcome.checks[1].reason
    assert not judge_server.asked
