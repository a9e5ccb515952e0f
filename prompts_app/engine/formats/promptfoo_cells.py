"""Which results of a promptfoo file belong to one case, and which are its repeats."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import promptfoo_assertions as assertions
from prompts_app.engine.formats.promptfoo_answers import assertion_of, components
from prompts_app.engine.formats.promptfoo_reading import FILE, Reading
from prompts_app.engine.formats.promptfoo_tests import Test, Tests
from prompts_app.engine.formats.reading import Fields
from prompts_app.engine.types import Assertion, Case, Json

_NUMBERED = re.compile(r"Row #\d+")  # promptfoo's name for a test in a file that gives it none


class Cells:
    """The cases of all runs of a file, each once, in the order they are met."""

    def __init__(self, reading: Reading, tests: Tests, repeats: int | None) -> None:
        """``repeats``: how often the file says each test was asked."""
        self._reading, self._tests, self._repeats = reading, tests, repeats
        self._cases: dict[tuple[str, int], Case] = {}
        self._numbers: dict[tuple[str, int], float] = {}  # the first number each has as a test in the file

    @property
    def cases(self) -> tuple[Case, ...]:
        """In the file's order, also of those that not every prompt was put to."""
        return tuple(self._cases[place] for place in sorted(self._cases, key=self._numbers.__getitem__))

    def grid(self, rows: Sequence[Fields]) -> list[tuple[Case, list[Fields]]]:
        """The rows of one run, by case, each case with its repeats."""
        groups: dict[str, list[Fields]] = {}
        for row in rows:
            groups.setdefault(_key(row), []).append(row)
        repeats = self._repeats or _common_size(list(groups.values()))
        cells = {}
        for key, members in groups.items():
            for number in range(0, len(members), repeats):
                part = members[number : number + repeats]
                place = (key, number // repeats)
                cells[place] = part
                self._numbers[place] = min(self._numbers.get(place, math.inf), _number(part[0]))
        return [(self._case(place, part), part) for place, part in cells.items()]

    def _case(self, place: tuple[str, int], rows: list[Fields]) -> Case:
        if place not in self._cases:
            case = self._read(rows)
            self._cases[place] = replace(case, name=f"{case.name} ({place[1] + 1})") if place[1] else case
        return self._cases[place]

    def _read(self, rows: list[Fields]) -> Case:
        test = _object(rows[0].values.get("testCase"))
        if _NUMBERED.fullmatch(str(test.get("description") or "")):
            test = {key: value for key, value in test.items() if key != "description"}
        where = f"{rows[0].where}.testCase"
        options = _object(test.get("options"))
        found = self._asserted(rows, options)
        if not found:
            found = assertions.read(self._reading, test.get("assert"), f"{where}.assert", options)
        return self._tests.case_of(Test({**test, "vars": _variables(rows[0], test)}, where), found)

    def _asserted(self, rows: list[Fields], options: Mapping[str, Json]) -> tuple[Assertion, ...]:
        """The assertions as they were really run, from the first result that has them."""
        for row in rows:
            asserted = [assertion_of(one) for one in components(_object(row.values.get("gradingResult")))]
            if known := [one for one in asserted if one.get("type")]:
                where = f"{row.where}.gradingResult.componentResults"
                return assertions.read(self._reading, known, where, options)
        return ()


def _number(row: Fields) -> float:
    number = row.values.get("testIdx")
    return number if isinstance(number, int) else math.inf


def _key(row: Fields) -> str:
    """Tells one test from another: by its values, and by what it is held to."""
    test = _object(row.values.get("testCase"))
    values = test.get("vars") if isinstance(test.get("vars"), dict) else row.values.get("vars")
    return as_json(
        [values, test.get("assert"), test.get("description"), test.get("options"), test.get("metadata")]
    )


def _variables(row: Fields, test: Mapping[str, Json]) -> dict[str, Json]:
    """The test's own values; where such a value is a file's name, what was in the file."""
    used, own = _object(row.values.get("vars")), _object(test.get("vars"))
    return {
        name: used.get(name, value) if isinstance(value, str) and value.startswith(FILE) else value
        for name, value in (own or used).items()
    }


def _common_size(groups: Sequence[Sequence[Fields]]) -> int:
    """The number of results of every case where it is the same for all; else each stands for itself."""
    sizes = {len(group) for group in groups}
    return sizes.pop() if len(sizes) == 1 else 1


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
