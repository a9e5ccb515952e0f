"""What a run would come to, and its judge."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.runs.estimate import JUDGE_SAYS, JUDGE_TOLD, Estimate, estimate_of
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent
from prompts_app.models import Endpoint, Version

HERE = Endpoint(base_url="https://api.openai.com/v1")
NOWHERE = Endpoint(base_url="https://models.example.com/v1")
CHEAP = "gpt-4o-mini"
IN, OUT = Decimal("0.15") / 1_000_000, Decimal("0.6") / 1_000_000  # US dollars a token, of CHEAP
POLITE = Assertion("llm-rubric", "Be polite.")


def version(**parameters: Any) -> Version:
    return Version(number=1, messages=[{"role": "user", "content": "word"}], parameters=parameters)


def estimated(
    *assertions: Assertion, judge: JudgeChoice | None = None, cases: int = 1, **more: Any
) -> Estimate:
    suite = [CaseContent("c", assertions=assertions)] * cases
    limited = version(max_tokens=100)
    return estimate_of([limited], HERE, [CHEAP], suite, more.pop("repeats", 1), judge=judge, **more)


def test_a_judge_is_told_apart_from_the_answers() -> None:
    plan = estimated(POLITE, Assertion("contains", "x"), judge=JudgeChoice(HERE, CHEAP))
    assert plan.dollars == 1 * IN + 100 * OUT
    assert plan.judge_dollars == (JUDGE_TOLD + 3 + 1 + 100) * IN + JUDGE_SAYS * OUT
    assert plan.gradings == 1


def test_without_a_judge_or_a_price_nothing_is_guessed() -> None:
    assert estimated(POLITE).judge_dollars is None
    assert estimated(POLITE, judge=JudgeChoice(NOWHERE, CHEAP)).judge_dollars is None
    assert estimated(POLITE, judge=JudgeChoice(HERE, "no-such-model")).judge_dollars is None
    assert estimated(Assertion("contains", "x"), judge=JudgeChoice(HERE, CHEAP)).judge_dollars is None


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    close = Assertion("similar", ["yes"])
    known = JudgeChoice(HERE, CHEAP, "text-embedding-3-small")
    assert estimated(POLITE, close, judge=known).judge_dollars
    unknown = JudgeChoice(HERE, CHEAP, "no-such-model")
    assert estimated(POLITE, close, judge=unknown).judge_dollars is None


def test_g_eval_asks_twice_for_each_criterion() -> None:
    judge = JudgeChoice(HERE, CHEAP)
    one = estimated(Assertion("g-eval", ["Be brief."]), judge=judge).judge_dollars
    three = estimated(Assertion("g-eval", ["Be brief."] * 3), judge=judge).judge_dollars
    assert one
    assert three
    assert three > 3 * one


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 3))
def test_it_grows_with_everything_that_is_graded(cases: int, repeats: int, graded: int) -> None:
    judge = JudgeChoice(HERE, CHEAP)
    single = estimated(POLITE, judge=judge).judge_dollars
    assert single
    many = estimated(*[POLITE] * graded, judge=judge, cases=cases, repeats=repeats)
    assert many.judge_dollars == pytest.approx(single * cases * repeats * graded)
    assert many.gradings == cases * repeats * graded


def test_a_case_with_canned_results_is_asked_once_more_for_each_tool_and_nobody_knows_the_most() -> None:
    results = (ToolResult("a", "word"), ToolResult("a", "word"), ToolResult("b", "word"))
    limited = version(max_tokens=100)
    plain = estimate_of([limited], HERE, [CHEAP], [CaseContent("c")], 1)
    tools = estimate_of([limited], HERE, [CHEAP], [CaseContent("c", tool_results=results)], 1)
    once = estimate_of([limited], HERE, [CHEAP], [CaseContent("c", tool_results=results, most_steps=1)], 1)
    assert tools.dollars == (3 + 3) * IN + 300 * OUT
    assert once.dollars == (2 + 3) * IN + 200 * OUT
    assert (plain.bounded, tools.bounded) == (True, False)
