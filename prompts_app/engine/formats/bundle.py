"""Our own export: one author's prompts with cases, runs and every output, in one JSON file.

``{"format": "proofsheet-bundle", "version": 1, "author": {…}, "prompts": […]}``. Keys are sorted and lists
keep their order, so that two exports of the same thing are the same text and a diff reads well. Suites
stand once for each prompt, under their digest, and runs name the digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal

from prompts_app.engine.digests import case_from_json, case_json, suite_digest
from prompts_app.engine.formats.bundle_types import (
    Bundle,
    BundledAuthor,
    BundledCase,
    BundledFailure,
    BundledPrompt,
    BundledResult,
    BundledRun,
    BundledVersion,
)
from prompts_app.engine.formats.bundled_picture import read_picture
from prompts_app.engine.formats.reading import Fields
from prompts_app.engine.formats.source import read_json
from prompts_app.engine.formats.types import FormatError
from prompts_app.engine.types import ROLES, Case, Json, Message, Prompt, Variable

NAME = "proofsheet-bundle"
VERSION = 1
WIDTH = 160  # characters
# Written only where there is something: files from before they were there stay the same text.
_LATER = frozenset(
    {
        "judge_cost",
        "judge_calls",
        "tokens_reasoning",
        "reasoning_chars",
        "judge_endpoint",
        "judge_model",
        "judge_embedding_model",
        "judge_parameters",
        "suite_fixed_at",
        "suite_changed_at",
        "asks",
        "asked_at",
        "picture",
        "forked_from",
        "forked_licence",
        "known_failures",
        "private",
        "target_model",
        "target_declared_at",
    }
)

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


# --- writing ----------------------------------------------------------------------------------------------


def emit(bundle: Bundle) -> str:
    """The file's text. ``parse(emit(bundle)) == bundle``."""
    return _written(as_json(bundle), "") + "\n"


def _written(value: Json, margin: str) -> str:
    """JSON in which what is short stays on one line: half the size of an indented one, and easier to read."""
    short = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(short) + len(margin) <= WIDTH or not isinstance(value, dict | list):
        return short
    inner = margin + " "
    if isinstance(value, list):
        items = [_written(item, inner) for item in value]
    else:
        items = [
            f"{json.dumps(key, ensure_ascii=False)}: {_written(value[key], inner)}" for key in sorted(value)
        ]
    opened, closed = "[]" if isinstance(value, list) else "{}"
    return f"{opened}\n{inner}" + f",\n{inner}".join(items) + f"\n{margin}{closed}"


def as_json(bundle: Bundle) -> dict[str, Json]:
    return {
        "format": NAME,
        "version": VERSION,
        "author": asdict(bundle.author),
        "prompts": [prompt_json(prompt) for prompt in bundle.prompts],
    }


def prompt_json(prompt: BundledPrompt) -> dict[str, Json]:
    written: dict[str, Callable[[Json], Json]] = {
        "versions": _version_json,
        "cases": _case_json,
        "runs": _run_json,
        "known_failures": lambda failure: _columns(failure, {}),
    }
    suites = {suite_digest(run.suite): [case_json(case) for case in run.suite] for run in prompt.runs}
    return _columns(prompt, written) | {"suites": suites}


def _version_json(version: BundledVersion) -> dict[str, Json]:
    content = version.prompt
    return {
        "number": version.number,
        "note": version.note,
        "created_at": _plain(version.created_at),
        "messages": [asdict(message) for message in content.messages],
        "variables": [asdict(variable) for variable in content.variables],
        "parameters": dict(content.parameters),
    }


def _case_json(case: BundledCase) -> dict[str, Json]:
    return case_json(case.case) | {"created_at": _plain(case.created_at)}


def _run_json(run: BundledRun) -> dict[str, Json]:
    return _columns(run, {"results": _result_json}) | {"suite": suite_digest(run.suite)}


def _result_json(result: BundledResult) -> dict[str, Json]:
    return _columns(result, {})


