"""promptfoo's results as JSON or YAML (version 3, and older ones where they say the same): prompts with runs.

Every prompt and provider is one run; results of the same test, prompt and provider are its repeats. What
promptfoo found is kept as it found it, with its reasons: nothing is judged again. Rows stand in the file in
the order in which they were done; prompts and tests are brought back to the order of their numbers.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NoReturn

from prompts_app.engine.errors import FormatError
from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.engine.formats.parts import parameters_in
from prompts_app.engine.formats.promptfoo import assertions
from prompts_app.engine.formats.promptfoo.config import prompt_of, tell_the_rest
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
from prompts_app.engine.formats.types import ImportedPrompt, Parsed
from prompts_app.engine.types import Assertion, CaseContent, Json

VERSIONS = (1, 2, 3)
_YAML = {"yaml", "yml"}
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
        value = _from_yaml(source)
    inner = value.get("results") if isinstance(value, dict) else None
    return isinstance(inner, dict) and isinstance(inner.get("results"), list) and "stats" in inner


def _from_yaml(source: SourceFile) -> Json:
    """None where it is broken: then it is none of ours to tell."""
    try:
        return source.must_be_yaml()
    except FormatError:
        return None


def _is_lines(source: SourceFile) -> bool:
    try:
        row = read_json(source.text.lstrip().partition("\n")[0])
    except FormatError:
        return False
    return isinstance(row, dict) and {"promptIdx", "testCase", "provider"} <= row.keys()


@dataclass(slots=True)
class _Column:
    """One prompt on one provider, with its results in the file's order."""

    variant: int  # place among the variants
    provider: Provider
    asked: int  # which of several providers of this id and label it is
    settings: dict[str, Json]
    rows: list[ResultRow] = field(default_factory=list)


def read(source: SourceFile) -> Parsed:
    if _is_lines(source):
        raise FormatError(_LINES)
    file = source.must_be_yaml() if source.extension in _YAML else source.must_be_json()
    summary = as_object(as_object(file).get("results"))
    if summary.get("version", 3) not in VERSIONS:
        raise FormatError(f"These are promptfoo results of version {summary['version']}; 3 can be read.")
    rows = sorted(_rows(summary.get("results")), key=_number_of)
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
    tell_the_rest(reading)
    runs = _runs(columns, grids, _context(source, file, summary))
    return Parsed((_named(prompt, source, runs),), reading.problems())


def _rows(listed: Json) -> list[ResultRow]:
    if not isinstance(listed, list) or not listed:
        raise FormatError("There are no results in this file.")
    rows = [ResultRow(row, f"results.results[{number}]") for number, row in enumerate(listed)]
    for row in rows:
        if not isinstance(row.values, dict):
            refuse(row.where, "an object")
    return rows


def _number_of(row: ResultRow) -> tuple[float, float]:
    """Its prompt's place in the file, and its test's; a row that does not say stays behind the others."""
    prompt, test = (_place(row.values.get(name)) for name in ("promptIdx", "testIdx"))
    return (math.inf if prompt is None else prompt, math.inf if test is None else test)


