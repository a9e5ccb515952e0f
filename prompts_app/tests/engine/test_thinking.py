"""What follows the thinking that a model wrote into its answer."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.thinking import after_thinking
from prompts_app.engine.types import Assertion, CaseContent, Cell, Message, Outcome, PromptContent
from prompts_app.tests.engine.servers import answering, completion, http

THOUGHT = "<think>\nIs it no? Let me see.\n</think>\n\nyes"


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("yes", "yes"),
        ("", ""),
        (THOUGHT, "yes"),
        ("<thinking>no</thinking>yes", "yes"),
        ("<THINK>no</THINK> yes", "yes"),
        ("no, since …</think>yes", "yes"),  # servers that put the first tag into the prompt
        ("<think>it says </think> there</think>yes", "yes"),
        ("<think>and so on, until the limit", ""),
        ("  \n<think>and so on", ""),
        ("<think></think>", ""),
        ("Write <think> to begin.", "Write <think> to begin."),
    ],
)
def test_is_what_stands_behind_the_last_end(output: str, answer: str) -> None:
    assert after_thinking(output) == answer


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<"), min_size=1))
def test_whatever_was_thought_the_answer_is_what_came_after(thought: str, answer: str) -> None:
    assert after_thinking(f"<think>{thought}</think>{answer}") == answer.lstrip()


def run(*, on: bool, turns: tuple[str, ...] = ()) -> tuple[Outcome, list[list[dict[str, str]]]]:
    assertions = (Assertion("equals", "yes"), Assertion("not-contains", "no?"))
    cell = Cell(0, 0, CaseContent("", turns=turns, assertions=assertions))
    outcomes: list[Outcome] = []

    def keep(outcome: Outcome) -> None:
        outcomes.append(outcome)

    with answering(http(200, completion(THOUGHT))) as server:
        prompt = PromptContent((Message("user", "Well?"),))
        asking = run_cells(
            RunConfig(prompt, "tiny-1", server.endpoint(), concurrency=1, judges_after_thinking=on), [cell],
            on_outcome=keep, stop_reason=lambda: None,
        )  # fmt: skip
        asyncio.run(asking)
        return outcomes[0], [one.json["messages"] for one in server.asked]


class TestARun:
    def test_holds_the_assertions_to_it_and_keeps_all(self) -> None:
        outcome, _ = run(on=True)
        assert outcome.passed
        assert outcome.reply is not None
        assert outcome.reply.output == THOUGHT

    def test_without_the_switch_holds_them_to_all(self) -> None:
        outcome, _ = run(on=False)
        assert [check.passed for check in outcome.checks] == [False, False]

    def test_gives_the_model_its_answer_and_not_its_thinking_in_the_next_turn(self) -> None:
        _, asked = run(on=True, turns=("And then?",))
        assert asked[1][1] == {"role": "assistant", "content": "yes"}
        _, asked = run(on=False, turns=("And then?",))
        assert asked[1][1] == {"role": "assistant", "content": THOUGHT}
