"""promptfoo's results as JSON or YAML (version 3, and older ones where they say the same): prompts with runs.

Every prompt and provider is one run; results of the same test, prompt and provider are its repeats. What
promptfoo found is kept as it found it, with its reasons: nothing is judged again. Rows stand in the file in
the order in which they were done; prompts and tests are brought back to the order of their numbers.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched

from prompts_app.engine.errors import FormatError
from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.engine.formats.parts import parameters_in
from prompts_app.engine.formats.promptfoo import assertions
from prompts_app.engine.formats.promptfoo.config import note_other_settings, prompt_of
from prompts_app.engine.formats.promptfoo.prompts import Variant, chat_in, messages_of, with_dollars
from prompts_app.engine.formats.promptfoo.providers import (
    Provider,
    distinct_models,
    read_providers,
    shared_settings,
)
from prompts_app.engine.formats.promptfoo.reading import FILE, ConfigReading
from prompts_app.engine.formats.promptfoo.rows import Context, ResultRow, assertion_of, components, result_of
from prompts_app.engine.formats.promptfoo.tests import Test, Tests
from prompts_app.engine.formats.promptfoo.variables import can_wrap, usage_of, wrapped
from prompts_app.engine.formats.reading import as_object, refuse
from prompts_app.engine.formats.source import Format, SourceFile, read_json
from prompts_app.engine.formats.types import Parsed
from prompts_app.engine.types import Assertion, CaseContent, Json

VERSIONS = (1, 2, 3)
_A_TIME = "a time with its zone (2026-11-22T08:00:00Z)"
_YAML = {"yaml", "yml"}
type _Grid = list[tuple[CaseContent, tuple[ResultRow, ...]]]  # each case with its repeats
# JSON Lines have the rows alone.
_LINES = (
    "These are promptfoo results as JSON Lines, which do not say when they were made or what was configured. "
    "Write them as JSON (promptfoo eval -o results.json) and import that file."
)


def recognises(source: SourceFile) -> bool:
    if source.extension in {"jsonl", "ndjson"} or (
        source.json is None and '"promptIdx"' in source.text[:20_000]
    ):
        return _is_lines(source)
    value = source.json
    if value is None and source.extension in _YAML and "\nresults:" in f"\n{source.text}":
        with suppress(FormatError):  # where it is broken it is none of ours to tell
            value = source.must_be_yaml()
    inner = as_object(as_object(value).get("results"))
    return isinstance(inner.get("results"), list) and "stats" in inner


def _is_lines(source: SourceFile) -> bool:
    try:
        row = read_json(source.text.lstrip().partition("\n")[0])
    except FormatError:
        return False
    return {"promptIdx", "testCase", "provider"} <= as_object(row).keys()


@dataclass(slots=True)
class _Column:
    """One prompt on one provider, with its results in the file's order."""

    variant: int  # place among the variants
    provider: Provider
    asked: int  # which of several providers of this id and label it is
    settings: dict[str, Json]
    rows: list[ResultRow] = field(default_factory=list)

    @property
    def who(self) -> tuple[str, str, int]:
        return self.provider.id, self.provider.label, self.asked


def read(source: SourceFile) -> Parsed:
    if _is_lines(source):
        raise FormatError(_LINES)
    file = as_object(source.must_be_yaml() if source.extension in _YAML else source.must_be_json())
    summary = as_object(file.get("results"))
    if summary.get("version", 3) not in VERSIONS:
        raise FormatError(f"These are promptfoo results of version {summary['version']}; 3 can be read.")
    rows = _rows(summary.get("results"))
    reading = ConfigReading(source, as_object(file.get("config")))
    configured = read_providers(reading)
    shared = shared_settings(reading, configured)
    variants, columns = _columns(reading, rows, summary, configured)
    usage = usage_of(message for variant in variants for message in variant.messages)
    tests = Tests(reading, usage, can_wrap=can_wrap(variants, usage))
    cells = Cells(reading, tests, repeats=_repeats(file, reading.config))
    grids = [cells.grid(column.rows) for column in columns]
    variants = with_dollars(variants, cells.cases)
    prompt = prompt_of(reading, variants, tuple(column.provider for column in columns), shared, cells.cases)
    prompt = wrapped(prompt, tests.around)
    # A run's suite holds the very cases of the prompt.
    cases = {id(case): now for case, now in zip(cells.cases, prompt.cases, strict=True)}
    grids = [[(cases[id(case)], members) for case, members in grid] for grid in grids]
    note_other_settings(reading)
    prompt = replace(
        prompt,
        source=f"promptfoo results {source.name}".strip(),
        versions=tuple(
            replace(version, note=version.note.replace("promptfoo configuration", "promptfoo results", 1))
            for version in prompt.versions
        ),
        runs=_runs(columns, grids, _context(source, file, summary)),
    )
    return Parsed((prompt,), reading.problems())


