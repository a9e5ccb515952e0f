"""Picoschema, Dotprompt's short way to write a schema, as JSON Schema.

``name?: string, how they are called`` · ``tags(array, what it is about): string`` · ``size(enum): [s, m]`` ·
``maker(object): {…}`` · ``(*): number`` for whatever else. A question mark allows null, and to leave it out.
"""

import re

from prompts_app.engine.types import Json

DEEPEST = 20
_SCALARS = {"string", "number", "integer", "boolean", "null", "any"}
_NAME = re.compile(r"([^\s(?]*)(\??)\s*(?:\(\s*(\w+|\*)\s*(?:,(.*))?\))?", re.DOTALL)


def as_json_schema(value: Json) -> dict[str, Json]:
    """Of either kind. Raises ``ValueError`` where it is neither, such as a name of one kept elsewhere."""
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(value, dict) and ("properties" in value or kind in ("object", "array", *_SCALARS)):
        return value
    return _schema(value, 1)


def _schema(value: Json, depth: int) -> dict[str, Json]:
    if depth > DEEPEST:
        raise ValueError("This schema is nested too deep.")
    if isinstance(value, dict):
        return _object(value, depth)
    kind, _, about = value.partition(",") if isinstance(value, str) else ("", "", "")
    if kind.strip() not in _SCALARS:
        raise ValueError("This is no kind of value.")
    return _described({} if kind.strip() == "any" else {"type": kind.strip()}, about)


def _object(fields: dict[str, Json], depth: int) -> dict[str, Json]:
    properties: dict[str, Json] = {}
    required: list[Json] = []
    others: Json = False
    for key, value in fields.items():
        name, mark, kind, about = _parts(key)
        if kind == "*":
            others = _schema(value, depth + 1)
            continue
        part = _described(_of_kind(kind, value, depth), about)
        properties[name] = _or_null(part) if mark else part
        if not mark:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": others}


def _parts(key: str) -> tuple[str, str, str, str]:
    match = _NAME.fullmatch(key)
    if match is None or not (match[1] or match[3] == "*"):
        raise ValueError("This is no name of a field.")
    return match[1], match[2], match[3] or "", match[4] or ""


def _of_kind(kind: str, value: Json, depth: int) -> dict[str, Json]:
    match kind:
        case "array":
            return {"type": "array", "items": _schema(value, depth + 1)}
        case "enum" if isinstance(value, list):
            return {"enum": value}
        case "" | "object":
            return _schema(value, depth + 1)
    raise ValueError("This is no kind of field.")


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {**schema, "enum": [*schema["enum"], None]} if "enum" in schema else schema


def _described(schema: dict[str, Json], about: str) -> dict[str, Json]:
    return {**schema, "description": about.strip()} if about.strip() else schema
