"""Our own export: one author's prompts with cases, runs and every output, in one JSON file.

``{"format": "proofsheet-bundle", "version": 1, "author": {…}, "prompts": […]}``. Keys are sorted and lists
keep their order, so that two exports of the same thing are the same text and a diff reads well. Suites
stand once for each prompt, under their digest, and runs name the digest.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256

from pydantic import TypeAdapter

from prompts_app.engine.digests import suite_digest, variable_json
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.bundle_types import Bundle, BundledAuthor, BundledPrompt, BundledRun, OneCase
from prompts_app.engine.formats.reading import read_as, refuse
from prompts_app.engine.formats.source import Format, SourceFile, read_json, refuse_unstorable
from prompts_app.engine.formats.types import Parsed, Problem
from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.response_format import in_written_order
from prompts_app.engine.types import CaseContent, Json
from prompts_app.engine.wording import how_many

NAME = "proofsheet-bundle"
VERSION = 1
WIDTH = 160  # characters
MASKED = (
    "masked in this file, where labels like “[client rule, 42 words]” stand in place of the text. "
    "The file its author downloads in full has the text"
)

_AUTHOR, _PROMPT = TypeAdapter(BundledAuthor), TypeAdapter(BundledPrompt)
_SUITES = TypeAdapter(dict[str, tuple[OneCase, ...]])

# --- writing ----------------------------------------------------------------------------------------------


def emit(bundle: Bundle) -> str:
    """The file's text. ``parse(emit(bundle)) == bundle``."""
    return "".join(emit_parts(bundle.author, map(emit_prompt, bundle.prompts)))


def emit_parts(author: BundledAuthor, prompts: Iterable[str]) -> Iterator[str]:
    """The same file piece by piece, of what ``emit_prompt`` gave: it need not be in memory as a whole."""
    about = {"author": _AUTHOR.dump_python(author, mode="json"), "format": NAME, "version": VERSION}
    written = {name: _written(value, " ") for name, value in about.items()}
    yield f'{{\n "author": {written["author"]},\n "format": {written["format"]},\n "prompts": ['
    between = "\n  "
    for prompt in prompts:
        yield between + prompt
        between = ",\n  "
    yield f'\n ],\n "version": {written["version"]}\n}}\n'


def emit_prompt(prompt: BundledPrompt) -> str:
    """One prompt as it stands in the file."""
    return _written(prompt_json(prompt), "  ")


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


def prompt_json(prompt: BundledPrompt) -> dict[str, Json]:
    """A version's and a case's own content stand beside what the bundle says of them."""
    row: dict[str, Json] = _PROMPT.dump_python(prompt, mode="json", warnings=False)
    row["versions"] = [version | version.pop("prompt") for version in row["versions"]]
    for version, kept in zip(row["versions"], prompt.versions, strict=True):
        version["variables"] = list(map(variable_json, kept.prompt.variables))
    row["cases"] = [case.pop("case") | case for case in row["cases"]]
    row["suites"] = {}
    for run, content in zip(row["runs"], prompt.runs, strict=True):
        row["suites"][digest := suite_digest(content.suite)] = run["suite"]
        run["suite"] = digest
    return row


def with_data(about: Mapping[str, Json], data: bytes) -> dict[str, Json]:
    """What is known of a picture, with the picture itself."""
    return {**about, "data": base64.b64encode(data).decode("ascii")}


# --- reading ----------------------------------------------------------------------------------------------


def is_bundle(value: Json) -> bool:
    return isinstance(value, dict) and value.get("format") == NAME


def parse(text: str) -> Bundle:
    """Raises FormatError, with the place, for whatever is not a bundle of version 1."""
    return from_json(read_json(text))


def from_json(value: Json) -> Bundle:
    """Of the file's JSON. Raises FormatError."""
    if not is_bundle(value):
        raise FormatError(f"This is not a Proofsheet bundle: its “format” is not “{NAME}”.")
    if (version := value.get("version")) != VERSION:
        raise FormatError(f"This bundle has version {version}; this site reads version {VERSION}.")
    refuse_unstorable("".join(strings_in(value)))
    if not isinstance(prompts := value.get("prompts", []), list):
        refuse("prompts", "a list")
    author = read_as(_AUTHOR, value.get("author", {}), "author")
    return Bundle(author, tuple(_prompt(row, f"prompts[{place}]") for place, row in enumerate(prompts)))


