"""What one input may cost: the limits of what the site parses for people, and the checks that come first.

A parser gives no notice of what it is about to build: a file of some kilobytes can name gigabytes, and
brackets in brackets end the process that reads them. So values and levels are counted before anything is
made of them, by the signs in the text alone. The table in docs/limits.md says what each limit is and what
people are told.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NoReturn

import yaml

from prompts_app.engine.errors import TooMuch
from prompts_app.engine.types import Json

MOST_BYTES = 20 * 1024 * 1024  # of a file that is brought in
MOST_BYTES_UNPACKED = 50 * 1024 * 1024  # of all files in a zip
MOST_FILES = 2_000  # in a zip or a folder
MOST_VALUES = 500_000  # in a JSON file: numbers, texts, lists, objects
MOST_YAML_VALUES = 50_000  # in a YAML file, which takes ten times as long to read
MOST_VALUES_JUDGED = 100_000  # in an output that is read as JSON, and in a record that is verified
MOST_VALUES_TYPED = 20_000  # in JSON or YAML typed into a field, or standing in an assertion
DEEPEST = 100  # levels; beyond it nothing that is meant to be read by people
LARGEST_COUNT = 2**31 - 1  # what every database's integer column holds
LONGEST_INTEGER = 100  # digits; a double holds 308, and nothing of ours counts that far
MOST_CELLS = 500_000  # in a table
MOST_COLUMNS = 500
LONGEST_CELL = 1_000_000  # characters
MOST_TAG_NAMES = 50  # "%TAG" lines at a YAML file's beginning: each is compared with all others

_NO_SIGN = re.compile(r'(?:"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[^"\[\]{},]++)++', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1, ",": 0}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

csv.field_size_limit(LONGEST_CELL)  # one limit for the whole process: the module keeps it so


def check_json(text: str, most: int = MOST_VALUES) -> None:
    """Raises TooMuch where ``text``, read as JSON, has too many values or levels. Whether it is JSON at all
    is for its reader to say."""
    opened = text.count("[") + text.count("{")
    if opened <= DEEPEST and opened + text.count(",") < most:
        return  # whatever of these stands within texts
    signs = _NO_SIGN.sub("", text)
    if max(accumulate(map(_STEPS.__getitem__, signs)), default=0) > DEEPEST:
        raise TooMuch("The JSON is nested too deeply.")
    if len(signs) - signs.count("]") - signs.count("}") > most:
        raise TooMuch(f"The JSON holds too many values: {most:,} is the most.")


def load_json(text: str, most: int = MOST_VALUES, **how: Any) -> Json:
    """``json.loads`` within the budget: no NaN or Infinity. Raises TooMuch, and ``json.JSONDecodeError``."""
    check_json(text, most)
    how = {"parse_constant": refuse_constant, "parse_int": whole} | how
    try:
        return json.loads(text, **how)
    except RecursionError:  # not within the levels that are left; but who knows what calls this
        raise TooMuch("The JSON is nested too deeply.") from None


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"The JSON holds {name}, which is not a number. Write null or a number instead.")


def whole(digits: str) -> int:
    """A whole number of JSON or YAML. Raises TooMuch."""
    if len(digits) > LONGEST_INTEGER:
        raise TooMuch("It holds a number that is too large to keep.")
    return int(digits)


def check_yaml(text: str, most: int = MOST_YAML_VALUES, *, aliases: bool = True) -> None:
    """Raises TooMuch where ``text``, read as YAML, would become too many values or levels, those that its
    aliases repeat included. Raises ``yaml.YAMLError`` where it is none."""
    if text.count("%TAG") > MOST_TAG_NAMES and len(re.findall("^%TAG", text, re.M)) > MOST_TAG_NAMES:
        raise TooMuch("The YAML declares too many tags.")
    count = _Count(most)
    for event in yaml.parse(text, Loader=_LOADER):
        if not aliases and isinstance(event, yaml.AliasEvent):
            raise TooMuch("aliases (*name) cannot be used in it")
        count.add(event)


class _Count:
    """Values and levels of YAML, event by event."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values = 0
        self._open: list[tuple[str | None, int, int]] = []  # anchor, values before it, levels in it so far
        self._named: dict[str, tuple[int, int]] = {}  # anchor → values, levels

    def add(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._take(*self._named.get(str(event.anchor), (1, 0)))
        elif isinstance(event, yaml.ScalarEvent):
            self._take(1, 0)
            self._name(event.anchor, 1, 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._name(event.anchor, 1, DEEPEST + 1)  # so that an alias to it within itself is refused
            self._take(1, 0)
            self._open.append((event.anchor, self._values - 1, 0))
            self._take(0, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before, levels = self._open.pop()
            self._name(anchor, self._values - before, levels + 1)
            self._grow(levels + 1)

    def _take(self, values: int, levels: int) -> None:
        self._values += values
        self._grow(levels)
        if len(self._open) + levels > DEEPEST:
            raise TooMuch("The YAML is nested too deeply.")
        if self._values > self._most:
            raise TooMuch(
                f"The YAML holds too many values, or aliases that multiply: {self._most:,} is the most. "
                "JSON may hold more."
            )

    def _grow(self, levels: int) -> None:
        if self._open and self._open[-1][2] < levels:
            anchor, before, _ = self._open[-1]
            self._open[-1] = (anchor, before, levels)

    def _name(self, anchor: str | None, values: int, levels: int) -> None:
        if anchor is not None:
            self._named[anchor] = (values, levels)


def table_rows(text: str, **how: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV text as they come, each with the number of the line it ends on. ``how``: as
    ``csv.reader`` takes it. Raises TooMuch, and ``csv.Error`` with the line."""
    reader = csv.reader(io.StringIO(text, newline=""), **how)
    cells = 0
    try:
        for row in reader:
            cells += len(row)
            if len(row) > MOST_COLUMNS:
                raise TooMuch(f"Line {reader.line_num} has too many columns: {MOST_COLUMNS:,} is the most.")
            if cells > MOST_CELLS:
                raise TooMuch(f"The table holds too many cells: {MOST_CELLS:,} is the most.")
            yield reader.line_num, row
    except csv.Error as wrong:
        raise csv.Error(f"line {reader.line_num}: {wrong}") from None
