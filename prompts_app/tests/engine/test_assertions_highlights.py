"""Where in an output stands what broke an assertion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import KINDS, check
from prompts_app.engine.assertions.highlights import highlights_of
from prompts_app.engine.types import Answer, Assertion

OUTPUT = "Dear Bea, I cannot help with that. It is PAID, paid and PAID."


@pytest.mark.parametrize(
    ("kind", "value", "hit"),
    [
        ("not-contains", "PAID", ["PAID", "PAID"]),
        ("not-icontains", "PAID", ["PAID", "paid", "PAID"]),
        ("not-contains-any", ["Bea", "Bob", "paid"], ["Bea", "paid"]),
        ("not-icontains-any", "bea, dear", ["Dear", "Bea"]),
        ("not-contains-all", ["Bea", "paid"], ["Bea", "paid"]),
        ("not-icontains-all", ["bea", "It is"], ["Bea", "It is"]),
        ("not-regex", r"P\w+", ["PAID", "PAID"]),
        ("not-starts-with", "Dear", ["Dear"]),
        ("starts-with", "Hello", ["Dear "]),
        ("equals", "Yes.", [OUTPUT]),
        ("not-equals", OUTPUT, [OUTPUT]),
        ("not-is-refusal", None, ["I cannot help"]),
        ("contains", "missing", []),
        ("regex", "missing", []),
        ("is-json", None, []),
        ("word-count", 3, []),
        ("latency", None, []),
        ("no-such-kind", "x", []),
    ],
)
def test_of_each_kind(kind: str, value: Any, hit: list[str]) -> None:
    assert [OUTPUT[start:end] for start, end in highlights_of(kind, value, OUTPUT)] == hit


def test_of_json_that_should_not_be_there_all_is_marked() -> None:
    assert highlights_of("not-is-json", None, "{}") == [(0, 2)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("not-regex", "("), ("not-regex", r"(P+)+$"), ("not-contains-any", '"open'), ("equals", None)],
)
def test_a_value_that_cannot_be_used_marks_nothing_wrong(kind: str, value: Any) -> None:
    for start, end in highlights_of(kind, value, "P" * 40 + "!"):
        assert 0 <= start < end <= 41


@given(
    st.sampled_from(sorted({*KINDS, *(f"not-{kind}" for kind in KINDS)})),
    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3),
    st.text(max_size=60),
)
def test_highlights_lie_in_the_output_in_order_and_apart(kind: str, value: Any, output: str) -> None:
    at = 0
    for start, end in highlights_of(kind, value, output):
        assert at <= start < end <= len(output)
        at = end


@given(st.text(alphabet="aAbß ", max_size=30), st.text(alphabet="aAbß", min_size=1, max_size=2))
def test_what_a_forbidden_text_breaks_is_marked_and_nothing_else_is(output: str, value: str) -> None:
    for kind in ("not-contains", "not-contains-any", "not-regex"):
        broken = not check(Assertion(kind, value), Answer(output)).passed
        assert broken == bool(highlights_of(kind, value, output))


@pytest.mark.parametrize("kind", ["not-contains", "not-icontains"])
def test_a_long_text_of_one_letter_is_found_without_beginning_anew_at_each(kind: str) -> None:
    text = "a" * 50_000 + "b"
    assert highlights_of(kind, text, "a" * 150_000 + text) == [(150_000, 200_001)]