def _prompt(row: Json, where: str) -> BundledPrompt:
    """Raises FormatError. What has the wrong shape is left for pydantic to name."""
    if not isinstance(row, dict):
        refuse(where, "an object")
    suites = _suites(row.get("suites", {}), f"{where}.suites")
    suite_of = suites.get
    nested = {
        **row,
        # The file's names stand by the alphabet; those of a schema are sent in the order they were written.
        "versions": _each(row.get("versions", []), lambda one: {**one, "prompt": in_written_order(one)}),
        "cases": _each(row.get("cases", []), lambda one: {"case": one, "created_at": one.get("created_at")}),
        "runs": _each(row.get("runs", []), lambda one: {**one, "suite": suite_of(str(one.get("suite")), "")}),
    }
    prompt = read_as(_PROMPT, nested, where)
    _check_numbers(prompt, where)
    for place, run in enumerate(prompt.runs):
        _check_results(run, f"{where}.runs[{place}]")
    _check_failures(prompt, where)
    for digest, data in prompt.pictures.items():
        if sha256(data_of({"data": data}, at := f"{where}.pictures.{digest}")).hexdigest() != digest:
            refuse(at, "the picture its digest speaks of: the file was changed")
    for place, part in enumerate(prompt.private):
        if "text" in part and not re.fullmatch("[0-9a-f]{32}", str(part.get("salt"))):
            refuse(f"{where}.private[{place}].salt", "32 hexadecimal digits")
    return prompt


def _each(rows: Json, nested: Callable[[dict[str, Json]], Json]) -> Json:
    if not isinstance(rows, list):
        return rows
    return [nested(row) if isinstance(row, dict) else row for row in rows]


def _suites(rows: Json, where: str) -> dict[str, tuple[CaseContent, ...]]:
    """Digest → cases. A digest that is not its cases' own means that somebody changed one of the two."""
    suites = read_as(_SUITES, rows, where)
    for digest, cases in suites.items():
        if suite_digest(cases) != digest:
            refuse(f"{where}.{digest}", "the digest of the cases under it: the file was changed")
    return suites


def _check_numbers(prompt: BundledPrompt, where: str) -> None:
    numbers = [version.number for version in prompt.versions]
    if len(set(numbers)) < len(numbers) or not numbers:
        refuse(f"{where}.versions", "a list of at least one version, each with its own number")
    if prompt.baseline is not None and prompt.baseline not in numbers:
        refuse(f"{where}.baseline", "the number of a version")
    if any(run.version not in numbers for run in prompt.runs):
        refuse(f"{where}.runs", "a list of runs of versions that are in the file")


def _check_results(run: BundledRun, where: str) -> None:
    cells = {(result.case_index, result.repeat) for result in run.results}
    inside = all(index < len(run.suite) and repeat < run.repeats for index, repeat in cells)
    if not inside or len(cells) < len(run.results):
        refuse(f"{where}.results", "a list with at most one result for each case and repeat")
    for place, result in enumerate(run.results):
        if "data" in result.picture:
            data = data_of(result.picture, at := f"{where}.results[{place}].picture.data")
            if sha256(data).hexdigest() != result.picture.get("sha256"):
                refuse(at, "the picture its digest speaks of: the file was changed")


def data_of(picture: Mapping[str, Json], where: str = "data") -> bytes:
    """The picture's own bytes. Raises FormatError."""
    try:
        return base64.b64decode(picture["data"], validate=True)
    except (binascii.Error, ValueError):
        refuse(where, "base64")


def _check_failures(prompt: BundledPrompt, where: str) -> None:
    place, runs = f"{where}.known_failures", {run.id: run for run in prompt.runs}
    numbers = [version.number for version in prompt.versions]
    for failure in prompt.known_failures:
        run = runs.get(failure.run)
        if run is None or failure.case_index >= len(run.suite):
            refuse(place, "a list of cases of runs that are in the file")
        if (fix := failure.fixed_in) is not None and (fix not in numbers or fix <= run.version):
            refuse(place, "a list in which each fix is a version after the one that failed")
    if len({(one.run, one.case_index) for one in prompt.known_failures}) < len(prompt.known_failures):
        refuse(place, "a list that names each case of a run once")


# --- as one kind of file ----------------------------------------------------------------------------------


def _read_file(source: SourceFile) -> Parsed:
    prompts = from_json(source.must_be_json()).prompts
    masked = tuple(
        Problem(f"{how_many(len(prompt.private), 'private part')}: {MASKED}", prompt.title)
        for prompt in prompts
        if prompt.is_masked
    )
    return Parsed((), masked, bundled=prompts)


FORMAT = Format("bundle", "Proofsheet bundles (JSON)", lambda source: is_bundle(source.json), _read_file)
