"""The registry: what the picker, the docs and the importers read."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import KINDS, assertion_from_text, check, split_type, text_of, validate
from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.types import Answer, Assertion, Json
from prompts_app.tests.engine.judges import graded, says, vectors

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_the_picker_begins_with_the_kinds_people_use_most() -> None:
    assert list(KINDS)[:15] == [
        "equals", "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all",
        "starts-with", "regex", "is-json", "contains-json", "word-count", "latency", "cost", "finish-reason",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_kind_explains_itself_and_its_example_works(kind: AssertionKind) -> None:
    assert kind.sentence[0].isupper()
    assert kind.sentence.endswith(".")
    assert "\n" not in kind.sentence
    assert validate(kind.as_example) is None
    assert (kind.placeholder != "") == (kind.value != "none")


# What a judge says of the example's two outputs: one that it passes, one that it fails.
VERDICTS = [says({"pass": True, "reason": "Does."})], [says({"pass": False, "reason": "Does not."})]
STEPS = says({"steps": ["Look."]})
QUESTIONS = says({"questions": ["What?", "Which?", "Where?"]})
NEAR_AND_FAR = ([vectors([1, 0], [1, 0])], [vectors([1, 0], [0, 1])])
HOURS = {"country": "France", "context": "We open at nine and close at six."}
JUDGES = {
    "llm-rubric": VERDICTS,
    "model-graded-closedqa": VERDICTS,
    "factuality": ([says({"category": "C", "reason": "Same."})], [says({"category": "D", "reason": "Not."})]),
    "g-eval": (
        [STEPS, says({"score": 9, "reason": "Is."})] * 2, [STEPS, says({"score": 1, "reason": "Not."})] * 2
    ),
    "answer-relevance": (
        [QUESTIONS, vectors([1, 0], [1, 0], [1, 0], [1, 0])],
        [QUESTIONS, vectors([1, 0], [0, 1], [0, 1], [0, 1])],
    ),
    "similar": NEAR_AND_FAR,
    "similar:dot": NEAR_AND_FAR,
    "similar:euclidean": NEAR_AND_FAR,
    "context-faithfulness": tuple(
        [says({"statements": ["One."]}), says({"verdicts": [one], "reason": "So."})] for one in (True, False)
    ),
    "context-recall": tuple([says({"verdicts": [one], "reason": "So."})] for one in (True, False)),
    "context-relevance": tuple([says({"needed": one, "reason": "So."})] for one in ([1], [])),
    "conversation-relevance": tuple([says({"relevant": one, "reason": "So."})] for one in (True, False)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_its_example_passes_one_output_and_fails_another(kind: AssertionKind) -> None:
    assert kind.passes is not None
    assert kind.fails is not None
    if kind.grade is not None:
        for answer, script in zip((kind.passes, kind.fails), JUDGES[kind.name], strict=True):
            outcome, _ = graded(kind.as_example, *script, output=answer.output, variables=HOURS)
            assert outcome.checks[0].passed is (answer is kind.passes)
    else:
        found = [check(kind.as_example, answer) for answer in (kind.passes, kind.fails)]
        looks_later = kind.name in {"select-best", "max-score", "human"}  # all outputs together; a person
        assert [one.passed for one in found] == ([None, None] if looks_later else [True, False])


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if not kind.needs_judge and kind.has_opposite]
)
def test_its_opposite_fails_the_one_and_passes_the_other(kind: AssertionKind) -> None:
    opposite = replace(kind.as_example, type=f"not-{kind.name}")
    assert kind.passes is not None
    assert kind.fails is not None
    assert [check(opposite, answer).passed for answer in (kind.passes, kind.fails)] == [False, True]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_what_the_placeholder_shows_can_be_typed(kind: AssertionKind) -> None:
    typed = assertion_from_text(kind.name, kind.placeholder)
    assert validate(typed) is None
    assert assertion_from_text(typed.type, text_of(typed)) == typed
    if kind.has_opposite:
        assert assertion_from_text(f"not-{kind.name}", kind.placeholder).type == f"not-{kind.name}"
    else:
        with pytest.raises(ValueError, match="no opposite"):
            assertion_from_text(f"not-{kind.name}", kind.placeholder)


def test_the_opposite_is_a_prefix() -> None:
    assert split_type("not-contains") == (True, "contains")
    assert split_type("contains") == (False, "contains")
    assert split_type("nothing") == (False, "nothing")


def test_an_unknown_kind_is_told_and_neither_passes_nor_fails() -> None:
    for type_ in ("javascript", "not-javascript", "", "not-not-contains"):
        assert "not a kind" in str(validate(Assertion(type_, "x")))
        outcome = check(Assertion(type_, "x"), Answer("x"))
        assert (outcome.passed, outcome.score) == (None, None)
        assert outcome.reason.startswith("Not run here")


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_is_a_number_from_0_up(weight: float) -> None:
    assert validate(Assertion("contains", "x", weight=weight)) == "The weight is a number from 0 up."


@pytest.mark.parametrize(
    ("type_", "typed", "assertion"),
    [
        ("contains", "two\nlines ", Assertion("contains", "two\nlines ")),
        ("contains-any", "a, b\n\n c ", Assertion("contains-any", ["a, b", "c"])),
        ("latency", "2,000", Assertion("latency", threshold=2000)),
        ("cost", "$0.01", Assertion("cost", threshold=0.01)),
        ("word-count", "50", Assertion("word-count", 50)),
        ("word-count", "10 – 50", Assertion("word-count", {"min": 10, "max": 50})),
        ("word-count", "At least 10", Assertion("word-count", {"min": 10})),
        ("word-count", "at most 1,000", Assertion("word-count", {"max": 1000})),
        ("is-json", "", Assertion("is-json")),
        ("is-json", '{"type": "object"}', Assertion("is-json", {"type": "object"})),
        ("finish-reason", " stop ", Assertion("finish-reason", "stop")),
        ("is-refusal", "ignored", Assertion("is-refusal")),
    ],
)
def test_forms_are_read_as_people_type(type_: str, typed: str, assertion: Assertion) -> None:
    assert assertion_from_text(type_, typed) == assertion


def test_a_threshold_can_be_typed_beside_the_reference() -> None:
    assert assertion_from_text("rouge-n", "text", "0.5") == Assertion("rouge-n", "text", 0.5)


@pytest.mark.parametrize(
    ("type_", "typed"),
    [("latency", "fast"), ("word-count", "some"), ("word-count", "²"), ("regex", "("), ("contains", ""),
     ("is-json", "{nope"), ("nonsense", "x"), ("cost", "1e999")],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_sentence(type_: str, typed: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        assertion_from_text(type_, typed)


@given(
    st.sampled_from([*KINDS, *(f"not-{name}" for name in KINDS)]), JSON, st.none() | st.floats(), st.text()
)
def test_no_value_an_author_can_write_breaks_a_check(
    type_: str, value: Json, threshold: float | None, output: str
) -> None:
    found = check(Assertion(type_, value, threshold), Answer(output, "stop", 100.0, None, 5))
    assert found.score is None or 0.0 <= found.score <= 1.0
    assert (found.score is None) == (found.passed is None)
    assert found.reason
    text_of(Assertion(type_, value, threshold))


@given(st.sampled_from(list(KINDS)), st.text(), st.text(max_size=5))
def test_no_typed_text_breaks_the_form(type_: str, typed: str, threshold: str) -> None:
    with suppress(ValueError):
        assert validate(assertion_from_text(type_, typed, threshold)) is None
