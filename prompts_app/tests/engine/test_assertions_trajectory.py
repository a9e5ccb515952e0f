"""Which tools are called, in which order and with what. Verdicts are promptfoo's: see test_conformance."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import assertion_from_text, check, text_of, validate
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import Answer, Assertion, Check, Json

CITY = ToolCall("find_city", '{"q": "Oslo"}')
WEATHER = ToolCall("get_weather", '{"city": "Oslo", "days": 3}')
SCHEMA = {"type": "object", "required": ["city"], "properties": {"days": {"type": "integer"}}}


def held(type_: str, value: Json, *calls: ToolCall) -> Check:
    return check(Assertion(type_, value), Answer("It is cold.", calls=calls))


@pytest.mark.parametrize(
    "type_",
    [
        "trajectory:tool-used",
        "trajectory:tool-sequence",
        "trajectory:step-count",
        "trajectory:tool-args-match",
        "tool-args-schema",
    ],
)
def test_of_an_output_whose_calls_are_not_known_nothing_is_judged(type_: str) -> None:
    values: dict[str, Json] = {
        "trajectory:step-count": {"max": 1},
        "trajectory:tool-args-match": {"name": "a", "args": {}},
        "tool-args-schema": {"name": "a", "schema": {}},
    }
    for form in (type_, f"not-{type_}"):
        found = check(Assertion(form, values.get(type_, ["a"])), Answer("pasted"))
        assert found.passed is None
        assert found.unknown
        assert "not known which tools were called" in found.reason


def test_a_reason_names_what_was_called() -> None:
    assert held("trajectory:tool-used", ["get_weather", "now"], CITY, WEATHER).reason == (
        "Calls “find_city”, “get_weather”; not “now”."
    )
    assert "Calls no tool" in held("trajectory:tool-used", "now").reason
    shown = held("trajectory:tool-args-match", {"name": "*", "args": {}}, WEATHER).reason
    assert shown.endswith('“{"city": "Oslo", "days": 3}”.')
    counted = held("trajectory:step-count", {"max": 1}, CITY, WEATHER).reason
    assert counted.startswith("2 calls; wanted: at most 1.")


def test_none_of_them_is_what_must_not_asks_of_several() -> None:
    assert held("not-trajectory:tool-used", ["now", "later"], CITY).passed is True
    assert held("not-trajectory:tool-used", ["now", "find_city"], CITY).passed is False


@pytest.mark.parametrize(
    ("calls", "passed"),
    [
        ((WEATHER,), True),
        ((CITY, WEATHER), True),
        ((CITY,), False),
        ((), False),
        ((ToolCall("get_weather", '{"days": 3}'),), False),
        ((WEATHER, ToolCall("get_weather", '{"city": "Rome", "days": "3"}')), False),
        ((ToolCall("get_weather", "{city"),), False),
        ((ToolCall("get_weather", ""),), False),
        ((ToolCall("get_weather", {"city": "Rome"}),), True),
    ],
)
def test_each_call_has_to_conform_to_the_schema(calls: tuple[ToolCall, ...], passed: bool) -> None:
    value = {"name": "get_weather", "schema": SCHEMA}
    assert held("tool-args-schema", value, *calls).passed is passed
    assert held("not-tool-args-schema", value, *calls).passed is not passed


@pytest.mark.parametrize(
    "schema", [{"type": "strng"}, {"$ref": "https://example.com/x.json"}, "text", None, [{"type": "object"}]]
)
def test_a_schema_that_cannot_be_used_is_told_when_it_is_written(schema: Json) -> None:
    assert validate(Assertion("tool-args-schema", {"name": "a", "schema": schema}))


def test_a_schema_that_asks_for_too_much_is_not_judged() -> None:
    call = ToolCall("a", f'{{"rows": [{", ".join(["0"] * 20_000)}]}}')
    deep = {"properties": {"rows": {"items": {"anyOf": [{"const": number} for number in range(1, 900)]}}}}
    found = held("tool-args-schema", {"name": "a", "schema": deep}, call)
    assert found.passed is None
    assert found.unknown


def test_names_with_many_stars_take_linear_time() -> None:
    began = process_time()
    assert held("trajectory:tool-used", "*a" * 500 + "b", ToolCall("a" * 20_000, "{}")).passed is False
    assert process_time() - began < 2


@pytest.mark.parametrize(
    ("type_", "typed", "value"),
    [
        ("trajectory:tool-used", "find_city\n get_weather ", ["find_city", "get_weather"]),
        ("trajectory:tool-used", '{"name": "a", "max": 2}', {"name": "a", "max": 2}),
        ("trajectory:tool-sequence", '{"mode": "exact", "steps": ["a"]}', {"mode": "exact", "steps": ["a"]}),
        ("trajectory:step-count", '{"max": 3}', {"max": 3}),
    ],
)
def test_what_is_typed_is_read_and_shown_again(type_: str, typed: str, value: Json) -> None:
    read = assertion_from_text(type_, typed)
    assert read.value == value
    assert assertion_from_text(type_, text_of(read)).value == value


@pytest.mark.parametrize(
    "type_", ["trajectory:tool-used", "not-trajectory:tool-used", "trajectory:tool-sequence"]
)
def test_names_in_one_line_are_no_name_of_a_tool(type_: str) -> None:
    with pytest.raises(ValueError, match="Write one name a line, without commas"):
        assertion_from_text(type_, "find_city, get_weather")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON, JSON)
def test_whatever_is_called_and_wanted_is_judged_or_told(name: Json, arguments: Json, wanted: Json) -> None:
    call = ToolCall(name, arguments)
    for type_, value in (
        ("trajectory:tool-used", wanted),
        ("trajectory:tool-sequence", {"steps": wanted}),
        ("trajectory:step-count", {"max": 1, "pattern": wanted}),
        ("trajectory:tool-args-match", {"name": "*", "args": wanted, "mode": "exact"}),
        ("tool-args-schema", {"name": "*", "schema": wanted}),
    ):
        assert held(type_, value, call).reason
