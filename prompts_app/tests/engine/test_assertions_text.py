"""equals, contains and its kin, starts-with, regex: promptfoo's names, promptfoo's meaning."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import check, text, validate
from prompts_app.engine.assertions.values import split_commas
from prompts_app.engine.errors import UnreadableValue
from prompts_app.engine.types import Answer, Assertion, Json
from prompts_app.tests.engine.holding import hold

OUTPUT = "Your Refund of $20 is on its way.\nThank you!"


@pytest.mark.parametrize(
    ("type_", "value", "output", "passes"),
    [
        ("equals", "yes", "yes", True),
        ("equals", "yes", "Yes", False),
        ("equals", "yes", "yes ", False),  # nothing is trimmed
        ("equals", "", "", True),
        ("equals", 5, "5", True),
        ("equals", 5.0, "5", True),
        ("equals", True, "true", True),
        ("equals", {"a": [1, 2]}, '{"a": [1, 2.0]}', True),
        ("equals", {"a": 1, "b": 2}, '{"b": 2, "a": 1}', True),
        ("equals", {"a": 1}, '{"a": true}', False),
        ("equals", {"a": 1}, "not json", False),
        ("equals", [1, 2], "[2, 1]", False),
        ("equals", {"a": 1}, '{"a": NaN}', False),
        ("contains", "Refund", OUTPUT, True),
        ("contains", "refund", OUTPUT, False),
        ("contains", 20, OUTPUT, True),
        ("icontains", "REFUND", OUTPUT, True),
        ("icontains", "invoice", OUTPUT, False),
        ("contains-any", ["invoice", "Refund"], OUTPUT, True),
        ("contains-any", ["invoice", "receipt"], OUTPUT, False),
        ("contains-any", "invoice, Refund", OUTPUT, True),
        ("contains-any", '"way.\nThank", x', OUTPUT, True),
        ("contains-all", ["Refund", "$20"], OUTPUT, True),
        ("contains-all", ["Refund", "$30"], OUTPUT, False),
        ("contains-all", "Refund,$20", OUTPUT, True),
        ("icontains-any", ["INVOICE", "THANK"], OUTPUT, True),
        ("icontains-any", ["invoice"], OUTPUT, False),
        ("icontains-all", ["refund", "THANK YOU"], OUTPUT, True),
        ("icontains-all", ["refund", "sorry"], OUTPUT, False),
        ("starts-with", "Your", OUTPUT, True),
        ("starts-with", "your", OUTPUT, False),
        ("regex", r"\$\d+", OUTPUT, True),
        ("regex", r"^Thank", OUTPUT, False),  # without flags, ^ is the beginning of the output
        ("regex", r"!$", OUTPUT, True),
        ("regex", r"way\.$", OUTPUT, False),
        ("regex", r"(?<n>a)\k<n>", "aa", True),
    ],
)
def test_each_kind_and_its_opposite(type_: str, value: Json, output: str, passes: bool) -> None:
    plain, opposite = hold(type_, value, output), hold(f"not-{type_}", value, output)
    assert (plain.passed, plain.score) == (passes, float(passes))
    assert (opposite.passed, opposite.score) == (not passes, float(not passes))
    assert plain.reason
    assert opposite.reason == plain.reason  # a fact, true for both


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("equals", None),
        ("contains", None),
        ("contains", ""),
        ("contains", ["a"]),
        ("icontains", {"a": 1}),
        ("contains-any", None),
        ("contains-any", []),
        ("contains-any", ["a", ""]),
        ("contains-all", ""),
        ("contains-all", 'a, "b'),
        ("starts-with", ""),
        ("regex", ""),
        ("regex", None),
        ("regex", "(unclosed"),
        ("regex", "(" * 500 + ")" * 500),
        ("regex", 5),
        ("regex", "((a{1000}){1000}){1000}"),  # written out, more than there is memory
        ("regex", "a" * 10_001),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_judges_nothing(type_: str, value: Json) -> None:
    problem = validate(Assertion(type_, value))
    assert problem
    assert problem.endswith(".")
    for form in (type_, f"not-{type_}"):
        found = hold(form, value, "anything")
        assert (found.passed, found.unknown) == (None, False)
        assert found.reason.endswith(problem)


def test_reasons_say_what_was_found() -> None:
    assert hold("contains-all", ["a", "b", "c"], "b").reason == "Lacks “a”, “c”."
    assert hold("regex", r"\d+", "abc 42").reason == r"“42” matches “\d+”."
    assert hold("equals", "x", "y\nz").reason == "Is “y z”, not “x”."


def test_a_reason_stays_short_however_long_the_output() -> None:
    assert len(hold("equals", "x" * 1000, "y" * 1_000_000).reason) < 250


@pytest.mark.parametrize(
    ("value", "text"),
    [(5.0, "5"), (0.1, "0.1"), (1e-7, "1e-7"), (1e21, "1e+21"), (-0.0, "0"), (True, "true")],
)
def test_a_number_is_looked_for_as_javascript_writes_it(value: Json, text: str) -> None:
    assert hold("equals", value, text).passed


def test_a_dollar_is_the_very_end_as_in_javascript() -> None:
    assert not hold("regex", "end$", "end\n").passed
    assert hold("regex", r"[$]\$", "$$").passed
    assert hold("regex", r"[\]$]$", "]").passed


@pytest.mark.parametrize(
    ("pattern", "output", "matches"),
    [
        (r"12\s€", "12\u00a0€", True),  # a space that does not break
        (r"^[\s\d]+$", "1\u202f000", True),
        (r"\S", "\u2009", False),
        (r"^[\s\S]$", "x", True),
        (r"[\w\s-]", "-", True),
        ("a{e<=1}", "b", False),  # a brace that is no quantifier; to this library: “nearly an a”
        ("a{e<=1}", "a{e<=1}", True),
        ('{"a": 1}', '{"a": 1}', True),
        ("^x{,2}$", "x", False),
        ("^x{2,}$", "xxx", True),
        ("a[^]b", "a\nb", True),  # anything
        ("[]", "[]", False),  # nothing
        (r"^(?:[0-9a-f]{8}-){3}\){2}\d{1000}$", "0123abcd-" * 3 + "))" + "7" * 1000, True),
    ],
)
def test_spaces_braces_and_empty_classes_are_javascripts(pattern: str, output: str, matches: bool) -> None:
    assert hold("regex", pattern, output).passed is matches


def test_word_characters_are_ascii_as_in_javascript() -> None:
    assert not hold("regex", r"^\w$", "é").passed


def test_a_regular_expression_that_explodes_fails_both_forms_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "REGEX_TIMEOUT_S", 0.05)
    started = process_time()
    for form in ("regex", "not-regex"):
        found = hold(form, r"^(\w|\w\w)*$", "a" * 60 + "!")
        assert not found.passed
        assert "timed out" in found.reason
    assert process_time() - started < 2


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("a, b ,c", ["a", "b", "c"]),
        ("a,,b,", ["a", "b"]),
        ('"a, b", c', ["a, b", "c"]),
        ('"say ""hi""", x', ['say "hi"', "x"]),
        (r'"say \"hi\"", "back\\slash"', ['say "hi"', "back\\slash"]),
        ('""', [""]),
        ("", []),
        (" , ", []),
        ('it"s', ['it"s']),
    ],
)
def test_texts_are_split_at_commas_as_promptfoo_does(typed: str, texts: list[str]) -> None:
    assert split_commas(typed) == texts


