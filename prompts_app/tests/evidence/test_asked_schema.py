"""A JSON Schema as a reader can take it in, whatever somebody made of it."""

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.evidence.asked_schema import MOST_FIELDS, shown_schema


def fields(schema: dict[str, Any]) -> list[tuple[str, str, bool]]:
    shown = shown_schema({"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}})
    assert shown
    return [(field.path, field.kind, field.required) for field in shown.fields]


def of(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({}, []),
        (of({"a": {"type": "integer", "minimum": 1, "maximum": 5}}, required=["a"]),
         [("a", "whole number, from 1, to 5", True)]),
        (of({"a": {"type": "string", "format": "date"}}), [("a", "text, format date", False)]),
        (of({"a": {}}), [("a", "anything", False)]),
        (of({"a": True}), [("a", "anything", False)]),
        (of({"a": {"const": 1}}), [("a", "1", False)]),
        (of({"a": {"enum": list(range(20))}}), [("a", "0 or 1 or 2 or 3 or 4 or 5 or 6 or 7 …", False)]),
        (of({"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}), [("a", "text or null", False)]),
        (of({"a": of({"b": {"type": "boolean"}}, required=["b"])}),
         [("a", "object", False), ("a.b", "true or false", True)]),
        ({"type": "array", "items": of({"b": {"type": "number"}})}, [("[].b", "number", False)]),
        (of({"a": {"$ref": "#/$defs/x"}}, **{"$defs": {"x": {"type": "null"}}}), [("a", "null", False)]),
        (of({"a": {"$ref": "https://example.com/x"}}), [("a", "anything", False)]),
        ({"anyOf": [of({"a": {}}), of({"b": {}})]}, [("a", "anything", False), ("b", "anything", False)]),
    ],
)  # fmt: skip
def test_each_field_has_a_path_a_kind_and_whether_it_must_be_there(
    schema: dict[str, Any], shown: list[tuple[str, str, bool]]
) -> None:
    assert fields(schema) == shown


def test_only_the_first_of_very_many_are_shown() -> None:
    shown = shown_schema(
        {"response_format": {"type": "json_schema", "schema": of({f"p{n}": {} for n in range(99)})}}
    )
    assert shown
    assert (len(shown.fields), shown.is_cut) == (MOST_FIELDS, True)


@pytest.mark.parametrize(
    "schema",
    [
        of({"again": {"$ref": "#"}}),
        {"anyOf": [{"$ref": "#"}] * 1_000, "items": {"$ref": "#"}},
        of({f"p{n}": {"anyOf": [{"$ref": "#"}] * 50} for n in range(500)}),
    ],
)
def test_one_that_stands_in_itself_takes_no_time(schema: dict[str, Any]) -> None:
    began = process_time()
    fields(schema)
    assert process_time() - began < 0.5


_WORDS = [
    "type",
    "properties",
    "items",
    "anyOf",
    "oneOf",
    "$ref",
    "enum",
    "const",
    "required",
    "minimum",
    "x",
    "#",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#", "#/x", "string", "object", "array"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(_WORDS), _JSON, max_size=5))
def test_whatever_is_stored_can_be_shown(schema: dict[str, Any]) -> None:
    fields(schema)
