"""Cases out of a table, in the words promptfoo uses for them."""

import csv
import io
import re
from collections.abc import Collection
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.case_csv import CaseTable, cases_of, guess, read_table, variable_name
from prompts_app.engine.types import Assertion, CaseContent


def parse_cases(text: str, variables: Collection[str] = ()) -> CaseTable:
    """With what each column becomes left as it is guessed."""
    table = read_table(text)
    return cases_of(table, guess(table, variables))


VARIABLE_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


def expected(text: str) -> tuple[Assertion, ...]:
    out = io.StringIO()
    csv.writer(out).writerows([["word", "__expected"], ["x", text]])
    return parse_cases(out.getvalue()).cases[0].assertions


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("Yes.", Assertion("equals", "Yes.")),
        ("note: it is plain text", Assertion("equals", "note: it is plain text")),
        ("equals: Yes.", Assertion("equals", "Yes.")),
        ("contains:refund", Assertion("contains", "refund")),
        ("not-contains: refund", Assertion("not-contains", "refund")),
        ('contains-any: a, b,"c, d"', Assertion("contains-any", ["a", "b", "c, d"])),
        ("regex: ^a:b$", Assertion("regex", "^a:b$")),
        ("is-json", Assertion("is-json")),
        ('is-json: {"type": "object"}', Assertion("is-json", {"type": "object"})),
        ("levenshtein(3): yes", Assertion("levenshtein", "yes", threshold=3)),
        ("latency(2000)", Assertion("latency", threshold=2000)),
        ("cost: 0.01", Assertion("cost", threshold=0.01)),
        ("word-count: 10-50", Assertion("word-count", {"min": 10, "max": 50})),
        ("contains", Assertion("equals", "contains")),
        ("grade", Assertion("equals", "grade")),
    ],
)
def test_the_short_form_of_an_assertion(text: str, assertion: Assertion) -> None:
    assert expected(text) == (assertion,)


def test_several_columns_are_several_assertions() -> None:
    table = "word,__expected,__expected2\nx,contains:a,contains:b"
    assert [a.value for a in parse_cases(table).cases[0].assertions] == ["a", "b"]


def test_kinds_that_are_not_run_here_are_kept_and_told_with_their_line() -> None:
    table = "word,__expected,__metadata:x\na,moderation: polite,1\nb,javascript: output == 1,\nc,yes,"
    read = parse_cases(table)
    assert [case.assertions for case in read.cases] == [
        (Assertion("moderation", "polite"),),
        (Assertion("javascript", "output == 1"),),
        (Assertion("equals", "yes"),),
    ]
    assert read.not_run == ("moderation (line 2)", "javascript (line 3)")
    assert read.left_out == ("__metadata:x",)


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("grade: is polite", Assertion("llm-rubric", "is polite")),
        ("fn: output.length > 3", Assertion("javascript", "output.length > 3")),
        ("file://check.py", Assertion("python", "file://check.py")),
        ("classifier(0.9): polite", Assertion("classifier", "polite", threshold=0.9)),
        ("not-meteor: a text", Assertion("not-meteor", "a text")),
    ],
)
def test_the_short_forms_of_other_kinds(text: str, assertion: Assertion) -> None:
    assert expected(text) == (assertion,)


def test_the_name_column_is_a_variable_where_the_prompt_has_one() -> None:
    table = "name,word\nFirst,x"
    assert parse_cases(table).cases == (CaseContent("First", {"word": "x"}),)
    assert parse_cases(table, ["name"]).cases == (CaseContent("", {"name": "First", "word": "x"}),)


@pytest.mark.parametrize("table", ["a\tb\n1\t2", "a;b\n1;2", "a,b\n1,2", "\ufeffa,b\r\n1,2\r\n\r\n"])
def test_tabs_semicolons_and_empty_lines(table: str) -> None:
    assert parse_cases(table).cases == (CaseContent("", {"a": "1", "b": "2"}),)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    with suppress(FormatError):
        parse_cases(text)


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_values_come_through_a_table_unchanged(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["first", "second"], *rows])
    assert [tuple(case.variables.values()) for case in parse_cases(out.getvalue()).cases] == rows


class TestWhatAColumnBecomes:
    @pytest.mark.parametrize(
        ("column", "becomes"),
        [
            ("{{TICKET}}", "variable:TICKET"),
            ("{{ user-name }}", "variable:user_name"),
            ("Tone", "variable:tone"),  # the prompt's own spelling
            ("date order", "variable:date_order"),
            ("2nd line", "variable:_2nd_line"),
            ("Ideal output", "equals"),
            ("expected_answer", "equals"),
            ("Model response", ""),  # an output needs its model: the author says so
            ("Title", "name"),
            ("__expected3", "short"),
            ("__description", "name"),
            ("__metadata:x", ""),
        ],
    )
    def test_it_is_guessed_from_its_name(self, column: str, becomes: str) -> None:
        table = read_table(f'"{column}"\nx')
        assert guess(table, ["tone", "date_order"]) == [becomes]

    def test_a_variable_of_the_prompt_comes_first(self) -> None:
        assert guess(read_table("answer,name\na,b"), ["answer", "name"]) == [
            "variable:answer",
            "variable:name",
        ]

    def test_only_one_column_is_the_name(self) -> None:
        assert guess(read_table("title,name\na,b")) == ["name", ""]

    def test_a_consoles_evaluation_table(self) -> None:
        """As Anthropic's Console writes it."""
        text = '{{TICKET}},{{TONE}},Ideal output,Model response\n"Where is it?",calm,delivery,shipping'
        chosen = ["variable:TICKET", "variable:TONE", "contains", "output"]
        read = cases_of(read_table(text), chosen)
        values = {"TICKET": "Where is it?", "TONE": "calm"}
        assert read.cases == (CaseContent("", values, assertions=(Assertion("contains", "delivery"),)),)
        assert read.outputs == ("shipping",)

    def test_further_turns_stand_in_the_columns_order(self) -> None:
        read = cases_of(read_table("a,b,c\nx,y,\n"), ["variable:a", "turn", "turn"])
        assert read.cases == (CaseContent("", {"a": "x"}, turns=("y",)),)

    @pytest.mark.parametrize("twice", ["variable:a", "name", "output"])
    def test_two_columns_cannot_be_the_same(self, twice: str) -> None:
        with pytest.raises(FormatError, match="Two columns"):
            cases_of(read_table("a,b\nx,y"), [twice, twice])

    @given(st.text(max_size=30))
    def test_every_column_has_a_variable_name(self, column: str) -> None:
        assert VARIABLE_NAME.fullmatch(variable_name(column))
