"""is-json and contains-json, with and without a JSON Schema."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import validate
from prompts_app.engine.assertions.schema_work import check_work
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


LAST = {"type": "string"}
DOUBLING = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 4} for n in range(12)} | {"d12": LAST}
ITSELF = {"$ref": "#"}
NEW = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


@pytest.mark.parametrize(
    ("schema", "output", "why"),
    [
        ({"$defs": DOUBLING, "$ref": "#/$defs/d0"}, "1", "too many checks"),  # 16 million of them
        ({"properties": {"a": {"allOf": [ITSELF] * 2}}}, '{"a":' * 40 + "1" + "}" * 40, "too many checks"),
        ({"anyOf": [ITSELF, {"type": "string"}]}, "1", "refers to itself"),
    ],
)
def test_a_schema_that_would_take_hours_is_refused_at_once(schema: Json, output: str, why: str) -> None:
    started = process_time()
    for form in ("is-json", "not-is-json"):
        found = hold(form, schema, output)
        assert (found.passed, why in found.reason) == (None, True)
    assert process_time() - started < 2


@pytest.mark.parametrize(
    ("schema", "output"),
    [
        ({"properties": {"l": ITSELF, "r": ITSELF}}, '{"l":' * 90 + "1" + "}" * 90),  # a tree
        (
            {"items": {"properties": {"a": {"type": "integer"}}}},
            json.dumps([{"a": n} for n in range(50_000)]),
        ),
        ({**NEW, "$defs": {"x": {"$anchor": "here", "type": "string"}}, "$ref": "#here"}, '"a"'),
        ({**NEW, "$id": "https://a.example/r", "$defs": {"x": {"$id": "b"} | LAST}, "$ref": "b"}, '"a"'),
        ({**NEW, "$id": "https://a.example/r", "$defs": {"x": LAST}, "$ref": "/r#/$defs/x"}, '"a"'),
        ({"$ref": "http://json-schema.org/draft-07/schema#"}, '{"type": "object"}'),
        ({"definitions": {"a/b": {"allOf": [LAST]}}, "$ref": "#/definitions/a~1b/allOf/0"}, '"a"'),
        ({"properties": {}, "items": True}, "[1]"),
    ],
)
def test_schemas_that_refer_to_themselves_or_to_their_parts_are_used(schema: Json, output: str) -> None:
    assert hold("is-json", schema, output).passed


def test_many_names_on_many_objects_are_told_by_the_first() -> None:
    """All errors together, each with the value it is about, took three gigabytes."""
    names = [f"name {number}" for number in range(1_500)]
    found = hold("is-json", {"items": {"required": names}}, json.dumps([{}] * 1_500))
    assert (found.passed, found.reason.count("required property")) == (False, 1)
    few = hold("is-json", {"items": {"required": names[:3]}}, "[{}]")
    assert few.reason.count("required property") == 3


PIECES = "the repeats in its patterns are too many"


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"required": [f"n{at}" for at in range(1_500)]}, {"a": "x" * 2_000_000}, "too many checks"),
        ({"items": {"anyOf": [{"pattern": f"(?=(x+x+)+y){at}"} for at in range(50)]}}, ["x"] * 300, "checks"),
        ({"items": {"enum": [["x"] * 100 + [at] for at in range(100)]}}, list(range(1_000)), "checks"),
        ({"allOf": [{"pattern": f"\\p{{L}}{{{at % 9 + 20}}}"} for at in range(2_000)]}, "a", PIECES),
        ({"allOf": [{"pattern": f"^.{{1,{at + 400}}}$"} for at in range(80)]}, "a", PIECES),
        ({"patternProperties": {f"((a{{9}}){{9}}){{9}}{at}": {} for at in range(80)}}, "a", PIECES),
        (
            {"allOf": [{"properties": {"a": {"not": {}}}}] * 9_000},
            json.loads('{"a":' * 40 + "1" + "}" * 40),
            "checks",
        ),
    ],
    ids=["long text", "looking ahead", "large enum", "letters", "any sign", "names' patterns", "counting"],
)
def test_the_work_of_a_schema_is_told_before_it_is_done(schema: Json, value: Json, why: str) -> None:
    found = hold("is-json", schema, json.dumps(value))
    assert why in found.reason


@pytest.mark.parametrize("times", [1, 10, 100, 1_000])
def test_the_checks_grow_as_schema_and_value_do(times: int) -> None:
    few = check_work({"items": {"required": ["a"]}}, [{}])
    assert check_work({"items": {"required": ["a"]}}, [{}] * times) == few * times
    assert check_work({"items": {"required": ["a"] * times}}, [{}]) == few + times - 1