def _columns(row: Json, written: Mapping[str, Callable[[Json], Json]]) -> dict[str, Json]:
    """A dataclass's own fields; those in ``written`` are lists, each item written by its function."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    return {
        name: [written[name](item) for item in value] if name in written else _plain(value)
        for name, value in values.items()
        if name not in _LATER or value not in (None, "", 0, {}, ())
    }


def _plain(value: Json) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return list(value) if isinstance(value, tuple) else value


# --- reading ----------------------------------------------------------------------------------------------


def is_bundle(value: Json) -> bool:
    return isinstance(value, dict) and value.get("format") == NAME


def parse(text: str) -> Bundle:
    """Raises FormatError, with the place, for whatever is not a bundle of version 1."""
    return from_json(read_json(text))


def from_json(value: Json) -> Bundle:
    """The opposite of ``as_json``. Raises FormatError."""
    _refuse_unstorable(value)
    file = Fields.of(value)
    if file.text("format") != NAME:
        raise FormatError(f"This is not a Proofsheet bundle: its “format” is not “{NAME}”.")
    if file.whole("version") != VERSION:
        raise FormatError(
            f"This bundle has version {file.whole('version')}; this site reads version {VERSION}."
        )
    return Bundle(_author(Fields.of(file.object("author"), "author")), file.each("prompts", _prompt))


def _refuse_unstorable(value: Json) -> None:
    """NUL and half of a surrogate pair, which JSON can write and no database can hold."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise FormatError("A text in this bundle has a character in it that cannot be stored.")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)


def _author(row: Fields) -> BundledAuthor:
    return BundledAuthor(
        handle=row.name("handle"),
        name=row.text("name"),
        headline=row.text("headline"),
        bio=row.text("bio"),
        location=row.text("location"),
        availability=row.text("availability"),
        links=row.each("links", lambda link: {"label": link.text("label"), "url": link.name("url")}),
    )


def _prompt(row: Fields) -> BundledPrompt:
    suites = _suites(row)
    prompt = BundledPrompt(
        slug=row.name("slug"),
        title=row.name("title"),
        versions=row.each("versions", _version),
        cases=row.each("cases", _case),
        runs=row.each("runs", lambda run: _run(run, suites)),
        summary=row.text("summary"),
        task=row.text("task"),
        tags=row.texts("tags"),
        licence=row.text("licence"),
        situation=row.text("situation"),
        constraints=row.text("constraints"),
        impact_kind=row.text("impact_kind"),
        impact=row.text("impact"),
        limits=row.text("limits"),
        visibility=row.text("visibility", "private"),
        published_at=row.maybe_time("published_at"),
        created_at=row.maybe_time("created_at"),
        pin_position=row.maybe_whole("pin_position"),
        baseline=row.maybe_whole("baseline"),
        target_model=row.text("target_model"),
        target_declared_at=row.maybe_time("target_declared_at"),
        deleted_runs=row.whole("deleted_runs", 0),
        source=row.text("source"),
        suite_changed_at=row.maybe_time("suite_changed_at"),
        forked_from=row.text("forked_from"),
        forked_licence=row.text("forked_licence"),
        known_failures=row.each("known_failures", _failure),
        private=row.each("private", _private_part),
    )
    _check_numbers(row, prompt)
    _check_failures(row, prompt)
    return prompt


def _check_numbers(row: Fields, prompt: BundledPrompt) -> None:
    numbers = [version.number for version in prompt.versions]
    if len(set(numbers)) < len(numbers) or not numbers:
        row.refuse("versions", "a list of at least one version, each with its own number")
    if prompt.baseline is not None and prompt.baseline not in numbers:
        row.refuse("baseline", "the number of a version")
    if any(run.version not in numbers for run in prompt.runs):
        row.refuse("runs", "a list of runs of versions that are in the file")


def _failure(row: Fields) -> BundledFailure:
    return BundledFailure(
        row.name("run"), row.whole("case_index"), row.name("diagnosis"), row.maybe_whole("fixed_in")
    )


def _check_failures(row: Fields, prompt: BundledPrompt) -> None:
    runs = {run.id: run for run in prompt.runs}
    numbers = [version.number for version in prompt.versions]
    for failure in prompt.known_failures:
        run = runs.get(failure.run)
        if run is None or failure.case_index >= len(run.suite):
            row.refuse("known_failures", "a list of cases of runs that are in the file")
        if (fix := failure.fixed_in) is not None and (fix not in numbers or fix <= run.version):
            row.refuse("known_failures", "a list in which each fix is a version after the one that failed")
    if len({(one.run, one.case_index) for one in prompt.known_failures}) < len(prompt.known_failures):
        row.refuse("known_failures", "a list that names each case of a run once")


