"""Input is counted before anything is made of it, and counting takes one look at each part of it."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine import budget
from prompts_app.engine.budget import DEEPEST, check_json, check_yaml, load_json, table_rows
from prompts_app.engine.errors import TooMuch
from prompts_app.engine.formats import FormatError, parse
from prompts_app.engine.formats.source import read_json
from prompts_app.engine.formats.yaml_ import read_yaml

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def values_in(value: Any) -> int:
    """Commas and brackets outside of texts: what the count goes by."""
    if isinstance(value, dict | list):
        parts = list(value.values()) if isinstance(value, dict) else value
        return 1 + max(0, len(parts) - 1) + sum(map(values_in, parts))
    return 0


def levels_in(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(levels_in, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@given(JSON)
def test_values_and_levels_of_json_are_counted_as_they_are(value: Any) -> None:
    text = json.dumps(value)
    check_json(text, max(values_in(value), 1))
    if (count := values_in(value)) > 1:
        # Small texts are let through at once where even what stands within texts would be few enough.
        with pytest.raises(TooMuch):
            check_json(text, count - 1)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_json_that_is_too_deep_is_refused_before_it_is_read(opening: str) -> None:
    for times in (DEEPEST + 1, 1_000_000):
        with pytest.raises(FormatError, match="nested too deeply"):
            read_json(opening * times)


def test_what_stands_within_texts_is_no_nesting() -> None:
    text = json.dumps(["[" * 5_000, "," * 600_000, '\\"[' * 300])
    assert json.dumps(read_json(text)) == text


@pytest.mark.parametrize("text", ['["' + '\\"[' * 50_000, '"' + "\\" * 50_001, '["a' + "\\", "[" * 99 + '"'])
def test_a_text_that_does_not_end_is_told_as_it_always_was(text: str) -> None:
    with pytest.raises(FormatError, match="not valid JSON"):
        read_json(text if text.startswith("[") else f"[{text}")


@pytest.mark.parametrize("number", ["9" * 101, "1e999999", "-1e400", "9" * 5_000_000])
def test_numbers_nobody_can_keep(number: str) -> None:
    with pytest.raises(FormatError, match="too large to keep"):
        read_json(f"[{number}]")


@pytest.mark.parametrize("number", ["9" * 101, "0x" + "f" * 2_000_000, "9" * 2_000_000])
def test_numbers_nobody_can_keep_in_yaml(number: str) -> None:
    with pytest.raises(FormatError, match=r"too large to keep|does not fit"):
        read_yaml(f"a: {number}")


WIDE = {
    "list": "- 1\n",
    "flow": "1,",
    "empty objects": "- {{}}\n",
    "documents": "--- a\n",
    "anchors": "- &a x\n",
    "names": "{at}: v\n",
}


@pytest.mark.parametrize("kind", WIDE)
def test_wide_yaml_is_refused_before_it_is_composed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[str] = []
    monkeypatch.setattr(yaml, "load", lambda text, Loader: composed.append(text))  # noqa: N803 its name there
    text = "".join(WIDE[kind].format(at=f"k{at}") for at in range(60_000))
    with pytest.raises(FormatError, match="too many values"):
        read_yaml(f"[{text}]" if kind == "flow" else text)
    assert not composed


@pytest.mark.parametrize("text", ["[" * 16_000, "{" * 16_000, "? " * 16_000, "- " * 16_000, "[{a: " * 8_000])
def test_nested_yaml_is_refused_before_it_is_composed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "load", lambda text, Loader: pytest.fail("composed"))  # noqa: N803
    with pytest.raises(FormatError, match="nested too deeply"):
        read_yaml(text)


def test_levels_of_aliases_count_where_they_stand() -> None:
    steps = "".join(f"a{at}: &a{at} [*a{at - 1}]\n" for at in range(1, DEEPEST + 5))
    with pytest.raises(FormatError, match="nested too deeply"):
        read_yaml(f"a0: &a0 [x]\n{steps}")
    few = "".join(f"a{at}: &a{at} [*a{at - 1}]\n" for at in range(1, 20))
    assert read_yaml(f"a0: &a0 [x]\n{few}")


def test_what_names_itself_is_refused() -> None:
    with pytest.raises(FormatError, match="nested too deeply"):
        read_yaml("a: &a [*a]")


@pytest.mark.parametrize("text", ["a: 1\nb: [2, {c: d}]", "&a x: &b {k: *a}\ny: [*b, *b]", "a: &a 1\na2: *a"])
def test_what_people_write_is_within_the_budget(text: str) -> None:
    check_yaml(text, 13)


def test_a_tag_for_every_line_is_refused() -> None:
    with pytest.raises(FormatError, match="too many tags"):
        read_yaml("".join(f"%TAG !a{at}! x\n" for at in range(100_000)) + "--- a")
    assert read_yaml("%TAG ! tag:example.com,2000:\n--- \ntext: '%TAG'\n") == {"text": "%TAG"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (",".join(map(str, range(501))) + "\n1", "too many columns"),
        ("a,b\n" + ",\n" * 300_000, "too many cells"),
        ("a\n" + "x" * 1_000_001, "field larger than field limit"),
    ],
)
def test_tables_are_counted_as_they_are_read(text: str, why: str) -> None:
    with pytest.raises(Exception, match=why):
        list(table_rows(text))


@pytest.mark.parametrize("columns", [2_000, 20_000])
@pytest.mark.parametrize("name", ["cases.csv", "promptfooconfig.yaml"])
def test_a_table_of_very_many_columns_is_refused_at_once(columns: int, name: str) -> None:
    with pytest.raises(FormatError):
        parse(name, ("act,prompt," + ",".join(f"c{at}" for at in range(columns)) + "\na,b\n").encode())


@given(st.integers(1, 400))
def test_counting_json_takes_as_many_steps_as_there_are_signs(times: int) -> None:
    """The work is held linear: every letter of the text is passed over once at most."""
    for piece in ('["a\\"b",', "[1,{", '{"a":"[]",', '"\\', '\\"'):
        text = piece * times
        assert sum(len(token[0]) for token in budget._NO_SIGN.finditer(text)) <= len(text)


def test_json_is_read_within_its_budget() -> None:
    assert load_json('{"a": [1, 2.5, null]}', 4) == {"a": [1, 2.5, None]}
    with pytest.raises(TooMuch, match="too many values: 4 is the most"):
        load_json("[1,1,1,1,1,1]", 4)
