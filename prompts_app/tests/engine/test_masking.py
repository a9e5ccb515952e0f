"""No private text survives masking, however it is written; what is masked stays as it is."""

import html
import json
import re
import sys
import time
from hashlib import sha256
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from prompts_app.engine.masking import LEAST, PLACEHOLDER, Mask, Span, weight
from prompts_app.engine.matching import CUT, PART, chains, fold, fold_read
from prompts_app.engine.reveals import restored

SALT = "0123456789abcdef" * 2
RULE = "Never promise a refund above 40 euros unless the shift leader has agreed to it in writing"
SPAN = Span("client rule", RULE, SALT)
MASK = Mask([SPAN])
TOKEN = f"[client rule, 17 words]#{sha256((SALT + RULE).encode()).hexdigest()[:8]}"

ALPHABET = 'abc ABC\\n"&;u00e9é…. \n\t{}[]#ßﬁ漢字'
WILD = st.text(max_size=60) | st.text(alphabet=ALPHABET, max_size=60)
SECRET = WILD.map(str.strip).filter(lambda text: weight(text) >= LEAST and not PLACEHOLDER.search(text))


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    texts = draw(st.lists(SECRET, min_size=1, max_size=4, unique=True))
    names = ["client rule", "price list", "name", "Regel 4"]
    return Mask(Span(names[n], text, f"{n:032x}") for n, text in enumerate(texts))


@st.composite
def with_secrets(draw: st.DrawFn) -> tuple[Mask, str]:
    """A mask, and a text in which its spans and pieces of them stand, next to and across each other."""
    mask = draw(masks())
    piece = st.sampled_from(mask.spans).flatmap(
        lambda span: st.integers(0, len(span.text)).map(lambda cut: draw(st.sampled_from(
            [span.text, span.text[:cut], span.text[cut:], span.text.upper(), span.placeholder]
        )))
    )  # fmt: skip
    return mask, "".join(draw(st.lists(piece | WILD, max_size=8)))


@settings(deadline=None, max_examples=300)
@given(with_secrets())
def test_no_private_text_survives(drawn: tuple[Mask, str]) -> None:
    mask, text = drawn
    left = mask.text(text)
    for piece in PLACEHOLDER.split(left)[:: PLACEHOLDER.groups + 1]:
        for span in mask.spans:
            assert span.text not in piece
            assert fold(span.text) not in fold(piece)
            assert fold_read(span.text) not in fold_read(piece)


@settings(deadline=None, max_examples=300)
@given(with_secrets())
def test_what_is_masked_stays_as_it_is(drawn: tuple[Mask, str]) -> None:
    mask, text = drawn
    once = mask.text(text)
    assert mask.text(once) == once


@settings(deadline=None)
@given(masks(), WILD)
def test_what_holds_nothing_private_is_not_touched(mask: Mask, text: str) -> None:
    assume(not mask.hidden_in(text))
    assert mask.text(text) == text


@settings(deadline=None)
@given(WILD)
def test_without_spans_nothing_is_masked(text: str) -> None:
    assert Mask().text(text) == text