def _suites(row: Fields) -> dict[str, tuple[Case, ...]]:
    """Digest → cases. A digest that is not its cases' own means that somebody changed one of the two."""
    suites = {}
    for digest in row.object("suites"):
        listed = Fields(row.object("suites"), row.place("suites"))
        suites[digest] = tuple(_read_case(item, listed.place(digest)) for item in listed.items(digest))
        if suite_digest(suites[digest]) != digest:
            listed.refuse(digest, "the digest of the cases under it: the file was changed")
    return suites


def _version(row: Fields) -> BundledVersion:
    content = Prompt(
        messages=row.each("messages", _message),
        variables=row.each("variables", _variable),
        parameters=row.object("parameters"),
    )
    return BundledVersion(row.whole("number"), content, row.text("note"), row.maybe_time("created_at"))


def _message(row: Fields) -> Message:
    role = next((role for role in ROLES if role == row.text("role")), None)
    return Message(role or row.refuse("role", f"one of {', '.join(ROLES)}"), row.text("content"))


def _variable(row: Fields) -> Variable:
    return Variable(row.name("name"), row.text("default"), row.text("description"))


def _case(row: Fields) -> BundledCase:
    return BundledCase(_read_case(row.values, row.where), row.maybe_time("created_at"))


def _read_case(value: Json, where: str) -> Case:
    try:
        return case_from_json(value)
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from None


def _run(row: Fields, suites: Mapping[str, tuple[Case, ...]]) -> BundledRun:
    suite = suites.get(row.text("suite"))
    if suite is None:
        row.refuse("suite", "the digest of a suite of this prompt")
    run = BundledRun(
        id=row.name("id"),
        version=row.whole("version"),
        model=row.name("model"),
        suite=suite,
        source=row.name("source"),
        state=row.name("state"),
        created_at=row.time("created_at"),
        results=row.each("results", _result),
        endpoint=row.text("endpoint"),
        asks=row.text("asks"),
        parameters=row.object("parameters"),
        repeats=row.whole("repeats", 1),
        source_note=row.text("source_note"),
        stop_reason=row.text("stop_reason"),
        started_at=row.maybe_time("started_at"),
        finished_at=row.maybe_time("finished_at"),
        suite_fixed_at=row.maybe_time("suite_fixed_at"),
        judge_endpoint=row.text("judge_endpoint"),
        judge_model=row.text("judge_model"),
        judge_embedding_model=row.text("judge_embedding_model"),
        judge_parameters=row.object("judge_parameters"),
    )
    _check_cells(row, run)
    return run


def _check_cells(row: Fields, run: BundledRun) -> None:
    cells = {(result.case_index, result.repeat) for result in run.results}
    inside = all(index < len(run.suite) and repeat < run.repeats for index, repeat in cells)
    if not inside or len(cells) < len(run.results):
        row.refuse("results", "a list with at most one result for each case and repeat")


def _result(row: Fields) -> BundledResult:
    return BundledResult(
        id=row.name("id"),
        case_index=row.whole("case_index"),
        repeat=row.whole("repeat"),
        created_at=row.time("created_at"),
        request=row.object("request"),
        checks=row.each("checks", _check),
        passed=row.maybe_truth("passed"),
        output=row.text("output"),
        finish_reason=row.text("finish_reason"),
        model=row.text("model"),
        response_id=row.text("response_id"),
        fingerprint=row.text("fingerprint"),
        tokens_in=row.maybe_whole("tokens_in"),
        tokens_out=row.maybe_whole("tokens_out"),
        tokens_reasoning=row.maybe_whole("tokens_reasoning"),
        reasoning_chars=row.maybe_whole("reasoning_chars"),
        latency_ms=row.maybe_number("latency_ms"),
        attempts=row.whole("attempts", 1),
        cost=row.maybe_dollars("cost"),
        cost_source=row.text("cost_source"),
        judge_cost=row.maybe_dollars("judge_cost"),
        judge_calls=row.whole("judge_calls", 0),
        asked_at=row.text("asked_at"),
        error_kind=row.text("error_kind"),
        error_message=row.text("error_message"),
        picture=read_picture(row),
    )


def _private_part(row: Fields) -> dict[str, Json]:
    row.name("label")
    if "text" in row.values:
        row.name("text")
        if not re.fullmatch("[0-9a-f]{32}", row.text("salt")):
            row.refuse("salt", "32 hexadecimal digits")
    return dict(row.values)


def _check(row: Fields) -> dict[str, Json]:
    """As it was stored; only what pages rely on is looked at. ``passed`` is null for what was not run."""
    row.name("type")
    row.text("reason", None)
    row.maybe_truth("passed")
    return dict(row.values)
