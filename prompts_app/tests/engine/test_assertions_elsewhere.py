"""Assertions that came from another tool and are not run here: kept, shown, and counted neither way."""

import pytest

from prompts_app.engine.assertions import check, not_run
from prompts_app.engine.checking import judge
from prompts_app.engine.digests import assertion_from_json, assertion_json, case_from_json, case_json
from prompts_app.engine.prices import UNKNOWN
from prompts_app.engine.types import Answer, Assertion, CaseContent, Check, Reply

REPLY = Reply("Bonjour", "stop", "m", None, None, 1, 1, 5.0)
HOLDS = Assertion("contains", "Bonjour")
FAILS = Assertion("contains", "Hallo")
ELSEWHERE = Assertion("classifier", "is polite")


def judged(*assertions: Assertion) -> tuple[tuple[Check, ...], bool | None]:
    return judge(CaseContent("c", assertions=assertions), REPLY, UNKNOWN)


@pytest.mark.parametrize(
    ("assertion", "why"),
    [
        (Assertion("javascript", "output.length > 3"), "no “javascript”"),
        (Assertion("not-webhook", "rude"), "no “not-webhook”"),
        (Assertion("contains", "x", options={"transform": "fetch(output)"}), "“transform” is a program"),
        (Assertion("contains", "file://expected.py"), "stands in a file"),
        (Assertion("is-json", "file://schema.json:function"), "stands in a file"),
    ],
)
def test_it_neither_passes_nor_fails_and_says_why(assertion: Assertion, why: str) -> None:
    outcome = check(assertion, Answer("x"))
    assert (outcome.passed, outcome.score) == (None, None)
    assert outcome.reason.startswith("Not run here: ")
    assert why in outcome.reason


def test_options_that_change_nothing_here_do_not_keep_an_assertion_from_being_run() -> None:
    assert not not_run(Assertion("contains", "x", options={"provider": "openai:gpt-5"}))
    assert not not_run(Assertion("contains", "see file://readme and more"))


def test_a_case_is_judged_by_what_can_be_run() -> None:
    assert judged(HOLDS, ELSEWHERE)[1] is True
    assert judged(FAILS, ELSEWHERE)[1] is False


def test_a_case_with_nothing_else_is_unjudged() -> None:
    checks, passed = judged(ELSEWHERE, Assertion("javascript", "true"))
    assert passed is None
    assert [one.type for one in checks] == ["classifier", "javascript"]


def test_options_are_kept_and_an_assertion_without_them_is_written_as_before() -> None:
    kept = Assertion("llm-rubric", "is polite", options={"provider": "openai:gpt-5"})
    assert assertion_from_json(assertion_json(kept)) == kept
    assert assertion_json(HOLDS) == {"type": "contains", "value": "Bonjour"}
    case = CaseContent("c", assertions=(kept,))
    assert case_from_json(case_json(case)) == case


def test_options_of_a_wrong_shape_are_told() -> None:
    with pytest.raises(ValueError, match="options"):
        assertion_from_json({"type": "contains", "options": "x"})