def test_a_row_of_backslashes_is_read_in_no_time() -> None:
    started = process_time()
    with pytest.raises(UnreadableValue):
        split_commas('"' + "\\" * 1000)
    assert process_time() - started < 0.5


@pytest.mark.parametrize("typed", ['"open', 'a, "open', '"a" b'])
def test_a_broken_quotation_is_told(typed: str) -> None:
    with pytest.raises(UnreadableValue):
        split_commas(typed)


@given(st.text(max_size=50))
def test_any_text_either_splits_or_is_told(typed: str) -> None:
    with suppress(UnreadableValue):
        assert all(part == part.strip() for part in split_commas(typed) if '"' not in typed)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_quoted_texts_come_back_as_they_were(texts: list[str]) -> None:
    typed = ", ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)
    assert split_commas(typed) == texts


@given(st.text(min_size=1), st.text(), st.text())
def test_what_was_put_in_is_contained(needle: str, before: str, after: str) -> None:
    assert hold("contains", needle, before + needle + after).passed
    assert hold("contains-any", [needle], before + needle + after).passed
    assert hold("starts-with", needle, needle + after).passed


@pytest.mark.parametrize(
    "pattern",
    [
        "(?R)?y" * 100,
        "(?1)(a)",
        "(?<n>a(?&n)?)",
        "(?P<n>a(?P>n)?)",
        "(?|a|b)",
        "(?(1)a|b)",
        "(*FAIL)",
    ],
)
def test_a_pattern_that_calls_itself_or_is_no_javascript_is_refused(pattern: str) -> None:
    problem = str(validate(Assertion("regex", pattern)))
    assert "is no part of JavaScript’s regular expressions" in problem