@settings(deadline=None, max_examples=200)
@given(with_secrets())
def test_a_reveal_gives_the_very_text_back(drawn: tuple[Mask, str]) -> None:
    mask, text = drawn
    assume(not PLACEHOLDER.search(text))
    hidden = mask.hidden_in(text)
    texts = {}
    for one in hidden:
        form = text[one.start : one.end]
        texts[sha256((one.salt + form).encode("utf-8", "surrogatepass")).hexdigest()[:8]] = form
    assert restored(mask.text(text), texts) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WILD | st.just(RULE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WILD | st.just(RULE), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_json_is_masked_throughout_its_keys_too(value: Any) -> None:
    left = json.dumps(MASK.value(value), ensure_ascii=False)
    assert RULE not in left
    assert MASK.value(MASK.value(value)) == MASK.value(value)


# --- how it may be written ---


def test_the_label_the_words_and_the_beginning_of_the_salted_hash_stand_there() -> None:
    assert MASK.text(f"Rules: {RULE}. Be kind.") == f"Rules: {TOKEN}. Be kind."


@pytest.mark.parametrize(
    "written",
    [
        RULE.upper(),
        RULE.replace(" ", "\n> "),
        RULE.replace(" ", "\u00a0 "),
        RULE.replace("refund", "**refund**"),
        RULE.replace("refund", "re\u00adfund"),
        json.dumps(json.dumps(f"a\n{RULE}\n")),
        html.escape(RULE.replace(" ", " & ")),
        RULE.replace(" ", "%20"),
        RULE.replace(" ", r"\s+"),
        RULE.replace("a", "á"),
        RULE.replace(" ", ""),
    ],
)
def test_capitals_spaces_marks_and_escapes_make_no_difference(written: str) -> None:
    left = MASK.text(f"Before {written} after")
    assert left.startswith("Before ")
    assert left.endswith(" after")
    assert "refund" not in left.casefold()
    assert "leader" not in left.casefold()


def test_accents_written_in_json_are_found() -> None:
    mask = Mask([Span("name", "Société Générale", SALT)])
    assert "soci" not in mask.text(json.dumps({"a": "die SOCIÉTÉ GÉNÉRALE!"})).casefold()


def test_values_in_the_place_of_variables_are_masked_with_it() -> None:
    mask = Mask([Span("limit", "Refund at most {{ amount }} without asking {{who}}.", SALT)])
    assert "Refund" not in mask.text("Refund at most {{ amount }} without asking {{who}}.")
    sent = mask.text("Be kind. Refund at most 40 euros without asking Ms Brandt. Thanks")
    assert sent.startswith("Be kind. [limit, ")
    assert "40 euros" not in sent


def test_a_long_part_of_it_is_masked_alone() -> None:
    quoted = "It said: “a refund above 40 euros unless the shift leader has agreed” and went on."
    left = MASK.text(quoted)
    assert left.startswith("It said: “[client rule, 11 words]#")
    assert left.endswith(" and went on.")


def test_a_few_of_its_words_are_not() -> None:
    assert MASK.text("We promise a refund soon.") == "We promise a refund soon."


@pytest.mark.parametrize(
    "cut",
    [
        "The output does not contain “Never promise a ref…”.",
        "Never promise a re",
        "max_tokens: Never promise a refund abov",
        "…to it in writing",
        "... agreed to it in writing, says the model",
    ],
)
def test_its_beginning_or_end_where_the_text_was_cut_is_masked(cut: str) -> None:
    left = MASK.text(cut)
    assert "promise" not in left
    assert "writing" not in left


def test_overlapping_spans_become_one_label() -> None:
    second = Span("agreement", "shift leader has agreed to it in writing by e-mail", "f" * 32)
    mask = Mask([SPAN, second])
    left = mask.text(f"First. {RULE} by e-mail. Last.")
    assert left.startswith("First. [client rule, 19 words]#")
    assert left.endswith(". Last.")
    assert len(PLACEHOLDER.findall(left)) == 1
    assert mask.forms == {SPAN: set(), second: set()}  # a reveal of one would give away a part of the other


def test_two_spans_beside_each_other_stay_two() -> None:
    second = Span("price", "Our price is 12 euros an hour", "f" * 32)
    assert Mask([SPAN, second]).text(f"{RULE} {second.text}") == f"{TOKEN} {second.placeholder}"


def test_quotation_marks_that_belong_to_it_go_with_it() -> None:
    span = Span("motto", "“We never sleep.”", SALT)
    assert Mask([span]).text("He said “We never sleep.” twice") == f"He said {span.placeholder} twice"


def test_whether_a_text_shows_it() -> None:
    assert MASK.shows(
        f"<p>{RULE.replace('refund', '<ins>refund</ins>')}".replace("<ins>", "").replace("</ins>", "")
    )
    assert not MASK.shows(f"<p>{TOKEN}")


def test_a_long_text_takes_little_time() -> None:
    text = ("Some words of an ordinary answer, and never promise anything. " * 20_000) + RULE
    started = time.perf_counter()
    left = MASK.text(text)
    assert left.endswith(TOKEN)
    assert time.perf_counter() - started < 10


def test_a_short_part_is_what_it_says() -> None:
    whole = fold(RULE)
    assert MASK.text(whole[5 : 5 + PART]) != whole[5 : 5 + PART]
    assert MASK.text(whole[20 : 20 + PART - 1]) == whole[20 : 20 + PART - 1]


# --- as slow as it is simple: what masking means ----------------------------------------------------------


def slowly(span: Span, text: str) -> set[int]:
    """The letters of a text that are the span's, by looking at every stretch of it. The text has no escapes
    and no marks at its ends."""
    folded, found = fold(text), set[int]()
    form = fold(span.text)
    breaks = {len(folded)} | {len(fold(text[:at])) for at in range(len(text)) if text.startswith("…", at)}
    begins = {0} | {len(fold(text[: at + 1])) for at in range(len(text)) if text.startswith("…", at)}
    for first in range(len(folded)):
        for last in range(first + 1, len(folded) + 1):
            part = folded[first:last]
            is_cut = len(part) >= CUT and (
                (last in breaks and form.startswith(part)) or (first in begins and form.endswith(part))
            )
            if part == form or is_cut or (len(part) >= PART and part in form):
                found |= set(range(first, last))
    return found


def letters_hidden(mask: Mask, text: str) -> set[int]:
    return {
        at
        for one in mask.hidden_in(text)
        for at in range(len(fold(text[: one.start])), len(fold(text[: one.end])))
    }


FEW = st.sampled_from(["a", "ab", "abc", "abcdefghijklm"])


@st.composite
def alike(draw: st.DrawFn) -> tuple[Span, str]:
    """A span and a text of pieces of it, of so few letters that everything stands in everything."""
    letters = draw(FEW)
    word = st.text(letters, max_size=60)
    secret = draw(st.text(letters, min_size=LEAST, max_size=70))
    piece = st.builds(
        lambda cut, end: secret[min(cut, end) : max(cut, end)], st.integers(0, 70), st.integers(0, 70)
    )
    between = st.sampled_from(["", " ", "…", "-"])
    parts = draw(st.lists(st.tuples(word | piece | st.just(secret), between), max_size=5))
    return Span("rule", secret, SALT), "".join(part + sign for part, sign in parts)


@settings(deadline=None, max_examples=200)
@given(alike())
@example((Span("rule", "b" + "a" * 12, SALT), "a…-" + "a" * 12))
def test_exactly_the_letters_are_hidden_that_are_the_spans(drawn: tuple[Span, str]) -> None:
    span, text = drawn
    assert letters_hidden(Mask([span]), text) == slowly(span, text)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=2, max_size=4), st.text("abc", max_size=60))
