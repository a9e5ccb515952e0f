"""How much work a JSON Schema can make of a value, told before it is tried.

The validator stops for nobody, and a dozen lines of references to references ask for a billion checks. So
they are counted first, from above, the way a validator goes: what applies to a value itself adds up, what
applies to its parts is one level further down, and a value is only so many levels deep.
"""

import re
from collections.abc import Iterator
from math import prod
from urllib.parse import unquote, urljoin

from prompts_app.engine.errors import TooManyChecks
from prompts_app.engine.types import Json

MOST_CHECKS = 5_000_000
"""In the worst case a second."""

MOST_WRITTEN_OUT = 25_000  # repeats of all patterns together, each some 2 KB in memory
A_STRETCH = 200  # characters of a text that count as one value
BACKTRACKS = 1_000  # checks that one of a pattern which looks around or back may take, at its limit of steps

_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_LOOKS_BACK = re.compile(r"\(\?[=!<]|\\[1-9k]")
_NAMES = ("required", "enum", "const", "dependentRequired", "dependencies")  # each name or value is looked at

# Keywords with schemas in them: those of the value itself, and those of its parts. Of "properties" and of
# tuples only one schema meets each part.
_HERE = ("not", "if", "then", "else")
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_PARTS = (
    "items", "additionalItems", "additionalProperties", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
_PART_MAPS = ("patternProperties",)
_ONE_OF_PARTS = ("properties", "prefixItems", "items")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_METASCHEMAS = ("http://json-schema.org/", "https://json-schema.org/")


def check_work(schema: Json, value: Json) -> int:
    """How many checks it takes at most to hold ``value`` to ``schema``. Raises ``TooManyChecks`` where that
    could take too long."""
    ends, depth = _size(value)
    checks = _Work(schema, depth).of_root(depth, MOST_CHECKS // ends) * ends
    if checks > MOST_CHECKS:
        raise TooManyChecks("it would take too many checks")
    return checks


def _size(value: Json) -> tuple[int, int]:
    """How many ways lead down to its ends, and how long the longest is."""
    ends, depth, level = 0, -1, [value]
    while level:
        ends, depth = ends + sum(map(_weight, level)), depth + 1
        level = [part for one in level for part in _parts(one)]
    return ends, depth


def _weight(value: Json) -> int:
    """What it counts as an end: nothing where it has parts."""
    if isinstance(value, dict | list):
        return 0 if value else 1
    return 1 + len(value) // A_STRETCH if isinstance(value, str) else 1


def _parts(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _own_checks(node: dict[str, Json]) -> int:
    """What a value is held to by one object of the schema itself."""
    named = sum(_size(node[name])[0] for name in _NAMES if name in node)
    return 1 + named + sum(BACKTRACKS for one in _patterns_of(node) if _LOOKS_BACK.search(one))


def _patterns_of(node: dict[str, Json]) -> Iterator[str]:
    if isinstance(node.get("pattern"), str):
        yield node["pattern"]
    if isinstance(node.get("patternProperties"), dict):
        yield from node["patternProperties"]


def _written_out(pattern: str) -> int:
    """About how many repeats a pattern is in memory; none is larger than the engine's own limit."""
    counts = [int(found[2] or found[1]) for found in _REPEAT.finditer(pattern[:10_000])]
    return len(pattern) // 50 + min(1_000, (prod if "(" in pattern else sum)(counts[:100]) if counts else 0)


class _Work:
    """Counts level by level from the bottom, so that neither schema nor value can be too deep to count."""

    def __init__(self, schema: Json, depth: int) -> None:
        self._root = schema
        self._named: dict[str, Json] = {"": schema}
        self._base = str((schema.get("$id") or schema.get("id") or "") if isinstance(schema, dict) else "")
        self._objects = [node for node in self._walk(schema) if isinstance(node, dict)]
        if len(self._objects) * (depth + 1) > MOST_CHECKS // 10:  # counting alone would take as long
            raise TooManyChecks("it would take too many checks")
        self._own = {id(node): _own_checks(node) for node in self._objects}
        if sum(map(_written_out, self._patterns())) > MOST_WRITTEN_OUT:
            raise TooManyChecks("the repeats in its patterns are too many")
        self._here = {id(node): list(self._applied_here(node)) for node in self._objects}
        self._deeper = {id(node): list(self._applied_to_parts(node)) for node in self._objects}

    def of_root(self, depth: int, enough: int) -> int:
        """The checks on one way down that is so long; counting ends where they are more than ``enough``."""
        below: dict[int, int] = {}
        for _ in range(depth + 1):
            level = self._level(below)
            if (found := level.get(id(self._root), 1)) > enough or level == below:
                return found
            below = level
        return below.get(id(self._root), 1)

    def _level(self, below: dict[int, int]) -> dict[int, int]:
        level: dict[int, int] = {}
        for node in self._objects:
            self._count(node, below, level)
        return level

    def _count(self, start: Json, below: dict[int, int], level: dict[int, int]) -> None:
        """Fills ``level`` for ``start`` and all that applies to the same value as it does."""
        waiting, under_way = [id(start)], set[int]()
        while waiting:
            node = waiting[-1]
            wanted = [one for one in self._here.get(node, ()) if one not in level and one in self._here]
            if node not in level and wanted:
                if node in under_way:
                    raise TooManyChecks("a part of it refers to itself")
                under_way.add(node)
                waiting += wanted
                continue
            waiting.pop()
            if node not in level:
                here = sum(level.get(one, 1) for one in self._here.get(node, ()))
                parts = sum(max(below.get(o, 1) for o in group) for group in self._deeper.get(node, ()))
                level[node] = min(self._own.get(node, 1) + here + parts, 2 * MOST_CHECKS)

    def _patterns(self) -> Iterator[str]:
        for node in self._objects:
            yield from _patterns_of(node)

    def _walk(self, schema: Json) -> Iterator[Json]:
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

    def _applied_here(self, node: dict[str, Json]) -> Iterator[int]:
        yield from (id(node[name]) for name in _HERE if name in node)
        for name in (*_HERE_LISTS, *_HERE_MAPS):
            yield from map(id, _parts(node.get(name)))
        for name in _REFERENCES:
            if isinstance(node.get(name), str) and not node[name].startswith(_METASCHEMAS):
                yield id(self._referred(node[name]))

    @staticmethod
    def _applied_to_parts(node: dict[str, Json]) -> Iterator[list[int]]:
        """Groups of which one at most meets a part of the value."""
        yield from ([id(node[name])] for name in _PARTS if isinstance(node.get(name), dict))
        for name in _PART_MAPS:
            yield from ([id(one)] for one in _parts(node.get(name)))
        for name in _ONE_OF_PARTS:
            found = node.get(name)
            if found and (name != "items" or isinstance(found, list)):
                yield [id(one) for one in _parts(found)] or [0]

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
