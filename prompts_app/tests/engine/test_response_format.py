"""Every answer is held to the JSON Schema that was asked for, without an assertion for it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from prompts_app.engine.assertions.stored import check_json, verdict_of_stored
from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.engine.checking import judge
from prompts_app.engine.picture_types import Picture
from prompts_app.engine.prices import UNKNOWN
from prompts_app.engine.response_format import AskedSchema, in_written_order, schema_asked_for
from prompts_app.engine.responses_body import translated
from prompts_app.engine.schema_check import check_of_schema
from prompts_app.engine.types import Answer, Assertion, CaseContent, Check, Json, Reply

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
    "additionalProperties": False,
}
ASKED = {"type": "json_schema", "json_schema": {"name": "invoice", "strict": True, "schema": SCHEMA}}
FITS, BREAKS = '{"total": 12.5}', '{"total": "12.50 EUR"}'
CALL = json.dumps([{"id": "1", "type": "function", "function": {"name": "sum", "arguments": "{}"}}])


def held(output: str, response_format: Json = ASKED, **known: Any) -> Check:
    found = check_of_schema({"response_format": response_format}, Answer(output, **known))
    assert found is not None
    return found


def verdict(
    output: str, *assertions: Assertion, threshold: float | None = None, **changes: Any
) -> bool | None:
    """Of a case, with what is stored of its checks coming to the same."""
    came = replace(Reply(output, "stop", "m", "r", None, 1, 1, 1.0), **changes)
    case = CaseContent("one", assertions=assertions, threshold=threshold)
    checks, passed = judge(case, came, UNKNOWN, {}, {"response_format": ASKED})
    assert [check.type for check in checks] == [*(one.type for one in assertions), ASKED_SCHEMA]
    assert verdict_of_stored(map(check_json, checks), threshold) is passed
    return passed


@pytest.mark.parametrize(
    ("response_format", "asked"),
    [
        (ASKED, AskedSchema(SCHEMA, "invoice", "", strict=True)),
        ({"type": "json_schema", "name": "x", "schema": SCHEMA}, AskedSchema(SCHEMA, "x")),  # Responses
        ({"type": "json_object", "schema": SCHEMA}, AskedSchema(SCHEMA)),  # llama.cpp, Together
        ({"type": "json_schema", "json_schema": {"name": 3, "schema": {}}}, AskedSchema({})),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, None),
        ({"type": "json_schema", "json_schema": {"schema": "file://x.json"}}, None),
        ({"type": "json_object"}, None),
        ({"type": "text", "schema": SCHEMA}, None),
        ("b64_json", None),  # of the images API
        ([], None),
        (None, None),
    ],
)
def test_the_schema_is_found_in_the_forms_providers_take(
    response_format: Json, asked: AskedSchema | None
) -> None:
    assert schema_asked_for({"response_format": response_format}) == asked


NATIVE: Json = {"type": "json_schema", "name": "invoice", "strict": True, "schema": SCHEMA}


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({"text": {"format": NATIVE, "verbosity": "low"}}, AskedSchema(SCHEMA, "invoice", strict=True)),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, None),
        ({"text": {"format": {"type": "text"}}}, None),
        ({"text": {"format": "json"}}, None),
        ({"text": "plain"}, None),
        ({"text": None}, None),
        ({"text": {"format": NATIVE}, "response_format": {"type": "text"}}, None),  # what is sent
        (
            {"text": {"format": NATIVE}, "response_format": {**NATIVE, "name": "y"}},
            AskedSchema(SCHEMA, "y", strict=True),
        ),
    ],
)
def test_so_is_one_in_the_words_of_the_responses_api(
    parameters: dict[str, Json], asked: AskedSchema | None
) -> None:
    assert schema_asked_for(parameters) == asked
    if isinstance(parameters["text"], dict):
        sent = translated(parameters)["text"]["format"]
        assert (schema_asked_for({"text": {"format": sent}})) == asked
    found = check_of_schema(parameters, Answer(BREAKS))
    assert (found and found.passed) == (None if asked is None else False)


def test_without_a_schema_nothing_is_held_to_one() -> None:
    assert schema_asked_for({}) is None
    assert check_of_schema({"response_format": {"type": "json_object"}}, Answer("no JSON")) is None


@pytest.mark.parametrize(
    ("output", "passed", "says"),
    [
        (FITS, True, "conforms to the schema"),
        (BREAKS, False, "total:"),
        ('{"total": 1, "more": 2}', False, "more"),
        ("The total is 12.50 EUR.", False, "not valid JSON"),
        (f"```json\n{FITS}\n```", False, "not valid JSON"),
        ("", False, "not valid JSON"),
        (CALL, False, ""),  # no tools were given: then it is just an answer
    ],
)
def test_an_answer_fits_or_breaks_the_schema(output: str, passed: bool, says: str) -> None:
    found = held(output)
    assert (found.type, found.value, found.passed, found.unknown) == (ASKED_SCHEMA, None, passed, False)
    assert says in found.reason


@pytest.mark.parametrize(
    ("output", "schema", "known", "says"),
    [
        (CALL, SCHEMA, {"tools": [{"type": "function"}]}, "calls a tool"),
        (FITS, SCHEMA, {"is_picture": True}, "picture"),
        (FITS, {"type": "strng"}, {}, "cannot be held to the schema"),
        (FITS, {"$ref": "https://example.com/schema.json"}, {}, "cannot be held to the schema"),
        (FITS, {"allOf": [{"$ref": "#"}]}, {}, "refers to itself"),
        ("[" * 100_000, SCHEMA, {}, "Not judged"),
        (
            json.dumps({f"k{n}": "x" * 200 for n in range(2_000)}),
            {"allOf": [{"patternProperties": {"(?=x)y": {}}}] * 40},
            {},
            "too many checks",
        ),
    ],
)
def test_what_cannot_be_known_counts_for_neither_side(
    output: str, schema: Json, known: dict[str, Any], says: str
) -> None:
    found = held(output, {"type": "json_schema", "json_schema": {"schema": schema}}, **known)
    assert (found.passed, found.unknown, says in found.reason) == (None, True, True), found


HOLDS, FAILS = Assertion("contains", "total"), Assertion("contains", "absent")


@pytest.mark.parametrize(
    ("output", "assertions", "threshold", "passed"),
    [
        (FITS, (), None, True),  # a case without an assertion has something to be held to
        (BREAKS, (), None, False),
        (FITS, (HOLDS,), None, True),
        (BREAKS, (HOLDS,), None, False),
        (FITS, (FAILS,), None, False),
        (FITS, (HOLDS, FAILS), 0.5, True),
        (FITS, (FAILS,), 0.5, False),  # the schema does not lift the mean
        (BREAKS, (HOLDS,), 0.1, False),  # nor does the mean make up for it
        (FITS, (), 0.5, True),
        (FITS, (Assertion("human"),), None, None),
        (BREAKS, (Assertion("human"),), None, False),
        (FITS, (Assertion("human"),), 0.5, None),
    ],
)
def test_it_counts_towards_the_verdict(
    output: str, assertions: tuple[Assertion, ...], threshold: float | None, passed: bool | None
) -> None:
    assert verdict(output, *assertions, threshold=threshold) is passed


def test_a_picture_is_judged_by_what_can_be_told_of_it() -> None:
    picture = Picture(b"", b"", 1, 1, "", 0)
    assert verdict("", Assertion("latency", threshold=100.0), picture=picture)


def test_an_answer_that_was_cut_off_says_so() -> None:
    came = Reply('{"tot', "length", "m", "r", None, 1, 1, 1.0)
    checks, passed = judge(CaseContent("one"), came, UNKNOWN, {}, {"response_format": ASKED})
    assert passed is False
    assert "Cut off" in checks[-1].reason


def test_fields_come_in_the_order_of_those_that_are_required() -> None:
    inner = {"properties": {"z": 1, "y": 2}, "required": ["y", "q", 3]}
    schema = {"properties": {"a": inner, "b": {}, "c": [inner]}, "required": ["c", "b"]}
    ordered = in_written_order(schema)
    assert ordered == schema
    assert list(ordered["properties"]) == ["c", "b", "a"]
    assert list(ordered["properties"]["a"]["properties"]) == ["y", "z"]
    assert list(ordered["properties"]["c"][0]["properties"]) == ["y", "z"]
    assert in_written_order({"properties": 3, "required": "x"}) == {"properties": 3, "required": "x"}


def test_an_assertion_that_takes_its_name_is_none() -> None:
    """A file may hold anything: it neither counts nor passes for the site's own check."""
    case = CaseContent("one", assertions=(Assertion(ASKED_SCHEMA),))
    checks, passed = judge(case, Reply(FITS, "stop", "m", "r", None, 1, 1, 1.0), UNKNOWN)
    assert (passed, checks[0].weight, checks[0].passed) == (None, 0.0, None)