def test_parts_between_variables_are_found_as_a_pattern_would_find_them(parts: list[str], text: str) -> None:
    for between in (0, 1, 3, 50):
        pattern = re.compile(f".{{0,{between}}}?".join(map(re.escape, parts)))
        assert list(chains(text, parts, between)) == [found.span() for found in pattern.finditer(text)]


def steps_for(spans: list[str], text: str) -> int:
    """How many lines of the two modules run to mask a text: seconds say more of the machine."""
    count = 0

    def step(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return step if "engine/ma" in frame.f_code.co_filename else None

    mask = Mask(Span(f"rule {at}", span, f"{at:032x}") for at, span in enumerate(spans))
    before = sys.gettrace()
    sys.settrace(step)
    try:
        mask.hidden_in(text)
    finally:
        sys.settrace(before)
    return count


HOSTILE = {
    "variables": (["wxyz" + "{{v}}wxyz" * 7], "wxyz"),
    "one letter": (["b" * 800], "bbbb"),
    "one letter and another": (["b" * 800 + "c"], "bbbb"),
    "one letter and ellipses": (["b" * 800], "bbb…"),
    "many variables": (["a" + "{{v}}a" * 300], "a"),
    "a far variable": (["abcd{{v}}efgh"], "abcd" + "x" * 60),
    "a period": (["abcdefghijklmnopqrs" * 40], "abcdefghijklmnopqrs"),
    "backslashes": (["secret things"], "\\\\\\\\"),
    "marks": (["secret things"], "s \" ' "),
    "marks at the ends": (["((((((((((((((((((((bbbbbbbb"], "(bbbb"),
    "spans": (["b" * (100 + at) + "c" for at in range(10)], "bbbb"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_work_grows_as_the_text_does(kind: str) -> None:
    spans, piece = HOSTILE[kind]
    few, many = (steps_for(spans, piece * (times // len(piece))) for times in (5_000, 20_000))
    assert many <= 4 * few + 5_000


@pytest.mark.parametrize("size", [200, 800, 3_200])
def test_the_work_grows_as_the_private_part_does(size: int) -> None:
    text = "b" * 10_000
    few = steps_for(["b" * 100 + "c"], text)
    assert steps_for(["b" * size + "c"], text) <= few + 30 * size


def test_where_looking_would_not_end_all_of_the_text_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [Span(f"rule {at}", "b" * (3_000 + at) + "c", f"{at:032x}") for at in range(50)]
    monkeypatch.setattr("prompts_app.engine.masking.MOST_STEPS", 1_000)
    text = "An open beginning. " + "b" * 20_000
    assert letters_hidden(Mask(spans), text) == set(range(len(fold(text))))
