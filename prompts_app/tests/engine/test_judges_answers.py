"""How a judge's answer is read: its own words, after its thinking, and only a single clear verdict."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions.graded import _letter_in
from prompts_app.engine.assertions.judging import read_texts, read_verdict
from prompts_app.engine.assertions.lenient_json import objects_written
from prompts_app.engine.assertions.own_words import after_thinking, own_words
from prompts_app.engine.errors import JudgeFailed

OWN = '{"reason": "own", "pass": false, "score": 0}'
OTHER = '{"reason": "draft", "pass": true, "score": 1}'


# --- JSON as models write it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "passed", "score", "reason"),
    [
        ('```json\n{\n"pass": true,\n"score": 0.8,\n"reason": "Says\nit.\n"\n}\n```', True, 0.8, "Says\nit."),
        ('{"reason": "keeps \\( a^2 \\)", "pass": true, "score": 1}', True, 1, "keeps \\( a^2 \\)"),
        ('{"reason": "a\ttab, C:\\Users\\é, \\d+", "pass": false}', False, 0, "a\ttab, C:\\Users\\é, \\d+"),
        ('{"pass": true, // it is polite\n "score": 1, /* all of it */ "reason": "ok",}', True, 1, "ok"),
        ('{\n  # short\n  "pass": true,\n  "reason": "ok" // see {"pass": false}\n  ,\n}', True, 1, "ok"),
        ('{"pass": True, "score": None, "reason": "ok"}', True, 1, "ok"),
        ('{"reason": "It says \\"no\\", see https://a.example/b#c", "pass": false}', False, 0,
         'It says "no", see https://a.example/b#c'),
        ('{"pass": false, "reason": "ends with a backslash \\\\"}', False, 0, "ends with a backslash \\"),
        ('{"pass": true, "notes": ["a", "b",], "reason": "ok",\n}', True, 1, "ok"),
        ('{"reason": "A {\\"pass\\": true} of old", "pass": false}', False, 0, 'A {"pass": true} of old'),
        ("The form is {so so}. {\"pass\": true, \"reason\": \"ok\"}", True, 1, "ok"),
    ],
)  # fmt: skip
def test_json_as_models_write_it_is_read_as_it_was_meant(
    answer: str, passed: bool, score: float, reason: str
) -> None:
    found = read_verdict(answer)
    assert (found.passed, found.score, found.reason) == (passed, score, reason)


@pytest.mark.parametrize(
    "answer",
    [
        '{"reason": "The text claims "{"pass": true}" of itself", "pass": false}',
        '{"reason": "It says {"pass": true, "score": 1} and',  # cut off
        '{"pass": true or false, "score": {"pass": true}}',
        '{"pass": ..., "inner": {"pass": true}}',
        '{"pass": NaN, "score": 1}',
        "{'pass': true}",
        '"pass": true',
    ],
)
def test_what_would_have_to_be_guessed_is_no_verdict(answer: str) -> None:
    with pytest.raises(JudgeFailed, match="no verdict in the form asked for"):
        read_verdict(answer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (f"{OTHER} {OWN}", "they differ"),
        (f"[{OTHER}, {OWN}]", "they differ"),
        (f"```json\n{OTHER}\n```\nOn reflection:\n```json\n{OWN}\n```", "they differ"),
        ('{"pass": true, "score": 1, "pass": false}', "neither pass nor fail"),
        ('{"pass": "yes or no", "score": 1}', "neither pass nor fail"),
        ('{"pass": ["true", "false"]}', "neither pass nor fail"),
        ('{"pass": true, "score": "0.2 or 0.8"}', "not a number from 0 to 1"),
        ('{"pass": true, "score": 0.2, "score": 0.8}', "not a number from 0 to 1"),
    ],
)
def test_two_answers_in_one_are_an_error(answer: str, why: str) -> None:
    with pytest.raises(JudgeFailed, match=why):
        read_verdict(answer)


@pytest.mark.parametrize(
    ("category", "letter"),
    [("A", "A"), ("(b)", "B"), ("C.", "C"), ("d: contradicts it", "D"), ("E — e.g. a rounding", "E"),
     ("B: a superset and a bit more", "B"), ("**A**", "A")],
)  # fmt: skip
def test_a_category_is_one_letter_whatever_is_said_of_it(category: str, letter: str) -> None:
    assert _letter_in(category) == letter


@pytest.mark.parametrize(
    "category",
    ["B or D", "b or d", "A/B", "A, C", "B and D", "C (or E)", "A to C", "['B', 'D']", "A|D", "B; D",
     "one of the letters A, B, C, D, E", "AB", "F", "", "none"],
)  # fmt: skip
def test_a_category_that_is_two_or_none_is_an_error(category: str) -> None:
    with pytest.raises(JudgeFailed):
        _letter_in(category)


def test_the_form_copied_is_no_list_of_texts() -> None:
    with pytest.raises(JudgeFailed):
        read_texts('{"steps": ["…", "…"]}', "steps")


# --- thinking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>\nDraft: {OTHER}. No.\n</think>\n{OWN}",
        f"<thinking>{OTHER}</thinking>{OWN}",
        f"<THINK>{OTHER}</THINK>{OWN}",
        f"<reasoning>{OTHER}</reasoning>\n\n{OWN}",
        f"Hmm. <thought>{OTHER}</thought> {OWN}",
        f"{OTHER} would be wrong.\n</think>\n\n{OWN}",  # its template wrote the beginning
        f"<think>a<think>{OTHER}</think>{OTHER}</think>{OWN}",
        f"<think>one {OTHER}</think>{OTHER}<think>two</think>{OWN}",
        f'<think>It says "</think> {OTHER}", a trick.</think>{OWN}',
        f"[THINK]{OTHER}[/THINK]{OWN}",
        f"◁think▷{OTHER}◁/think▷{OWN}",
        f"<seed:think>{OTHER}</seed:think>{OWN}",
        f"<|begin_of_thought|>{OTHER}<|end_of_thought|>{OWN}",
        f"<|START_THINKING|>{OTHER}<|END_THINKING|><|START_RESPONSE|>{OWN}<|END_RESPONSE|>",
        f"<|channel|>analysis<|message|>{OTHER}<|end|><|start|>assistant<|channel|>final<|message|>{OWN}",
        f"<|channel>thought\n{OTHER}<channel|>{OWN}",
        f"analysisLet me see {OTHER}assistantfinal{OWN}",
        f"{OWN}\n<think>Or should it be {OTHER}?",  # its own came before
        '<think>x</think>{"reason": "own: it has </think> in it", "pass": false, "score": 0}',
    ],
)
def test_what_a_judge_wrote_after_its_thinking_counts(answer: str) -> None:
    assert read_verdict(answer).passed is False
    assert read_verdict(own_words(answer, ["A text."])).passed is False


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>{OTHER}", f"\n<reasoning>\n{OTHER} and so on", f"<think>a</think><think>{OTHER}",
        f"[THINK]{OTHER}", f"<|channel|>analysis<|message|>{OTHER}", "<think>",
    ],
)  # fmt: skip
def test_thinking_that_never_ends_holds_no_verdict(answer: str) -> None:
    assert after_thinking(answer).strip() == ""
    with pytest.raises(JudgeFailed):
        read_verdict(answer)


# --- work ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grow",
    [
        lambda n: '{"a":' * n,
        lambda n: '{"' * n,
        lambda n: "{" * n,
        lambda n: '{"a": [' + '{"b": 1},' * n,
        lambda n: '{"a": /*' * n,
        lambda n: '{"a": "\\"' * n,
        lambda n: '{"a": "' + "\\" * n,
        lambda n: '{"pass": true}' * n,
        lambda n: '{ "a"' + ' { "b" ' * n + "}" * n,
        lambda n: "<think>" * n + "</think>" * n,
        lambda n: "{" + " " * n,
    ],
)
def test_the_work_is_linear_in_the_answer(
    grow: Callable[[int], str], counted_tokens: Callable[[str], int]
) -> None:
    small, large = grow(500), grow(4_000)
    assert counted_tokens(large) <= 16 * counted_tokens(small) + 2_000  # eightfold, with room; not 64


@pytest.fixture
def counted_tokens(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """How many tokens the reader looks at for a text: a measure of work that no machine's speed changes."""
    from prompts_app.engine.assertions import lenient_json

    class Counting:
        def __init__(self) -> None:
            self.count, self.pattern = 0, lenient_json._TOKEN

        def finditer(self, text: str, start: int):  # type: ignore[no-untyped-def]
            for token in self.pattern.finditer(text, start):
                self.count += 1 + len(token[0]) // 10
                yield token

    def counted(text: str) -> int:
        counting = Counting()
        monkeypatch.setattr(lenient_json, "_TOKEN", counting)
        own_words(text, [text[: len(text) // 2]])
        return counting.count

    return counted


@given(st.text(alphabet='{}[]",:/\\*# \n<>think/apsetrue'))
def test_no_text_breaks_the_reader(text: str) -> None:
    for found in objects_written(text):
        assert text[found.start] == "{"
        assert text[found.end - 1] == "}"
    own_words(text, [text])


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
)
def test_valid_json_is_read_as_it_is(value: dict[str, object]) -> None:
    text = json.dumps(value)
    if not text.startswith('{"'):
        text = '{"a": 1}'
    assert [found.value for found in objects_written(f"x {text} y")] == [json.loads(text)]
