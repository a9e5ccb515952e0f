"""is-json and contains-json, with and without a JSON Schema."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import validate
from prompts_app.engine.types import Assertion, Json
from prompts_app.tests.engine.holding import hold

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}


@pytest.mark.parametrize(
    ("type_", "value", "output", "passes"),
    [
        ("is-json", None, '{"total": 1}', True),
        ("is-json", None, " [1, 2]\n", True),
        ("is-json", None, "5", True),
        ("is-json", None, "{'total': 1}", False),
        ("is-json", None, '```json\n{"total": 1}\n```', False),
        ("is-json", None, "NaN", False),
        ("is-json", None, "", False),
        ("is-json", SCHEMA, '{"total": 1}', True),
        ("is-json", SCHEMA, '{"total": "1"}', False),
        ("is-json", SCHEMA, "{}", False),
        ("is-json", json.dumps(SCHEMA), '{"total": 1}', True),
        ("is-json", "type: object\nrequired: [total]", '{"total": 1}', True),  # YAML, as promptfoo takes it
        ("is-json", True, "{}", True),
        ("is-json", False, "{}", False),
        ("is-json", "", "{}", True),
        ("contains-json", None, 'Here: {"total": 1}. Bye', True),
        ("contains-json", None, "Here: {total}", False),
        ("contains-json", None, "[1, 2]", False),  # promptfoo looks for objects only
        ("contains-json", None, '[{"a": 1}]', True),
        ("contains-json", SCHEMA, 'No {"a": 1} but {"total": 2} yes', True),
        ("contains-json", SCHEMA, 'Only {"a": {"total": 2}}', False),
        ("contains-json", None, '{"a": {"b": 1} and {"c": 1}', True),
        ("is-json", {"properties": {"at": {"format": "date"}}}, '{"at": "2026-11-22"}', True),
        ("is-json", {"properties": {"at": {"format": "date"}}}, '{"at": "tomorrow"}', False),
        ("is-json", {"items": [{"type": "string"}]}, '["a"]', True),  # draft 7's tuples
        ("is-json", {"prefixItems": [{"type": "string"}]}, "[1]", False),  # 2020-12's tuples
        ("is-json", {"$defs": {"n": {"type": "number"}}, "$ref": "#/$defs/n"}, "1", True),
    ],
)
def test_each_kind_and_its_opposite(type_: str, value: Json, output: str, passes: bool) -> None:
    assert hold(type_, value, output).passed is passes
    assert hold(f"not-{type_}", value, output).passed is not passes


def test_the_reason_names_the_place_and_the_rule() -> None:
    assert "total: " in hold("is-json", SCHEMA, '{"total": "x"}').reason
    assert "“Sorry”" in hold("is-json", None, "Sorry").reason


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://example.com/own"},
        {"pattern": "("},
        "file://schema.json",
        "a: [",
        "just words",
        "!!python/object/apply:os.system ['true']",
        5,
        ["object"],
    ],
)
def test_a_schema_that_cannot_be_used_is_told_and_nothing_is_fetched(schema: Json) -> None:
    problem = validate(Assertion("is-json", schema))
    assert problem
    for form in ("is-json", "not-is-json", "contains-json", "not-contains-json"):
        assert not hold(form, schema, "{}").passed


def test_a_schema_pattern_that_explodes_ends_in_time() -> None:
    started = process_time()
    hold("is-json", {"pattern": r"^(a|aa)+$(?=x)"}, json.dumps("a" * 5000 + "!"))
    assert process_time() - started < 2


@pytest.mark.parametrize("output", ["{" * 200_000, '{"a":' * 50_000, "[" * 200_000])
def test_deep_nesting_is_no_json_and_takes_no_time(output: str) -> None:
    started = process_time()
    assert not hold("is-json", None, output).passed
    assert not hold("contains-json", None, output).passed
    assert process_time() - started < 3


@given(st.text(max_size=200))
def test_any_output_at_all_gets_an_answer(output: str) -> None:
    for type_ in ("is-json", "contains-json"):
        assert hold(type_, SCHEMA, output).reason


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
    st.text(alphabet="ab .\n"),
)
def test_json_between_words_is_found(value: Json, words: str) -> None:
    output = words + json.dumps(value) + words
    assert hold("contains-json", None, output).passed
    assert hold("is-json", None, json.dumps(value)).passed
