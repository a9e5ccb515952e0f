"""A schema that is typed: what is wrong with it and where, and what OpenAI's strict mode would refuse."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.schema_rules import MOST_TOLD, schema_problem, strict_problems
from prompts_app.engine.types import Json

TEXT = {"type": "string"}


def closed(properties: dict[str, Any], **more: Json) -> dict[str, Json]:
    required = list(properties)
    about = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {**about, **more}


def nested(levels: int) -> dict[str, Json]:
    return closed({"in": nested(levels - 1)}) if levels else TEXT


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (closed({"total": {"type": "strng"}}), "At properties/total/type: “strng” is no type"),
        ({"items": {"type": ["string", "nul"]}}, "At items/type: “nul” is no type"),
        ({"type": "object", "required": "total"}, "not a valid JSON Schema: required:"),
        ({"properties": {"a": {"pattern": "("}}}, "properties/a/pattern:"),
        ({"properties": {"a": {"minimum": "0"}}}, "properties/a/minimum:"),
        ({"$ref": "#/$defs/absent"}, "“#/$defs/absent” in it cannot be followed"),
        ({"$ref": "https://example.com/s.json"}, "cannot be followed"),
        ({"allOf": [{"$ref": "#"}]}, "refers to itself"),
        ({"pattern": "(a{900}){900}"}, "pattern:"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(schema: dict[str, Json], says: str) -> None:
    assert says in (schema_problem(schema) or "")


@pytest.mark.parametrize("schema", [{}, closed({"a": TEXT}), {"anyOf": [TEXT, {"type": "null"}]}])
def test_a_schema_that_can_be_used_has_no_problem(schema: dict[str, Json]) -> None:
    assert schema_problem(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        closed({"a": TEXT, "b": {"type": ["number", "null"], "minimum": 0}}),
        closed({"a": {"enum": ["x", "y"]}, "b": {"type": "array", "items": closed({}), "minItems": 1}}),
        closed(
            {"a": {"anyOf": [TEXT, {"type": "null"}]}, "b": {"$ref": "#/$defs/b"}}, **{"$defs": {"b": TEXT}}
        ),
        closed({"a": {"type": "string", "format": "date", "pattern": "^2"}}, title="T", description="D"),
        closed({"again": {"$ref": "#"}}),
        nested(10),
    ],
)
def test_strict_mode_takes(schema: dict[str, Json]) -> None:
    assert strict_problems(schema, "invoice_1-a") == []


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "array", "items": TEXT}, 'At the top: it must have "type": "object"'),
        (closed({}, anyOf=[TEXT]), "no “anyOf”"),
        (
            closed({"a": TEXT}, additionalProperties=True),
            'At the top: it must say "additionalProperties": false',
        ),
        (
            closed({"a": {"type": ["object", "null"], "properties": {}}}),
            'At properties/a: it must say "additionalProperties"',
        ),
        (closed({"a": TEXT, "b": TEXT}, required=["a"]), "“b” is not there"),
        (closed({"a": TEXT}, required=["a", "z"]), "“z”, which is no property"),
        (closed({"a": {"oneOf": [TEXT]}}), "At properties/a: “oneOf” is not permitted"),
        (
            closed({"a": {"type": "array", "items": TEXT, "uniqueItems": True}}),
            "“uniqueItems” is not permitted",
        ),
        (closed({"a": {"type": "string", "minLength": 1}}), "“minLength” is not permitted"),
        (closed({"a": {"type": "string", "default": "x"}}), "“default” is not permitted"),
        (closed({"a": {"$ref": "#", "description": "x"}}), "beside “$ref” there may be nothing"),
        (closed({"a": {"description": "anything"}}), "At properties/a: it must have a “type”"),
        (closed({"a": TEXT}, **{"$defs": {"b": {"allOf": []}}}), "At $defs/b: “allOf”"),
        (nested(11), "deeper than 10"),
        (closed({f"p{number}": TEXT for number in range(5_001)}), "too large"),
        (closed({"a": {"enum": [str(number) for number in range(1_001)]}}), "too large"),
        (closed({"a" * 120_001: TEXT}), "too large"),
    ],
)
def test_strict_mode_refuses(schema: dict[str, Json], says: str) -> None:
    assert says in " ".join(strict_problems(schema))


@pytest.mark.parametrize("name", ["two words", "ümlaut", "a" * 65])
def test_strict_mode_refuses_a_name(name: str) -> None:
    assert strict_problems(closed({}), name) == [
        "The name has letters of a to z, digits, _ and - only, and at most 64 of them."
    ]


def test_only_the_first_are_told() -> None:
    assert len(strict_problems(closed({f"p{number}": {"oneOf": []} for number in range(99)}))) == MOST_TOLD


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "$ref", "enum", "anyOf", "$defs", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(st.sampled_from(["type", "properties", "required", "items", "anyOf"]), _JSON, max_size=5)
)
def test_whatever_is_typed_gets_sentences(schema: dict[str, Json]) -> None:
    for sentence in [schema_problem(schema) or "It can be used.", *strict_problems(schema)]:
        assert sentence.endswith((".", "…"))
