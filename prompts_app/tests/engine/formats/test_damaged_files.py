"""Real files, cut short, overwritten, or with a value of another kind in them: read, or refused in words."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.budget import MOST_YAML_VALUES
from prompts_app.engine.formats import (
    FORMATS,
    FormatError,
    Parsed,
    parse,
    parse_files,
    variants_apart,
)
from prompts_app.engine.formats.case_csv import cases_of, guess, read_table
from prompts_app.engine.formats.files import Files
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.types import Answer, Assertion

DATA = Path(__file__).parents[2] / "data" / "promptfoo"
LANGCHAIN = {
    "lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
    "kwargs": {
        "messages": [
            {"lc": 1, "id": ["langchain", "prompts", "chat", "HumanMessagePromptTemplate"],
             "kwargs": {"prompt": {"lc": 1, "id": ["langchain", "prompts", "PromptTemplate"],
                                   "kwargs": {"template": "Hi {name}", "input_variables": ["name"]}}}},
            {"lc": 1, "id": ["langchain", "schema", "SystemMessage"], "kwargs": {"content": "Be kind."}},
        ],
        "partial_variables": {"name": "Ada"},
    },
}  # fmt: skip
LANGFUSE = {
    "name": "greet", "version": 2, "type": "chat", "labels": ["production"], "tags": ["x"],
    "prompt": [{"role": "system", "content": "Be kind."}, {"type": "placeholder", "name": "history"}],
    "config": {"model": "gpt-4o", "temperature": 0.2},
}  # fmt: skip
CHAT = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "temperature": 0}
VERSION = {"number": 1, "messages": [{"role": "user", "content": "Hi"}]}
CASE = {"name": "One", "variables": {"a": "1"}, "turns": [], "assertions": [{"type": "contains"}]}
BUNDLE = {
    "format": "proofsheet-bundle",
    "version": 1,
    "author": {"handle": "ada"},
    "prompts": [{"slug": "x", "title": "X", "versions": [VERSION], "cases": [CASE]}],
}
PROMPTY = b"""---
name: x
model:
  api: chat
  parameters: {temperature: 0}
inputs:
  a: {type: string, default: b}
---
system:
Be kind.

user:
Hi {{a}}
"""
DOTPROMPT = b"""---
model: m
config: {temperature: 0}
input:
  schema: {a?: string, what it is}
  default: {a: b}
---
{{role "system"}}Be kind.{{role "user"}}Hi {{a}}
"""
MARKDOWN = b"""---
title: X
tags: [a]
variables: [{name: a, default: b}]
proofsheet: 1
---

# X

## System

Be kind.

## User

