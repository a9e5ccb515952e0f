"""Cases out of a table, in the words promptfoo uses for them."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats.case_csv import CsvError, parse_cases
from prompts_app.engine.types import Assertion, Case


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
    assert read.left_out == ("__metadata:x (line 2)",)


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
    assert parse_cases(table).cases == (Case("First", {"word": "x"}),)
    assert parse_cases(table, ["name"]).cases == (Case("", {"name": "First", "word": "x"}),)


@pytest.mark.parametrize("table", ["a\tb\n1\t2", "a;b\n1;2", "a,b\n1,2", "\ufeffa,b\r\n1,2\r\n\r\n"])
def test_tabs_semicolons_and_empty_lines(table: str) -> None:
    assert parse_cases(table).cases == (Case("", {"a": "1", "b": "2"}),)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    with suppress(CsvError):
        parse_cases(text)


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_values_come_through_a_table_unchanged(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["first", "second"], *rows])
    assert [tuple(case.variables.values()) for case in parse_cases(out.getvalue()).cases] == rows
