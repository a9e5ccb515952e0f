"""levenshtein, rouge-n, bleu, gleu and meteor."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.assertions.similarity import bleu, edits_between, gleu, meteor, rouge_n, rouge_recall
from prompts_app.engine.types import Answer, Assertion, Json
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


def test_rouge_is_the_mean_of_precision_and_recall() -> None:
    assert rouge_n("the cat sat", "the cat sat") == 1.0
    assert rouge_n("the cat", "the cat sat down") == pytest.approx(2 / 3)
    assert rouge_n("the the the", "the cat") == pytest.approx(0.4)  # each counts as often as it is there
    assert rouge_n("The cat", "the cat") == 1.0
    assert rouge_n("a b c", "a b d", size=2) == 0.5
    assert rouge_n("", "a") == rouge_n("a", "") == 0.0


def test_rouge_by_recall_alone_is_an_option() -> None:
    """As this site once reckoned it: longer outputs were not punished, and capitals counted."""
    assert rouge_recall("the cat sat on the mat", "the cat") == 1.0
    assert rouge_recall("The cat", "the cat") == 0.5
    by_recall = Assertion("rouge-n", "the cat", options={"config": {"measure": "recall"}})
    assert check(by_recall, Answer("the cat sat on the mat and slept")).passed
    assert not hold("rouge-n", "the cat", "the cat sat on the mat and slept").passed
    assert "f1" in str(validate(Assertion("rouge-n", "a", options={"config": {"measure": "x"}})))


@pytest.mark.parametrize("kind", ["bleu", "gleu", "rouge-n"])
@pytest.mark.parametrize("text", ["Neutral", "a b", "yes no maybe", "明日は雨です", "สวัสดี"])
def test_the_same_text_is_1_however_short_it_is(kind: str, text: str) -> None:
    assert hold(kind, text, text, 1.0).passed
    assert hold(kind, text, f" {text.upper()}\n", 1.0).passed


@pytest.mark.parametrize("kind", ["bleu", "gleu", "rouge-n", "meteor"])
def test_words_that_no_space_divides_are_not_told_apart(kind: str) -> None:
    for value, output in (("明日は雨です", "明日は晴れです"), ("rain", "明日は雨です"), ("ฝนตก", "rain")):
        for form in (kind, f"not-{kind}"):
            found = hold(form, value, output)
            assert (found.passed, found.unknown) == (None, True)
            assert "without spaces" in found.reason


def test_gleu_is_the_lesser_of_precision_and_recall() -> None:
    assert gleu("the cat sat", ["the cat sat on the mat"]) == pytest.approx(6 / 18)
    assert gleu("the cat sat.", ["The cat sat"]) == 1.0
    assert gleu("...", ["..."]) == gleu("", ["a"]) == gleu("a", []) == 0.0


def test_meteor_takes_stems_for_words_and_minds_their_order() -> None:
    usual = (0.9, 3.0, 0.5)
    assert meteor("the cats sat", ["the cat sat"], *usual) == meteor("the cat sat", ["the cat sat"], *usual)
    assert meteor("sat cat the", ["the cat sat"], *usual) < meteor("the cat sat", ["the cat sat"], *usual)
    assert meteor("dogs run", ["the cat sat"], *usual) == 0.0
    assert "“alpha”" in str(validate(Assertion("meteor", "a", options={"alpha": 2})))
    gentle = Assertion("meteor", "the cat sat", 0.99, options={"gamma": 0})
    assert check(gentle, Answer("sat cat the")).passed


@pytest.mark.parametrize("measure", [bleu, gleu])
def test_long_texts_take_no_more_than_their_length(measure: object) -> None:
    words = " ".join(f"w{n % 977}" for n in range(100_000))
    started = process_time()
    assert measure(words, [words]) == pytest.approx(1.0)  # type: ignore[operator]  # one of two functions
    assert meteor(words, [words], 0.9, 3.0, 0.5) > 0.99
    assert process_time() - started < 15


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
    assert [plain.score, opposite.score] == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("type_", "value", "threshold"),
    [("levenshtein", None, None), ("levenshtein", "a", -1), ("rouge-n", "a", 1.5), ("bleu", [], None),
     ("bleu", ["a", ""], None), ("rouge-n", ["a"], None), ("bleu", "a", -0.1)],
)  # fmt: skip
def test_a_reference_or_threshold_that_makes_no_sense_is_told(
    type_: str, value: Json, threshold: float | None
) -> None:
    assert validate(Assertion(type_, value, threshold))


@pytest.mark.parametrize("kind", ["bleu", "gleu", "meteor"])
def test_fifty_references_of_two_thousand_words_are_judged_and_a_thousand_are_not(kind: str) -> None:
    words = " ".join(f"w{at % 700}" for at in range(2_000))
    assert check(Assertion(kind, [words] * 50), Answer(words)).passed is True
    many = check(Assertion(kind, ["a few words of it"] * 1_000), Answer(words))
    assert (many.passed, "too many, or too long" in many.reason) == (None, True)