def _rows(listed: Json) -> list[ResultRow]:
    """By the numbers of their prompts and tests."""
    if not isinstance(listed, list) or not listed:
        raise FormatError("There are no results in this file.")
    rows = [ResultRow(row, f"results.results[{number}]") for number, row in enumerate(listed)]
    for row in rows:
        if not isinstance(row.values, dict):
            refuse(row.where, "an object")
    return sorted(rows, key=lambda row: (row.number("promptIdx"), row.number("testIdx")))


def _repeats(file: dict[str, Json], config: Mapping[str, Json]) -> int | None:
    """How often each test was asked, where the file says so."""
    told = file.get("runtimeOptions"), config.get("evaluateOptions"), config.get("commandLineOptions")
    repeats = (as_object(options).get("repeat") for options in told)
    return next((one for one in repeats if type(one) is int and 1 <= one <= 1000), None)


# --- prompts and providers ----------------------------------------------------------------------------


def _columns(
    reading: ConfigReading,
    rows: Sequence[ResultRow],
    summary: dict[str, Json],
    configured: tuple[Provider, ...],
) -> tuple[tuple[Variant, ...], list[_Column]]:
    table = as_object(as_object(summary.get("table")).get("head"))  # version 2 has the prompts there
    listed = summary.get("prompts") or table.get("prompts")
    heads = [_head(one, one) for one in map(as_object, listed)] if isinstance(listed, list) else []
    places = {head: place for place, head in enumerate(dict.fromkeys(head for head in heads if head))}
    columns: dict[tuple[str, str], _Column] = {}
    variants: dict[_Head, Variant] = {}
    for row in rows:
        provider, head = as_object(row.values.get("provider")), _head_of(row, heads)
        place = places.setdefault(head, len(places))
        who = as_json([place, provider.get("id"), provider.get("label")])
        key = (as_json(row.values.get("promptIdx")), who)
        if key not in columns:
            variant = variants.setdefault(head, _variant(reading, head, place))
            asked = sum(1 for _, other in columns if other == who)
            found = _provider(provider, configured, asked)
            columns[key] = _Column(place, found, asked, {**found.settings, **variant.settings})
        columns[key].rows.append(row)
    all_ = tuple(variants.get(head) or _variant(reading, head, place) for head, place in places.items())
    return all_, list(columns.values())


@dataclass(frozen=True, slots=True)
class _Head:
    """A prompt as the file has it. Its label is "" where that is the text itself; ``config`` is JSON."""

    raw: str
    label: str
    config: str


def _head_of(row: ResultRow, heads: list[_Head | None]) -> _Head:
    """From the table's head where there is one; else from the row, whose label then is the template."""
    place, prompt = row.number("promptIdx"), as_object(row.values.get("prompt"))
    head = heads[int(place)] if place < len(heads) else None
    if head is None:
        label = str(prompt.get("label") or prompt.get("display") or "")
        head = _head({**prompt, "raw": label or prompt.get("raw"), "label": label}, prompt)
    if head is None:
        raise FormatError(f"{row.where} does not say which prompt it belongs to.")
    return head


def _head(value: Mapping[str, Json], prompt: Mapping[str, Json]) -> _Head | None:
    """None where it says nothing. Older labels begin with who was asked."""
    label = str(value.get("label") or value.get("display") or "")
    raw = value.get("raw")
    text = raw if isinstance(raw, str) and raw.strip() else label
    label = label.removeprefix(f"[{value.get('provider')}] ")
    named = "" if text in label else titles.cut(label, 200)
    return _Head(text, named, as_json(as_object(prompt.get("config")))) if text.strip() else None


def _variant(reading: ConfigReading, head: _Head, number: int) -> Variant:
    where = f"prompts[{number}]"
    messages = messages_of(reading, head.raw, where)
    settings, _ = parameters_in(read_json(head.config), where)
    return Variant(messages, head.label, settings, chat_in(head.raw) is not None)


def _provider(value: Mapping[str, Json], configured: tuple[Provider, ...], asked: int) -> Provider:
    id_, label = str(value.get("id") or "unknown"), str(value.get("label") or "")
    alike = [one for one in configured if one.id == id_ and one.label == label]
    return alike[min(asked, len(alike) - 1)] if alike else Provider(id_, label)


# --- cases ---------------------------------------------------------------------------------------------

_NUMBERED = re.compile(r"Row #\d+")  # promptfoo's name for a test in a file that gives it none


