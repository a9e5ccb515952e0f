"""Counts, before a JSON Schema is applied, how many checks a validator could have to make at most.

The validator cannot be stopped, and a dozen lines of references to references ask for a billion checks. The
bound is that of the longest way from the value down to one of its ends, times the number of ends. On such a
way the subschemas that apply to the same value add up (``allOf``, ``$ref`` …), and those that apply to its
parts (``properties``, ``items`` …) are counted one level further down, for as many levels as the value has.
"""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from math import prod
from urllib.parse import unquote, urljoin

from prompts_app.engine.errors import TooManyChecks
from prompts_app.engine.types import Json

MOST_CHECKS = 5_000_000  # a second in the worst case
MOST_REPEATS = 25_000  # of all patterns together, each some 2 KB in memory
A_STRETCH = 200  # characters of a text that count as one value
BACKTRACKS = 1_000  # checks that one of a pattern which looks around or back may take, at its limit of steps

_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_LOOKS_BACK = re.compile(r"\(\?[=!<]|\\[1-9k]")
_NAMES = ("required", "enum", "const", "dependentRequired", "dependencies")  # each name or value is compared

# Where a schema holds subschemas: for the same value (one, several in a list or map, by reference), and for
# the parts of the value. Of the schemas in "properties" and in tuples only one meets each part.
_SAME_VALUE = ("not", "if", "then", "else")
_SAME_VALUE_SEVERAL = ("allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_EVERY_PART = (
    "items", "additionalItems", "additionalProperties", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
_ONE_EACH = ("properties", "prefixItems", "items")
_METASCHEMAS = ("http://json-schema.org/", "https://json-schema.org/")


def check_work(schema: Json, value: Json) -> int:
    """How many checks it takes at most to hold ``value`` to ``schema``. Raises ``TooManyChecks`` where that
    could take too long."""
    ends, depth = _ends_and_depth(value)
    checks = _SchemaWork(schema, depth).on_one_way(depth, MOST_CHECKS // ends) * ends
    if checks > MOST_CHECKS:
        raise TooManyChecks("it would take too many checks")
    return checks


def _ends_and_depth(value: Json) -> tuple[int, int]:
    """How many values without parts there are in a value, long texts as several; how many levels it has."""
    ends, depth, level = 0, -1, [value]
    while level:
        ends, depth = ends + sum(map(_weight_as_end, level)), depth + 1
        level = [part for one in level for part in _parts(one)]
    return ends, depth


def _weight_as_end(value: Json) -> int:
    if isinstance(value, dict | list):
        return 0 if value else 1
    return 1 + len(value) // A_STRETCH if isinstance(value, str) else 1


def _parts(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _own_checks(node: dict[str, Json]) -> int:
    """What one schema asks of a value by itself, without its subschemas."""
    named = sum(_ends_and_depth(node[name])[0] for name in _NAMES if name in node)
    return 1 + named + sum(BACKTRACKS for one in _patterns_of(node) if _LOOKS_BACK.search(one))


def _patterns_of(node: dict[str, Json]) -> Iterator[str]:
    if isinstance(node.get("pattern"), str):
        yield node["pattern"]
    if isinstance(node.get("patternProperties"), dict):
        yield from node["patternProperties"]


def _repeats_in(pattern: str) -> int:
    """About how many repeats a pattern is in memory; none is larger than the engine's own limit."""
    counts = [int(found[2] or found[1]) for found in _REPEAT.finditer(pattern[:10_000])]
    return len(pattern) // 50 + min(1_000, (prod if "(" in pattern else sum)(counts[:100]) if counts else 0)


class _SchemaWork:
    """The objects of a schema by ``id()``, what each asks for itself, and which others it applies."""

    def __init__(self, schema: Json, depth: int) -> None:
        self._root = schema
        self._base = str((schema.get("$id") or schema.get("id") or "") if isinstance(schema, dict) else "")
        self._named: dict[str, Json] = {"": schema}
        objects = [node for node in self._walk(schema) if isinstance(node, dict)]
        if len(objects) * (depth + 1) > MOST_CHECKS // 10:  # counting alone would take as long
            raise TooManyChecks("it would take too many checks")
        if sum(_repeats_in(one) for node in objects for one in _patterns_of(node)) > MOST_REPEATS:
            raise TooManyChecks("the repeats in its patterns are too many")
        self._own = {id(node): _own_checks(node) for node in objects}
        self._same_value = {id(node): list(self._for_same_value(node)) for node in objects}
        self._parts = {id(node): list(_for_parts(node)) for node in objects}
        try:
            self._order = tuple(TopologicalSorter(self._same_value).static_order())
        except CycleError:
            raise TooManyChecks("a part of it refers to itself") from None

    def on_one_way(self, depth: int, enough: int) -> int:
        """The checks on one way down of ``depth`` levels; counting ends above ``enough``."""
        below: dict[int, int] = {}
        for _ in range(depth + 1):
            level: dict[int, int] = {}
            for node in self._order:  # what applies to the same value comes before what applies it
                same_value = sum(level[one] for one in self._same_value.get(node, ()))
                parts = sum(max(below.get(o, 1) for o in group) for group in self._parts.get(node, ()))
                level[node] = min(self._own.get(node, 1) + same_value + parts, 2 * MOST_CHECKS)
            if (found := level.get(id(self._root), 1)) > enough or level == below:
                return found
            below = level
        return below.get(id(self._root), 1)

    def _walk(self, schema: Json) -> Iterator[Json]:
        """Every value in the schema, noting by what name another may refer to it."""
        waiting = [schema]
        while waiting:
            node = waiting.pop()
            yield node
            if isinstance(node, dict):
                for name in ("$id", "id"):
                    if isinstance(node.get(name), str):
                        self._named.setdefault(urljoin(self._base, node[name]).removesuffix("#"), node)
                for name in ("$anchor", "$dynamicAnchor"):
                    self._named.setdefault(f"#{node.get(name)}", node)
            waiting += _parts(node)

    def _for_same_value(self, node: dict[str, Json]) -> Iterator[int]:
        yield from (id(node[name]) for name in _SAME_VALUE if name in node)
        for name in _SAME_VALUE_SEVERAL:
            yield from map(id, _parts(node.get(name)))
        for name in _REFERENCES:
            if isinstance(node.get(name), str) and not node[name].startswith(_METASCHEMAS):
                yield id(self._referred(node[name]))

    def _referred(self, reference: str) -> Json:
        if reference in self._named:
            return self._named[reference]
        base, _, pointer = reference.partition("#")
        node = self._named.get(urljoin(self._base, base) if base else "")
        for step in unquote(pointer).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict):
                node = node.get(name)
            elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            else:
                node = None
        if node is None:
            raise TooManyChecks(f"“{reference[:80]}” in it cannot be followed here")
        return node


def _for_parts(node: dict[str, Json]) -> Iterator[list[int]]:
    """Groups of subschemas of which at most one meets a part of the value."""
    yield from ([id(node[name])] for name in _EVERY_PART if isinstance(node.get(name), dict))
    yield from ([id(one)] for one in _parts(node.get("patternProperties")))
    for name in _ONE_EACH:
        found = node.get(name)
        if found and (name != "items" or isinstance(found, list)):
            yield [id(one) for one in _parts(found)] or [0]
