"""promptfoo's results as JSON or YAML (version 3, and older ones where they say the same): prompts with runs.

Every prompt and provider is one run; results of the same test, prompt and provider are its repeats. What
promptfoo found is kept as it found it, with its reasons: nothing is judged again. Rows stand in the file in
the order in which they were done; prompts and tests are brought back to the order of their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import (
    parameters,
    promptfoo_prompts,
    promptfoo_providers,
    promptfoo_wraps,
    titles,
)
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.engine.formats.promptfoo import prompt_of, tell_the_rest
from prompts_app.engine.formats.promptfoo_answers import Context, result_of
from prompts_app.engine.formats.promptfoo_cells import Cells
from prompts_app.engine.formats.promptfoo_prompts import Variant
from prompts_app.engine.formats.promptfoo_providers import Provider
from prompts_app.engine.formats.promptfoo_reading import Reading
from prompts_app.engine.formats.promptfoo_tests import Tests
from prompts_app.engine.formats.promptfoo_variables import usage_of
from prompts_app.engine.formats.promptfoo_wraps import Wraps
from prompts_app.engine.formats.reading import Fields
from prompts_app.engine.formats.source import Source, read_json
from prompts_app.engine.formats.types import Format, FormatError, ImportedPrompt, Parsed
from prompts_app.engine.types import Case, Json

VERSIONS = (1, 2, 3)
_YAML = {"yaml", "yml"}
# JSON Lines have the rows alone.
_LINES = (
    "These are promptfoo results as JSON Lines, which do not say when they were made or what was configured. "
    "Write them as JSON (promptfoo eval -o results.json) and import that file."
)


def recognises(source: Source) -> bool:
    if source.extension in {"jsonl", "ndjson"} or (
        source.json is None and '"promptIdx"' in source.text[:20_000]
    ):
        return _is_lines(source)
    value = source.json
    if value is None and source.extension in _YAML and "\nresults:" in f"\n{source.text}":
        value = _from_yaml(source)
    inner = value.get("results") if isinstance(value, dict) else None
    return isinstance(inner, dict) and isinstance(inner.get("results"), list) and "stats" in inner


def _from_yaml(source: Source) -> Json:
    """None where it is broken: then it is none of ours to tell."""
    try:
        return source.must_be_yaml()
    except FormatError:
        return None


def _is_lines(source: Source) -> bool:
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
    rows: list[Fields] = field(default_factory=list)


def read(source: Source) -> Parsed:
    if _is_lines(source):
        raise FormatError(_LINES)
    file = Fields.of(source.must_be_yaml() if source.extension in _YAML else source.must_be_json())
    summary = Fields.of(file.object("results"), "results")
    if summary.values.get("version", 3) not in VERSIONS:
        raise FormatError(
            f"These are promptfoo results of version {summary.values['version']}; 3 can be read."
        )
    rows = sorted(summary.each("results", lambda row: row), key=_number_of)
    if not rows:
        raise FormatError("There are no results in this file.")
    reading = Reading(source, _object(file.values.get("config")))
    settings_of = promptfoo_providers.read(reading, reading.config.get("providers") or ())
    shared = promptfoo_providers.settings_of_all(reading, settings_of)
    variants, columns = _columns(reading, rows, summary, settings_of)
    usage = usage_of(message for variant in variants for message in variant.messages)
    tests = Tests(reading, usage, can_wrap=promptfoo_wraps.can_be(variants, usage))
    cells = Cells(reading, tests, repeats=_repeats(file, reading.config))
    grids = [cells.grid(column.rows) for column in columns]
    variants = promptfoo_prompts.with_dollars(variants, cells.cases)
    prompt = prompt_of(reading, variants, tuple(column.provider for column in columns), shared, cells.cases)
    wraps = Wraps(frozenset(tests.around))
    prompt = wraps.prompt(prompt)
    grids = [[(wraps.case(case), members) for case, members in grid] for grid in grids]
    tell_the_rest(reading)
    runs = _runs(columns, grids, _context(source, file, summary))
    return Parsed((_named(prompt, source, runs),), reading.findings.problems())


def _number_of(row: Fields) -> tuple[float, float]:
    """Its prompt's place in the file, and its test's; a row that does not say stays behind the others."""
    prompt, test = (_place(row.values.get(name)) for name in ("promptIdx", "testIdx"))
    return (math.inf if prompt is None else prompt, math.inf if test is None else test)


def _place(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _named(prompt: ImportedPrompt, source: Source, runs: tuple[BundledRun, ...]) -> ImportedPrompt:
    name = f"promptfoo results {source.name}".strip()
    versions = tuple(
        replace(version, note=version.note.replace("promptfoo configuration", "promptfoo results", 1))
        for version in prompt.versions
    )
    return replace(prompt, source=name, versions=versions, runs=runs)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _repeats(file: Fields, config: Mapping[str, Json]) -> int | None:
    """How often each test was asked, where the file says so."""
    for place in (
        file.values.get("runtimeOptions"),
        config.get("evaluateOptions"),
        config.get("commandLineOptions"),
    ):
        repeat = _object(place).get("repeat")
        if isinstance(repeat, int) and not isinstance(repeat, bool) and 1 <= repeat <= 1000:
            return repeat
    return None


# --- prompts and providers ----------------------------------------------------------------------------


def _columns(
    reading: Reading, rows: Sequence[Fields], summary: Fields, configured: tuple[Provider, ...]
) -> tuple[tuple[Variant, ...], list[_Column]]:
    heads = [_head(one, one) for one in _heads(summary)]
    places = {head: place for place, head in enumerate(dict.fromkeys(head for head in heads if head))}
    columns: dict[tuple[str, str], _Column] = {}
    variants: dict[_Head, Variant] = {}
    for row in rows:
        provider, head = _object(row.values.get("provider")), _head_of(row, heads)
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


def _heads(summary: Fields) -> list[dict[str, Json]]:
    """The columns' prompts; version 2 has them in its table."""
    table = _object(_object(summary.values.get("table")).get("head"))
    listed = summary.values.get("prompts") or table.get("prompts")
    return [_object(item) for item in listed] if isinstance(listed, list) else []


