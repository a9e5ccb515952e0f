"""The CSV of prompts.chat."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import FormatError, Parsed, parse

SAMPLE = Path(__file__).parents[2] / "data" / "prompts-chat-sample.csv"
HEADER = "act,prompt,for_devs,type,contributor\n"


def read(rows: str, header: str = HEADER) -> Parsed:
    return parse("prompts.csv", (header + rows).encode())


def test_a_row_becomes_a_prompt_of_one_user_message() -> None:
    (prompt,) = read("Poet,Write a haiku.,FALSE,TEXT,somebody\n").prompts
    assert prompt.title == "Poet"
    (message,) = prompt.versions[0].prompt.messages
    assert (message.role, message.content) == ("user", "Write a haiku.")
    assert prompt.tags == ()
    assert prompt.task == ""


def test_type_and_for_devs_become_tags_and_an_image_prompt_has_its_task() -> None:
    prompts = read("A,a,TRUE,TEXT,\nB,b,FALSE,IMAGE,\nC,c,FALSE,STRUCTURED,\nD,d,TRUE,VIDEO,\n").prompts
    assert [p.tags for p in prompts] == [
        ("for-developers",),
        ("image",),
        ("structured",),
        ("video", "for-developers"),
    ]
    assert [p.task for p in prompts] == ["", "image", "", ""]


def test_contributors_never_leave_the_parser() -> None:
    parsed = read("A,a,FALSE,TEXT,jane@example.com\n,,FALSE,TEXT,joe@example.com\nB,b,jim@example.com\n")
    assert "example.com" not in repr(parsed)


def test_rows_are_skipped_with_the_reason_and_the_rest_is_kept() -> None:
    parsed = read('A,a,FALSE,TEXT,\nB,"  ",FALSE,TEXT,\nA,a,FALSE,TEXT,\nC,c\nA,other text,FALSE,TEXT,\n')
    assert [p.title for p in parsed.prompts] == ["A", "A"]
    assert [(s.what, s.why) for s in parsed.skipped] == [
        ("row 3 (line 3)", "The prompt is empty."),
        ("row 4 (line 4)", "It has the same title and text as row 2."),
        ("row 5 (line 5)", "It has 2 columns and the first row has 5."),
    ]


def test_a_row_without_a_title_is_named_after_its_first_words() -> None:
    assert read(",Write a haiku.\n", "act,prompt\n").prompts[0].title == "Write a haiku."


def test_the_place_names_row_and_line_where_texts_span_lines() -> None:
    parsed = read('A,"one\ntwo\nthree"\n\nB,b\n', "act,prompt\n")
    assert [p.where for p in parsed.prompts] == ["row 2 (line 2)", "row 3 (line 6)"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_other_delimiters_are_understood(delimiter: str) -> None:
    rows = f"act{delimiter}prompt\nA{delimiter}a, b\n"
    assert parse("p.csv", rows.encode()).prompts[0].versions[0].prompt.messages[0].content == "a, b"


def test_it_is_recognised_without_its_extension() -> None:
    assert parse("", b'"act","prompt"\n"A","a"\n').format == "prompts-chat"


def test_a_field_longer_than_the_csv_modules_own_limit_is_read_whole() -> None:
    text = "word " * 60_000
    assert read(f'Long,"{text}",FALSE,TEXT,\n').prompts[0].versions[0].prompt.messages[0].content == text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            'A,a\nB,"never closed\nC,c\n',
            "Row 3, which starts on line 3, opens a quotation mark that is never closed",
        ),
        ('A,"a" b\n', "Row 2, which starts on line 2, has text after a closing quotation mark"),
    ],
)
def test_broken_quoting_is_told_with_the_row(rows: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(rows, "act,prompt\n")


def test_a_csv_without_the_columns_says_which_are_needed() -> None:
    with pytest.raises(FormatError, match=r"“act” .* and “prompt”"):
        parse("p.csv", b"name,text\nA,a\n")


def test_a_csv_of_nothing_but_its_header_has_no_prompts() -> None:
    assert read("").prompts == ()


def test_real_rows_are_read_in_full() -> None:
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parsed = parse(SAMPLE.name, SAMPLE.read_bytes())
    assert parsed.skipped == ()
    assert [p.versions[0].prompt.messages[0].content for p in parsed.prompts] == [
        row["prompt"] for row in rows
    ]
    assert [p.title for p in parsed.prompts] == [row["act"].strip() for row in rows]


plain = st.text(alphabet=st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(plain, plain), max_size=6))
def test_whatever_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("act", "prompt"), *rows])
    parsed = parse("p.csv", file.getvalue().encode())
    texts = [prompt.versions[0].prompt.messages[0].content for prompt in parsed.prompts]
    assert set(texts) == {text for _, text in rows if text.strip()}
    assert len(parsed.prompts) + len(parsed.skipped) == len(rows)