Hi {{a}}
"""

VALUES: dict[str, Any] = {
    "langchain.json": LANGCHAIN, "langfuse.json": LANGFUSE, "chat.json": CHAT, "bundle.json": BUNDLE,
    **{path.name: json.loads(path.read_text()) for path in (DATA / "results").iterdir()},
    **{f"{path.parent.name}/{path.name}": read_yaml(path.read_text())
       for path in sorted((DATA / "more").glob("*/promptfooconfig.yaml"))},
}  # fmt: skip
SAMPLES: dict[str, bytes] = {
    "x.prompty": PROMPTY, "x.prompt": DOTPROMPT, "x.md": MARKDOWN, "x.csv": b"act,prompt\nA,\"B {c}\"\n",
    **{name: json.dumps(value).encode() for name, value in VALUES.items()},
    **{f"{path.parent.name}/{path.name}": path.read_bytes()
       for path in sorted((DATA / "more").glob("*/*")) if path.is_file()},
}  # fmt: skip
FOLDERS = {
    folder.name: {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    for folder in sorted((DATA / "more").iterdir())
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        1e300,
        10**30,
        "",
        "x",
        "{{a}}",
        "file://x.txt",
        "file://*",
        "file://../x",
        "a:b:c",
        "\x00",
        "\ud800",
        [],
        [[]],
        [None],
        {},
        {"": None},
        {"a": {"b": [1]}},
        {"$ref": "#/x"},
        {"type": "contains"},
        {"role": "user"},
        [{"role": 5}],
        ["file://a.yaml"],
        {"transform": ["x"]},
        {"proofsheet": {"versions": 5}},
    ]
)


def read_or_refused(read: Any) -> Parsed | None:
    try:
        found: Parsed = read()
    except FormatError as error:
        assert str(error).strip().endswith((".", "”"))  # noqa: PT017 both outcomes are fine
        return None
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:4]) if isinstance(value, list) else ()
    )
    for key, item in items:
        yield from places(item, (*path, key))


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(copy[path[0]], path[1:], new)
    return copy


PLACES = {name: list(places(value)) for name, value in VALUES.items()}
HINTS = st.sampled_from(["", *(kind.key for kind in FORMATS)])


@given(st.sampled_from(sorted(SAMPLES)), st.floats(0, 1), HINTS)
def test_a_file_that_is_cut_short(name: str, share: float, hint: str) -> None:
    data = SAMPLES[name]
    read_or_refused(lambda: parse(name, data[: int(len(data) * share)], hint=hint))


@given(st.sampled_from(sorted(SAMPLES)), st.floats(0, 1), st.binary(max_size=8), HINTS)
def test_a_file_with_some_bytes_overwritten(name: str, share: float, noise: bytes, hint: str) -> None:
    data = SAMPLES[name]
    at = int(len(data) * share)
    read_or_refused(lambda: parse(name, data[:at] + noise + data[at + len(noise) :], hint=hint))


@given(st.data(), st.sampled_from(sorted(VALUES)), st.lists(ODD, min_size=1, max_size=3), HINTS)
def test_a_file_with_values_of_another_kind(
    data: st.DataObject, name: str, odd: list[Any], hint: str
) -> None:
    value = VALUES[name]
    for new in odd:
        path = data.draw(st.sampled_from(PLACES[name]))
        try:
            value = with_value(value, path, new)
        except (KeyError, IndexError, TypeError):
            continue  # the one before has taken its place
    read_or_refused(lambda: parse(name, json.dumps(value).encode(), hint=hint))


@given(st.data(), st.sampled_from(sorted(FOLDERS)), st.floats(0, 1), st.binary(max_size=4))
def test_a_folder_with_one_file_damaged(data: st.DataObject, name: str, share: float, noise: bytes) -> None:
    files = dict(FOLDERS[name])
    damaged = data.draw(st.sampled_from(sorted(files)))
    whole = files[damaged]
    at = int(len(whole) * share)
    files[damaged] = whole[:at] + noise
    parsed = read_or_refused(lambda: parse_files(Files(files)))
    for prompt in variants_apart(parsed).prompts if parsed else ():
        assert write_config(prompt)


@given(st.text(alphabet='a,b;"\t\n_expctd12:()-', max_size=200))
def test_a_table_of_cases_however_odd(text: str) -> None:
    try:
        table = read_table(text)
        cases_of(table, guess(table))
    except FormatError as error:
        assert str(error).endswith((".", ","))  # noqa: PT017 both outcomes are fine


def bomb(levels: int, line: str) -> str:
    """YAML in which each of ``levels`` names the one before nine times."""
    lines = ["a0: &a0 {k: v}"]
    lines += [line.format(at=at, names=", ".join([f"*a{at - 1}"] * 9)) for at in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "line", ["a{at}: &a{at} [{names}]", "a{at}: &a{at} {{<<: [{names}]}}"], ids=["list", "merge"]
)
@pytest.mark.parametrize("name", ["promptfooconfig.yaml", "x.prompty", "x.md"])
def test_aliases_that_multiply_are_refused_at_once(line: str, name: str) -> None:
    text = f"{bomb(40, line)}\nprompts: [x]\ntests: []\n"
    data = text if name.endswith("yaml") else f"---\n{text}---\nHi\n"
    started = time.monotonic()
    with pytest.raises(FormatError, match="aliases that multiply"):
        parse(name, data.encode())
    assert time.monotonic() - started < 20


def test_a_list_longer_than_anybody_writes_is_refused() -> None:
    with pytest.raises(FormatError, match="too many values"):
        read_yaml("[" + "1," * (MOST_YAML_VALUES + 1) + "]")


@pytest.mark.parametrize(
    "line", ["a{at}: &a{at} [{names}]", "a{at}: &a{at} {{<<: [{names}]}}"], ids=["list", "merge"]
)
def test_neither_are_they_taken_in_the_text_of_a_schema(line: str) -> None:
    assertion = Assertion("is-json", bomb(40, line))
    assert "aliases (*name) cannot be used" in str(validate(assertion))
    assert check(assertion, Answer("{}")).passed is None