@dataclass(frozen=True, slots=True)
class _Head:
    """A prompt as the file has it. Its label is "" where that is the text itself; ``config`` is JSON."""

    raw: str
    label: str
    config: str


def _head_of(row: Fields, heads: list[_Head | None]) -> _Head:
    """From the table's head where there is one; else from the row, whose label then is the template."""
    place, prompt = _place(row.values.get("promptIdx")), _object(row.values.get("prompt"))
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
    return _Head(text, named, as_json(_object(prompt.get("config")))) if text.strip() else None


def _variant(reading: Reading, head: _Head, number: int) -> Variant:
    place = reading.at(f"prompts[{number}]")
    messages = promptfoo_prompts.messages_of(reading, head.raw, place)
    settings, _ = parameters.sort_out(read_json(head.config), place)
    return Variant(messages, place, head.label, settings, promptfoo_prompts.chat_in(head.raw) is not None)


def _provider(value: Mapping[str, Json], configured: tuple[Provider, ...], asked: int) -> Provider:
    id_, label = str(value.get("id") or "unknown"), str(value.get("label") or "")
    alike = [one for one in configured if one.id == id_ and one.label == label]
    return alike[min(asked, len(alike) - 1)] if alike else Provider(id_, label)


# --- runs ----------------------------------------------------------------------------------------------


def _context(source: Source, file: Fields, summary: Fields) -> Context:
    version = _object(file.values.get("metadata")).get("promptfooVersion")
    return Context(
        at=_time(summary.values.get("timestamp")) or _time(file.values.get("createdAt")) or _no_time(summary),
        tool=f"promptfoo {version}" if isinstance(version, str) else "promptfoo",
        note=f"promptfoo results {source.name}; times include promptfoo’s own queue"[:200],
        id=str(file.values.get("evalId") or "promptfoo"),
    )


def _time(value: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _no_time(summary: Fields) -> datetime:
    summary.refuse("timestamp", "a time with its zone (2026-11-22T08:00:00Z)")


def _runs(
    columns: Sequence[_Column], grids: Sequence[Sequence[tuple[Case, list[Fields]]]], context: Context
) -> tuple[BundledRun, ...]:
    asked = {_identity(column): column.provider for column in columns}
    names = promptfoo_providers.distinct_models(tuple(asked.values()))
    models = dict(zip(asked, names, strict=True))
    return tuple(
        _run(number, column, models[_identity(column)], grid, context)
        for number, (column, grid) in enumerate(zip(columns, grids, strict=True))
    )


def _identity(column: _Column) -> tuple[str, str, int]:
    return column.provider.id, column.provider.label, column.asked


def _run(
    number: int, column: _Column, model: str, grid: Sequence[tuple[Case, list[Fields]]], context: Context
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


def _places(grid: Sequence[tuple[Case, list[Fields]]]) -> Iterator[tuple[int, int, Fields]]:
    for index, (_, rows) in enumerate(grid):
        for repeat, row in enumerate(rows):
            yield index, repeat, row


FORMAT = Format(
    "promptfoo-results", "promptfoo results (JSON or YAML)", recognises, read, ("json", "yaml", "yml")
)
