"""levenshtein, rouge-n and bleu."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import validate
from prompts_app.engine.assertions.similarity import bleu, edits_between, rouge_n
from prompts_app.engine.types import Assertion, Json
from prompts_app.tests.engine.holding import hold

WORDS = st.text(alphabet="abc", max_size=12)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("flaw", "lawn", 2), ("ab", "ba", 2)],
)
def test_edits_are_counted_as_levenshtein_did(a: str, b: str, edits: int) -> None:
    assert edits_between(a, b, 10) == edits
    assert edits_between(a, b, edits) == edits
    assert edits_between(a, b, edits - 1) is None


def _plain_levenshtein(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = _next_row(row, i, x, b)
    return row[-1]


def _next_row(last: list[int], i: int, x: str, b: str) -> list[int]:
    row = [i]
    for j, y in enumerate(b, 1):
        row.append(min(last[j - 1] + (x != y), last[j] + 1, row[-1] + 1))
    return row


@given(WORDS, WORDS, st.integers(0, 12))
def test_the_band_finds_what_the_whole_table_finds(a: str, b: str, most: int) -> None:
    edits = _plain_levenshtein(a, b)
    assert edits_between(a, b, most) == (edits if edits <= most else None)


def test_five_edits_are_the_usual_limit() -> None:
    assert hold("levenshtein", "hello", "hello12345").passed
    assert not hold("levenshtein", "hello", "hello123456").passed
    assert hold("levenshtein", "hello", "hallo", 0).passed is False
    assert hold("not-levenshtein", "hello", "hello123456").passed


def test_a_long_output_that_cannot_be_near_is_far_not_unknown() -> None:
    assert not hold("levenshtein", "abc", "x" * 1_000_000).passed
    assert hold("not-levenshtein", "abc", "x" * 1_000_000).passed


def test_two_long_texts_take_as_long_as_the_band_is_wide() -> None:
    started = process_time()
    assert hold("levenshtein", "a" + "x" * 60_000 + "b", "c" + "x" * 60_000 + "d").score == 1
    assert process_time() - started < 3


def test_huge_texts_are_not_compared_letter_by_letter() -> None:
    started = process_time()
    found = hold("levenshtein", "a" * 1_000_000, "b" * 1_000_000)
    assert not found.passed
    assert "too long" in found.reason
    assert process_time() - started < 1


def test_rouge_counts_the_references_words_found() -> None:
    assert rouge_n("the cat sat", "the cat sat") == 1.0
    assert rouge_n("the cat", "the cat sat down") == 0.5
    assert rouge_n("the the the", "the cat") == 0.5  # each word counts as often as it is there
    assert rouge_n("The cat", "the cat") == 0.5  # case counts
    assert rouge_n("a b c", "a b d", size=2) == 0.5
    assert rouge_n("", "a") == 0.0
    assert rouge_n("a", "") == 0.0


def test_bleu_is_one_for_the_same_words_and_falls_from_there() -> None:
    reference = "the quick brown fox jumps over the lazy dog"
    assert bleu(reference, [reference]) == pytest.approx(1.0)
    assert bleu(reference.upper(), [reference]) == pytest.approx(1.0)
    assert 0.5 < bleu("the quick brown fox jumps over the dog", [reference]) < 1.0
    assert bleu("entirely different words here now", [reference]) < 0.01
    assert bleu("", [reference]) == 0.0


def test_bleu_penalises_brevity() -> None:
    reference = "the quick brown fox jumps over the lazy dog"
    assert bleu("the quick brown fox", [reference]) == pytest.approx(2.718281828 ** (1 - 9 / 4), rel=1e-6)


def test_the_best_reference_counts() -> None:
    assert hold("bleu", ["no such words at all", "the very same text here"], "the very same text here").passed
    assert hold("bleu", "one, with a comma", "one, with a comma").passed


@given(st.text(max_size=60), st.text(min_size=1, max_size=60))
def test_scores_stay_within_0_and_1(output: str, reference: str) -> None:
    assert 0.0 <= rouge_n(output, reference) <= 1.0
    assert 0.0 <= bleu(output, [reference]) <= 1.0 + 1e-9


def test_the_opposite_has_the_opposite_score() -> None:
    plain, opposite = hold("rouge-n", "a b c d", "a b"), hold("not-rouge-n", "a b c d", "a b")
    assert (plain.passed, opposite.passed) == (False, True)
    assert [plain.score, opposite.score] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("type_", "value", "threshold"),
    [("levenshtein", None, None), ("levenshtein", "a", -1), ("rouge-n", "a", 1.5), ("bleu", [], None),
     ("bleu", ["a", ""], None), ("rouge-n", ["a"], None), ("bleu", "a", -0.1)],
)  # fmt: skip
def test_a_reference_or_threshold_that_makes_no_sense_is_told(
    type_: str, value: Json, threshold: float | None
) -> None:
    assert validate(Assertion(type_, value, threshold))
