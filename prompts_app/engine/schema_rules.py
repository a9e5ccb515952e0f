"""What is wrong with a JSON Schema somebody typed, with its place; what OpenAI's strict mode would refuse.

The rules of strict mode are those of OpenAI's guide "Structured model outputs" and of the refusals its
servers give ("In context=('properties', 'x'), 'uniqueItems' is not permitted"). Other providers take more.
"""

import re
from collections.abc import Iterator

from prompts_app.engine.assertions.json_ import validator_for
from prompts_app.engine.types import Json

MOST_TOLD = 8
MOST_PROPERTIES = 5_000
DEEPEST = 10  # objects inside of objects
MOST_ENUM_VALUES = 1_000
LONGEST_NAMES = 120_000  # characters of all names and values together
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_NOT_PERMITTED = (
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
    "patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
    "unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems", "minLength", "maxLength",
    "default",
)  # fmt: skip
_OF_ONE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_OF_MANY = ("anyOf", "allOf", "oneOf", "prefixItems")
_OF_NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")

type Node = tuple[str, dict[str, Json], int]  # its place, "" at the top; itself; objects around it


def schema_problem(schema: dict[str, Json]) -> str | None:
    """Why nothing can be held to it, as a sentence with the place; ``None`` where it can be used."""
    for place, node, _ in _nodes(schema):
        for name in node["type"] if isinstance(node.get("type"), list) else [node.get("type")]:
            if isinstance(name, str) and name not in TYPES:
                return f"{_at(f'{place}/type')}: “{name[:40]}” is no type; there are {', '.join(TYPES)}."
    try:
        validator_for(schema)
    except ValueError as why:
        return str(why)
    return None


def strict_problems(schema: dict[str, Json], name: str = "") -> list[str]:
    """Sentences with their places, the first MOST_TOLD of what strict mode would refuse; [] for nothing."""
    found = dict.fromkeys(_strict_problems(schema, name))
    return [line for line, _ in zip(found, range(MOST_TOLD), strict=False)]


def _strict_problems(schema: dict[str, Json], name: str) -> Iterator[str]:
    if name and not NAME.fullmatch(name):
        yield "The name has letters of a to z, digits, _ and - only, and at most 64 of them."
    if schema.get("type") != "object" or "anyOf" in schema:
        yield 'At the top: it must have "type": "object", and no “anyOf”.'
    properties = values = characters = 0
    for place, node, depth in _nodes(schema):
        yield from _of_node(place, node)
        names, enum = _properties(node), _list(node, "enum")
        properties, values = properties + len(names), values + len(enum)
        characters += sum(map(len, names)) + sum(len(one) for one in enum if isinstance(one, str))
        if depth == DEEPEST + 1 and _is_object(node):
            yield f"{_at(place)}: it lies deeper than {DEEPEST} objects."
    if properties > MOST_PROPERTIES or values > MOST_ENUM_VALUES or characters > LONGEST_NAMES:
        yield (
            f"It is too large: at most {MOST_PROPERTIES:,} properties and {MOST_ENUM_VALUES:,} values of "
            f"“enum”, of {LONGEST_NAMES:,} characters together."
        )


def _of_node(place: str, node: dict[str, Json]) -> Iterator[str]:
    at = _at(place)
    if "$ref" in node:
        if others := [key for key in node if key not in ("$ref", "$defs", "definitions", "$schema")]:
            yield f"{at}: beside “$ref” there may be nothing, but there is “{others[0]}”."
        return
    for word in _NOT_PERMITTED:
        if word in node:
            yield f"{at}: “{word}” is not permitted."
    if not {"type", "enum", "const", "anyOf"} & node.keys():
        yield f"{at}: it must have a “type”."
    if not _is_object(node):
        return
    names = _properties(node)
    if node.get("additionalProperties") is not False:
        yield f'{at}: it must say "additionalProperties": false.'
    required = {one for one in _list(node, "required") if isinstance(one, str)}
    if missing := [one for one in names if one not in required]:
        yield (
            f"{at}: “required” must name every property, and “{missing[0][:40]}” is not there. One that may "
            "be absent has a type with null instead."
        )
    if extra := sorted(required - set(names)):
        yield f"{at}: “required” names “{extra[0][:40]}”, which is no property."


def _nodes(schema: dict[str, Json]) -> Iterator[Node]:
    """Every subschema that is an object, each with its place, in the order in which one reads."""
    waiting: list[Node] = [("", schema, 1)]
    while waiting:
        place, node, depth = waiting.pop()
        yield place, node, depth
        below = [
            (f"{place}/{where}", part, depth + where.startswith(("properties/", "patternProperties/")))
            for where, part in _parts(node)
            if isinstance(part, dict)
        ]
        waiting += reversed(below)


def _parts(node: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    yield from ((word, node[word]) for word in _OF_ONE if word in node)
    for word in _OF_MANY:
        yield from ((f"{word}/{number}", part) for number, part in enumerate(_list(node, word)))
    for word in _OF_NAMES:
        named = node.get(word)
        if isinstance(named, dict):
            yield from ((f"{word}/{name}", part) for name, part in named.items())


def _is_object(node: dict[str, Json]) -> bool:
    return "properties" in node or node.get("type") == "object" or "object" in _list(node, "type")


def _properties(node: dict[str, Json]) -> list[str]:
    named = node.get("properties")
    return list(named) if isinstance(named, dict) else []


def _list(node: dict[str, Json], word: str) -> list[Json]:
    found = node.get(word)
    return found if isinstance(found, list) else []


def _at(place: str) -> str:
    return f"At {place.removeprefix('/')[:200]}" if place else "At the top"
