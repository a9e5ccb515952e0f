"""The JSON Schema a version asks for, as a reader can take it in; and how a run's answers kept to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from prompts_app.engine.response_format import AskedSchema, schema_asked_for
from prompts_app.models import Run, Source

MOST_FIELDS = 60
DEEPEST = 6  # fields inside of fields
MOST_STEPS = 1_000  # from one place in the schema to the next
MOST_VALUES = 8  # of an enum, or of what a field may be
LONGEST_WORDS = 300
LONGEST_SHOWN = 20_000  # characters of the schema itself

type Node = Mapping[str, Any]

_KINDS = {
    "string": "text", "number": "number", "integer": "whole number", "boolean": "true or false",
    "object": "object", "array": "list", "null": "null",
}  # fmt: skip
_LIMITS = {
    "format": "format {}", "pattern": "like {}", "minimum": "from {}", "maximum": "to {}",
    "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}", "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}",
    "maxItems": "at most {}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SchemaField:
    """``path`` as "lines[].price"; ``kind`` in a few words; ``about`` as its author describes it."""

    path: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class ShownSchema:
    """``source`` is the schema itself, as far as it is shown."""

    name: str
    about: str
    strict: bool
    fields: tuple[SchemaField, ...]
    is_cut: bool
    source: str


def shown_schema(parameters: Mapping[str, Any]) -> ShownSchema | None:
    """Of a version's parameters; None where it asks for no schema."""
    asked = schema_asked_for(parameters)
    return None if asked is None else _shown(asked)


def _shown(asked: AskedSchema) -> ShownSchema:
    source = json.dumps(asked.schema, ensure_ascii=False, indent=2)
    found = list(islice(_fields_of(asked.schema), MOST_FIELDS + 1))
    return ShownSchema(
        asked.name,
        _line(asked.description),
        asked.strict,
        tuple(found[:MOST_FIELDS]),
        len(found) > MOST_FIELDS or len(source) > LONGEST_SHOWN,
        source[:LONGEST_SHOWN],
    )


def _fields_of(schema: Node) -> Iterator[SchemaField]:
    """In the order in which one reads; only so far as somebody would read."""
    levels = [_below("", schema, schema)]
    for _ in range(MOST_STEPS):
        if not levels:
            return
        step = next(levels[-1], None)
        if step is None:
            levels.pop()
            continue
        path, node, field = step
        if field:
            yield field
        if len(levels) < DEEPEST:
            levels.append(_below(path, node, schema))


def _below(path: str, node: Node, root: Node) -> Iterator[tuple[str, Node, SchemaField | None]]:
    """What lies one level below, with the field it is; what it may be instead, and the items of a list, are
    none themselves."""
    named, required = node.get("properties"), node.get("required")
    if isinstance(named, dict):
        for name, inner in named.items():
            below, needed = _resolved(inner, root), isinstance(required, list) and name in required
            at = f"{path}.{name}" if path else str(name)
            yield at, below, SchemaField(at, _kind(below, root), needed, _line(_about(inner, below)))
    for other in _others(node, root):
        yield path, other, None
    if isinstance(node.get("items"), dict):
        yield f"{path}[]", _resolved(node["items"], root), None


def _others(node: Node, root: Node) -> list[Node]:
    """What it may be instead."""
    several = next((node[word] for word in ("anyOf", "oneOf") if isinstance(node.get(word), list)), ())
    return [_resolved(one, root) for one in several[:MOST_VALUES]]


def _resolved(node: Any, root: Node) -> Node:
    """What it refers to inside of the schema, once."""
    reference = node.get("$ref") if isinstance(node, dict) else None
    if isinstance(reference, str) and reference.startswith("#"):
        node = root
        for step in reference.split("/")[1:]:
            node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _about(inner: Any, below: Node) -> str:
    said = (one.get("description") for one in (inner, below) if isinstance(one, dict))
    return next((text for text in said if isinstance(text, str) and text), "")


def _kind(node: Node, root: Node, depth: int = 0) -> str:
    if isinstance(values := node.get("enum"), list):
        named = [json.dumps(value, ensure_ascii=False) for value in values[:MOST_VALUES]]
        return _line(" or ".join(named) + (" …" if len(values) > MOST_VALUES else ""))
    if "const" in node:
        return _line(json.dumps(node["const"], ensure_ascii=False))
    types = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
    names = [_KINDS[name] for name in types if isinstance(name, str) and name in _KINDS]
    if depth < 2:  # one may stand in the other
        names += [_kind(one, root, depth + 1) for one in _others(node, root)]
    limits = [words.format(node[word]) for word, words in _LIMITS.items() if word in node]
    return _line(", ".join([" or ".join(dict.fromkeys(names)) or "anything", *limits]))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[:LONGEST_WORDS]}…"


def fit_in_words(run: Run) -> str:
    """ "14 of 20 answers fit the schema that was asked for …"; "" where no schema was, or nothing is known.

    Told apart are answers that do not fit though the server took the schema, those that a limit cut off,
    those that the server withheld by itself, and calls that it refused because of the schema.
    """
    fit = run.schema_fit
    held, kept, cut = (fit.get(name, 0) for name in ("held", "kept", "cut"))
    answers, verb = "answer" if held == 1 else "answers", "fits" if 1 in (kept, held) else "fit"
    said = [f"{kept} of {held} {answers} {verb} the schema that was asked for."] if held else []
    if cut:
        said.append(f"{cut} {'was' if cut == 1 else 'were'} cut off.")
    if (broken := held - kept - cut) and run.source == Source.RECORDED:
        said.append(f"In {broken}, the server took the schema and did not keep to it.")
    if withheld := fit.get("withheld"):
        said.append(f"In {withheld} {'more ' * bool(held)}the server withheld an answer that did not fit.")
    if refused := fit.get("refused"):
        said.append(f"The server refused the schema in {refused} call{'s' * (refused != 1)}.")
    if fit and (others := run.answers - held) > 0:
        said.append(f"{others} answer{'s' * (others != 1)} could not be held to it.")
    return " ".join(said)
