"""The schema an answer is to have, brought in from files of other tools and given back to them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import Parsed, parse
from prompts_app.engine.formats.picoschema import as_json_schema
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.response_format import asking_for, schema_asked_for
from prompts_app.engine.schema_rules import schema_problem, strict_problems
from prompts_app.engine.types import Json
from prompts_app.tests.engine.formats.test_promptfoo import one

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
ASKED = {"type": "json_schema", "json_schema": {"name": "bill", "strict": True, "schema": SCHEMA}}


def parameters_of(parsed: Parsed) -> dict[str, Json]:
    return dict(parsed.prompts[0].versions[-1].prompt.parameters)


def with_config(config: dict[str, Json], **files: str) -> dict[str, Json]:
    prompt = one({"providers": [{"id": "openai:chat:m", "config": config}]}, **files)
    return dict(prompt.versions[0].prompt.parameters)


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"response_format": ASKED}, ASKED),
        ({"response_format": {"type": "json_schema", "name": "bill", "schema": SCHEMA}},
         {"type": "json_schema", "name": "bill", "schema": SCHEMA}),
        ({"response_format": {"type": "json_object"}}, {"type": "json_object"}),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}},
         {"type": "json_schema", "schema": SCHEMA}),
        ({"format": SCHEMA}, asking_for(SCHEMA)),
        ({"format": "json"}, {"type": "json_object"}),
        ({"guided_json": SCHEMA}, asking_for(SCHEMA)),
        ({"response_format": ASKED, "format": "json"}, ASKED),
    ],
)  # fmt: skip
def test_promptfoo_s_spellings(config: dict[str, Json], asked: Json) -> None:
    assert with_config(config) == {"response_format": asked}


def test_promptfoo_s_schema_may_stand_in_a_file() -> None:
    whole = with_config({"response_format": "file://format.json"}, format__json=json.dumps(ASKED))
    assert whole == {"response_format": ASKED}
    inner = {
        "type": "json_schema",
        "json_schema": {"name": "bill", "strict": True, "schema": "file://s.yaml"},
    }
    assert with_config({"response_format": inner}, s__yaml=json.dumps(SCHEMA)) == {"response_format": ASKED}
    flat = {"type": "json_schema", "name": "bill", "schema": "file://s.json"}
    kept = with_config({"response_format": flat}, s__json=json.dumps(SCHEMA))
    assert kept == {"response_format": {**flat, "schema": SCHEMA}}


def test_a_file_that_is_not_there_is_named_and_holds_nothing_to_a_schema() -> None:
    flat = {"type": "json_schema", "name": "bill", "schema": "file://s.json"}
    assert schema_asked_for(with_config({"response_format": flat})) is None


def test_it_goes_out_to_promptfoo_and_comes_back() -> None:
    prompt = one({"providers": [{"id": "openai:chat:m", "config": {"response_format": ASKED}}]})
    again = parse("promptfooconfig.yaml", write_config(prompt).encode())
    assert parameters_of(again) == {"response_format": ASKED}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.prompty",
         f"---\nmodel:\n  parameters:\n    response_format: {json.dumps(ASKED)}\n---\nuser:\nHi"),
        ("a.md", f"---\nparameters:\n  response_format: {json.dumps(ASKED)}\n---\n# user\n\nHi"),
        ("a.json", json.dumps({"messages": [{"role": "user", "content": "Hi"}], "response_format": ASKED})),
        ("a.json", json.dumps({"name": "n", "prompt": "Hi", "config": {"response_format": ASKED}})),
        ("a.prompt", f"---\noutput: {{schema: {json.dumps(SCHEMA)}}}\n---\nHi"),
        ("a.json", json.dumps({"lc": 1, "id": ["langchain_core", "prompts", "structured", "StructuredPrompt"],
         "kwargs": {"messages": [{"lc": 1, "id": ["langchain", "HumanMessagePromptTemplate"], "kwargs": {
             "prompt": {"lc": 1, "id": ["langchain", "PromptTemplate"], "kwargs": {"template": "Hi"}}}}],
             "schema_": SCHEMA}})),
    ],
    ids=["prompty", "markdown", "messages", "langfuse", "dotprompt", "langchain"],
)  # fmt: skip
def test_other_files_bring_it_along(name: str, text: str) -> None:
    parsed = parse(name, text.encode())
    asked = schema_asked_for(parameters_of(parsed))
    assert asked is not None
    assert asked.schema == SCHEMA
    assert not parsed.unsupported


PICO = """---
output:
  format: json
  schema:
    name: string, how they are called
    age?: integer
    size(enum, how large): [s, m]
    tags(array, what it is about): string
    maker(object):
      country: string
      (*): number
    more?(array):
      note: any
---
Hi"""


def test_dotprompt_s_own_short_schemas_are_read() -> None:
    asked = schema_asked_for(parameters_of(parse("a.prompt", PICO.encode())))
    assert asked is not None
    properties = asked.schema["properties"]
    assert properties["name"] == {"type": "string", "description": "how they are called"}
    assert properties["age"] == {"type": ["integer", "null"]}
    assert properties["size"] == {"enum": ["s", "m"], "description": "how large"}
    assert properties["tags"] == {
        "type": "array", "items": {"type": "string"}, "description": "what it is about",
    }  # fmt: skip
    assert properties["maker"]["additionalProperties"] == {"type": "number"}
    assert properties["more"]["type"] == ["array", "null"]
    assert asked.schema["required"] == ["name", "size", "tags", "maker"]
    assert schema_problem(asked.schema) is None


@pytest.mark.parametrize(
    "schema",
    ["Recipe", {"a": "strng"}, {"a b": "string"}, {"a(list)": "string"}, {"a": 3}, {"": "string"}, [1]],
)
def test_a_schema_that_cannot_be_read_is_named(schema: Json) -> None:
    parsed = parse("a.prompt", f"---\noutput: {{schema: {json.dumps(schema)}}}\n---\nHi".encode())
    assert parameters_of(parsed) == {}
    assert ["schema" in problem.what for problem in parsed.unsupported] == [True]


def test_one_nested_too_deep_is_refused() -> None:
    deep: Any = "string"
    for _ in range(50):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="too deep"):
        as_json_schema(deep)


_KEYS = st.sampled_from(
    ["a", "b?", "c(array)", "d(object, x)", "e(enum)", "(*)", "f g", "type", "properties"]
)
_VALUES = st.recursive(
    st.sampled_from(["string", "number, of them", "any", "x", 3, None, ["s"]]),
    lambda inner: st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_whatever_stands_there_is_a_schema_or_refused(value: Json) -> None:
    try:
        schema = as_json_schema(value)
    except ValueError:
        return
    strict_problems(schema)
    schema_problem(schema)