@pytest.mark.parametrize(
    "pattern", ["[(?R)]", r"\(?R", r"(?<n>a)\k<n>", "(?i)a", "(?-i:a)", "(?P<n>a)(?P=n)", "(?<!a)b", "[^]"]
)
def test_what_only_looks_like_it_is_taken(pattern: str) -> None:
    assert validate(Assertion("regex", pattern)) is None


def test_very_long_outputs_and_very_many_texts_are_not_searched() -> None:
    told = [
        check(Assertion("regex", "a$"), Answer("a" * 500_001)),
        check(Assertion("contains-all", [f"x{at}" for at in range(5_000)]), Answer("a" * 100_000)),
        check(Assertion("icontains-any", [f"x{at}" for at in range(5_000)]), Answer("a" * 100_000)),
        check(Assertion("is-xml"), Answer("<a>" * 500)),
        check(Assertion("is-xml"), Answer("<a>" + "<b/>" * 100_001 + "</a>")),
        check(Assertion("is-html"), Answer("<p>" * 100_001)),
    ]
    assert {one.passed for one in told} == {None}
    assert all("too" in one.reason or "more than" in one.reason for one in told)


@pytest.mark.parametrize(
    ("pattern", "output", "matches"),
    [
        (r"^\p{Lu}\p{Ll}+$", "Élan", True),
        (r"^\p{Lu}\p{Ll}+$", "élan", False),
        (r"\p{Script=Greek}", "αβγ", True),
        (r"\p{sc=Cyrillic}", "αβγ", False),
        (r"^\P{L}+$", "123", True),
        (r"[\p{L}\d]{3}", "é5ß", True),
        (r"\p{Emoji_Presentation}", "ok 😀", True),
        (r"\p{General_Category=Decimal_Number}", "٣", True),
        (r"\u{1F600}", "😀", True),
        (r"^\w+$", "Élan", False),
        (r"^[\w]+$", "Élan", False),
        (r"^\d$", "٣", False),
        (r"\bcaf\b", "café", True),
        (r"^[\W]$", "é", True),
        (r"^[\D\S]$", "5", True),
        (r"a.b", "a\u2028b", False),
        (r"(?s)a.b", "a\nb", True),
        (r"\Ka", "Ka", True),
        (r"\Z", "x", False),
        (r"^[[:alpha:]]$", ":]", True),
    ],
)
def test_unicode_is_asked_for_and_everything_else_is_javascripts(
    pattern: str, output: str, matches: bool
) -> None:
    assert hold("regex", pattern, output).passed is matches


@pytest.mark.parametrize(
    ("value", "output", "says"),
    [
        ("Café", "Cafe\u0301", "the form of accents"),
        ("a\nb", "a\r\nb", "line ends."),
        ("a", "a\n", "line ends at its end"),
        ("a", " a ", "spaces at its ends"),
        ("a b", "a\u00a0b", "the kind or number of spaces"),
        ("ab", "a\u200bb", "invisible characters"),
        ("Ab", "aB", "capitals"),
        ("fi 1", "ﬁ 1", "the form of characters"),
        ("Café", " CAFE\u0301\r\n", "spaces, capitals or characters one cannot see"),
    ],
)
def test_equals_says_what_cannot_be_seen(value: str, output: str, says: str) -> None:
    found = hold("equals", value, output)
    assert found.passed is False
    assert f"They only differ in {says}" in found.reason
    assert "They only differ" not in hold("equals", value, "another").reason