class Cells:
    """The cases of all runs of a file, each once, in the order they are met."""

    def __init__(self, reading: ConfigReading, tests: Tests, repeats: int | None) -> None:
        """``repeats``: how often the file says each test was asked."""
        self._reading, self._tests, self._repeats = reading, tests, repeats
        self._cases: dict[tuple[str, int], CaseContent] = {}
        self._numbers: dict[tuple[str, int], float] = {}  # the first number each has as a test in the file

    @property
    def cases(self) -> tuple[CaseContent, ...]:
        """In the file's order, also of those that not every prompt was put to."""
        return tuple(self._cases[place] for place in sorted(self._cases, key=self._numbers.__getitem__))

    def grid(self, rows: Sequence[ResultRow]) -> _Grid:
        """The rows of one run, by case, each case with its repeats."""
        groups: dict[str, list[ResultRow]] = {}
        for row in rows:
            groups.setdefault(_key(row), []).append(row)
        sizes = {len(group) for group in groups.values()}
        repeats = self._repeats or (sizes.pop() if len(sizes) == 1 else 1)
        cells = []
        for key, members in groups.items():
            for number, part in enumerate(batched(members, repeats)):
                place = (key, number)
                if place not in self._cases:
                    self._cases[place] = self._case(part, number)
                first = part[0].number("testIdx")
                self._numbers[place] = min(self._numbers.get(place, math.inf), first)
                cells.append((self._cases[place], part))
        return cells

    def _case(self, rows: Sequence[ResultRow], number: int) -> CaseContent:
        test = as_object(rows[0].values.get("testCase"))
        if _NUMBERED.fullmatch(str(test.get("description") or "")):
            test = {key: value for key, value in test.items() if key != "description"}
        where = f"{rows[0].where}.testCase"
        options = as_object(test.get("options"))
        found = self._asserted(rows, options)
        if not found:
            found = assertions.read(self._reading, test.get("assert"), f"{where}.assert", options)
        used, own = as_object(rows[0].values.get("vars")), as_object(test.get("vars"))
        values = {  # where a value is a file's name, what was in the file
            name: used.get(name, value) if isinstance(value, str) and value.startswith(FILE) else value
            for name, value in (own or used).items()
        }
        case = self._tests.case_of(Test({**test, "vars": values}, where), found)
        return replace(case, name=f"{case.name} ({number + 1})") if number else case

    def _asserted(self, rows: Sequence[ResultRow], options: Mapping[str, Json]) -> tuple[Assertion, ...]:
        """The assertions as they were really run, from the first result that has them."""
        for row in rows:
            asserted = map(assertion_of, components(as_object(row.values.get("gradingResult"))))
            if known := [one for one in asserted if one.get("type")]:
                where = f"{row.where}.gradingResult.componentResults"
                return assertions.read(self._reading, known, where, options)
        return ()


def _key(row: ResultRow) -> str:
    """Tells one test from another: by its values, and by what it is held to."""
    test = as_object(row.values.get("testCase"))
    values = test.get("vars") if isinstance(test.get("vars"), dict) else row.values.get("vars")
    return as_json([values, *(test.get(name) for name in ("assert", "description", "options", "metadata"))])


# --- runs ----------------------------------------------------------------------------------------------


def _context(source: SourceFile, file: dict[str, Json], summary: dict[str, Json]) -> Context:
    version = as_object(file.get("metadata")).get("promptfooVersion")
    times = map(_time, (summary.get("timestamp"), file.get("createdAt")))
    return Context(
        at=next(filter(None, times), None) or refuse("results.timestamp", _A_TIME),
        tool=f"promptfoo {version}" if isinstance(version, str) else "promptfoo",
        note=f"promptfoo results {source.name}; times include promptfoo’s own queue"[:200],
        id=str(file.get("evalId") or "promptfoo"),
    )


def _time(value: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _runs(columns: Sequence[_Column], grids: Sequence[_Grid], context: Context) -> tuple[BundledRun, ...]:
    asked = {column.who: column.provider for column in columns}
    models = dict(zip(asked, distinct_models(tuple(asked.values())), strict=True))
    return tuple(
        BundledRun(
            id=f"{context.id}-{number}",
            version=column.variant + 1,
            model=(model := models[column.who]),
            suite=tuple(case for case, _ in grid),
            source="imported",
            state="finished",
            created_at=context.at,
            started_at=context.at,
            finished_at=context.at,
            results=tuple(
                result_of(row, index, repeat, model, context)
                for index, (_, rows) in enumerate(grid)
                for repeat, row in enumerate(rows)
            ),
            parameters=column.settings,
            repeats=max(len(rows) for _, rows in grid),
            source_note=context.note,
        )
        for number, (column, grid) in enumerate(zip(columns, grids, strict=True))
    )


FORMAT = Format("promptfoo-results", "promptfoo results (JSON or YAML)", recognises, read)