def _place(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _named(prompt: ImportedPrompt, source: SourceFile, runs: tuple[BundledRun, ...]) -> ImportedPrompt:
    name = f"promptfoo results {source.name}".strip()
    versions = tuple(
        replace(version, note=version.note.replace("promptfoo configuration", "promptfoo results", 1))
        for version in prompt.versions
    )
    return replace(prompt, source=name, versions=versions, runs=runs)


def _repeats(file: dict[str, Json], config: Mapping[str, Json]) -> int | None:
    """How often each test was asked, where the file says so."""
    for place in (
        file.get("runtimeOptions"),
        config.get("evaluateOptions"),
        config.get("commandLineOptions"),
    ):
        repeat = as_object(place).get("repeat")
        if isinstance(repeat, int) and not isinstance(repeat, bool) and 1 <= repeat <= 1000:
            return repeat
    return None


# --- prompts and providers ----------------------------------------------------------------------------


def _columns(
    reading: ConfigReading,
    rows: Sequence[ResultRow],
    summary: dict[str, Json],
    configured: tuple[Provider, ...],
) -> tuple[tuple[Variant, ...], list[_Column]]:
    heads = [_head(one, one) for one in _heads(summary)]
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


def _heads(summary: dict[str, Json]) -> list[dict[str, Json]]:
    """The columns' prompts; version 2 has them in its table."""
    table = as_object(as_object(summary.get("table")).get("head"))
    listed = summary.get("prompts") or table.get("prompts")
    return [as_object(item) for item in listed] if isinstance(listed, list) else []


@dataclass(frozen=True, slots=True)
class _Head:
    """A prompt as the file has it. Its label is "" where that is the text itself; ``config`` is JSON."""

    raw: str
    label: str
    config: str


def _head_of(row: ResultRow, heads: list[_Head | None]) -> _Head:
    """From the table's head where there is one; else from the row, whose label then is the template."""
    place, prompt = _place(row.values.get("promptIdx")), as_object(row.values.get("prompt"))
    head = heads[place] if place is not None and place < len(heads) else None
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

    def grid(self, rows: Sequence[ResultRow]) -> list[tuple[CaseContent, list[ResultRow]]]:
        """The rows of one run, by case, each case with its repeats."""
        groups: dict[str, list[ResultRow]] = {}
        for row in rows:
            groups.setdefault(_key(row), []).append(row)
        repeats = self._repeats or _common_size(list(groups.values()))
        cells = {}
        for key, members in groups.items():
            for number in range(0, len(members), repeats):
                part = members[number : number + repeats]
                place = (key, number // repeats)
                cells[place] = part
                self._numbers[place] = min(self._numbers.get(place, math.inf), _number_of(part[0])[1])
        return [(self._case(place, part), part) for place, part in cells.items()]

    def _case(self, place: tuple[str, int], rows: list[ResultRow]) -> CaseContent:
        if place not in self._cases:
            case = self._read(rows)
            self._cases[place] = replace(case, name=f"{case.name} ({place[1] + 1})") if place[1] else case
        return self._cases[place]

    def _read(self, rows: list[ResultRow]) -> CaseContent:
        test = as_object(rows[0].values.get("testCase"))
        if _NUMBERED.fullmatch(str(test.get("description") or "")):
            test = {key: value for key, value in test.items() if key != "description"}
        where = f"{rows[0].where}.testCase"
        options = as_object(test.get("options"))
        found = self._asserted(rows, options)
        if not found:
            found = assertions.read(self._reading, test.get("assert"), f"{where}.assert", options)
        return self._tests.case_of(Test({**test, "vars": _variables(rows[0], test)}, where), found)

    def _asserted(self, rows: list[ResultRow], options: Mapping[str, Json]) -> tuple[Assertion, ...]:
        """The assertions as they were really run, from the first result that has them."""
        for row in rows:
            asserted = [assertion_of(one) for one in components(as_object(row.values.get("gradingResult")))]
            if known := [one for one in asserted if one.get("type")]:
                where = f"{row.where}.gradingResult.componentResults"
                return assertions.read(self._reading, known, where, options)
        return ()


def _key(row: ResultRow) -> str:
    """Tells one test from another: by its values, and by what it is held to."""
    test = as_object(row.values.get("testCase"))
    values = test.get("vars") if isinstance(test.get("vars"), dict) else row.values.get("vars")
    return as_json(
        [values, test.get("assert"), test.get("description"), test.get("options"), test.get("metadata")]
    )


def _variables(row: ResultRow, test: Mapping[str, Json]) -> dict[str, Json]:
    """The test's own values; where such a value is a file's name, what was in the file."""
    used, own = as_object(row.values.get("vars")), as_object(test.get("vars"))
    return {
        name: used.get(name, value) if isinstance(value, str) and value.startswith(FILE) else value
        for name, value in (own or used).items()
    }


def _common_size(groups: Sequence[Sequence[ResultRow]]) -> int:
    """The number of results of every case where it is the same for all; else each stands for itself."""
    sizes = {len(group) for group in groups}
    return sizes.pop() if len(sizes) == 1 else 1


# --- runs ----------------------------------------------------------------------------------------------


def _context(source: SourceFile, file: dict[str, Json], summary: dict[str, Json]) -> Context:
    version = as_object(file.get("metadata")).get("promptfooVersion")
    return Context(
        at=_time(summary.get("timestamp")) or _time(file.get("createdAt")) or _no_time(),
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


def _no_time() -> NoReturn:
    refuse("results.timestamp", "a time with its zone (2026-11-22T08:00:00Z)")


def _runs(
    columns: Sequence[_Column],
    grids: Sequence[Sequence[tuple[CaseContent, list[ResultRow]]]],
    context: Context,
) -> tuple[BundledRun, ...]:
    asked = {_identity(column): column.provider for column in columns}
    names = distinct_models(tuple(asked.values()))
    models = dict(zip(asked, names, strict=True))
    return tuple(
        _run(number, column, models[_identity(column)], grid, context)
        for number, (column, grid) in enumerate(zip(columns, grids, strict=True))
    )


def _identity(column: _Column) -> tuple[str, str, int]:
    return column.provider.id, column.provider.label, column.asked


def _run(
    number: int,
    column: _Column,
    model: str,
    grid: Sequence[tuple[CaseContent, list[ResultRow]]],
    context: Context,
) -> BundledRun:
    results = (result_of(row, index, repeat, model, context) for index, repeat, row in _places(grid))
    return BundledRun(
        id=f"{context.id}-{number}",
        version=column.variant + 1,
        model=model,
        suite=tuple(case for case, _ in grid),
        source="imported",
        state="finished",
        created_at=context.at,
        started_at=context.at,
        finished_at=context.at,
        results=tuple(results),
        parameters=column.settings,
        repeats=max(len(rows) for _, rows in grid),
        source_note=context.note,
    )


def _places(grid: Sequence[tuple[CaseContent, list[ResultRow]]]) -> Iterator[tuple[int, int, ResultRow]]:
    for index, (_, rows) in enumerate(grid):
        for repeat, row in enumerate(rows):
            yield index, repeat, row


FORMAT = Format(
    "promptfoo-results", "promptfoo results (JSON or YAML)", recognises, read, ("json", "yaml", "yml")
)
