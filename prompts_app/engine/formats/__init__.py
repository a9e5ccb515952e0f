"""Reading prompts out of files. One module a format; this list is the only place that knows them all.

Of many files at once, from a zip or a folder, each that holds prompts is read, and every other one is named.
What a promptfoo configuration names is read as part of it. Texts beside or below one that it does not name
are left alone: they are notes and documents more often than prompts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import (
    bundle,
    dotprompt,
    langchain,
    langfuse,
    markdown,
    messages,
    prompts_chat,
    prompty,
    skill,
    text,
)
from prompts_app.engine.formats.files import Files, folder_of, is_zip, unzip
from prompts_app.engine.formats.promptfoo import config, results
from prompts_app.engine.formats.source import Format, SourceFile, decode, refuse_unstorable
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed, Problem, Skip
from prompts_app.engine.json_texts import strings_in

_PARSED = TypeAdapter(Parsed)

# In the order they are asked: the first that recognises a file reads it, so the choosy come first.
FORMATS: tuple[Format, ...] = (
    bundle.FORMAT,
    skill.FORMAT,
    results.FORMAT,
    config.FORMAT,
    prompts_chat.FORMAT,
    langchain.FORMAT,
    langfuse.FORMAT,
    messages.FORMAT,
    prompty.FORMAT,
    dotprompt.FORMAT,
    text.CHAT,
    markdown.FORMAT,
    text.PLAIN,
)

__all__ = [
    "FORMATS", "Format", "FormatError", "ImportedPrompt", "ImportedVersion", "Parsed", "Problem", "Skip",
    "format_named", "parse", "parse_and_offer", "parse_files", "variants_apart",
]  # fmt: skip


def format_named(key: str) -> Format:
    """Raises FormatError where there is none of that name."""
    for kind in FORMATS:
        if kind.key == key:
            return kind
    raise FormatError(
        f"There is no format “{key}”. Those that can be read are: {', '.join(k.key for k in FORMATS)}."
    )


def parse(name: str, data: bytes, *, hint: str = "") -> Parsed:
    """Prompts out of a file's bytes. ``name`` is its name, for the extension; ``hint`` a format's key, or
    empty to go by extension and content. A zip is unpacked, and all its files are read.

    Raises FormatError, and nothing else, where the file as a whole cannot be read.
    """
    return parse_and_offer(name, data, hint=hint)[0]


def parse_and_offer(name: str, data: bytes, *, hint: str = "") -> tuple[Parsed, dict[str, str]]:
    """As ``parse``, and what the file could be read as: key → label of the formats that recognise it; none
    of a zip."""
    if is_zip(data):
        return parse_files(unzip(data), hint=hint), {}
    source = SourceFile(name, decode(data))
    parsed = _read(source, format_named(hint) if hint else _must_recognise(source))
    return parsed, {kind.key: kind.label for kind in FORMATS if kind.recognises(source)}


def parse_files(files: Files, *, only: str = "", hint: str = "") -> Parsed:
    """Prompts out of a zip or folder; with ``only``, out of this file, which may name the others.

    Raises FormatError where nothing can be read.
    """
    if only:
        source = SourceFile(only, decode(files.read(only) or b""), files)
        return _read(source, format_named(hint) if hint else _must_recognise(source))
    return _read_all(files, (format_named(hint),) if hint else FORMATS)


def variants_apart(parsed: Parsed) -> Parsed:
    """The same with a prompt for each version that is a variant in its file, with all its cases."""
    apart = []
    for prompt in parsed.prompts:
        if prompt.baseline:  # what it is compared with is no variant of its own
            apart.append(prompt)
            continue
        for number, version in enumerate(prompt.versions, start=1):
            of = f" ({number} of {len(prompt.versions)})" if len(prompt.versions) > 1 else ""
            runs = tuple(replace(run, version=1) for run in prompt.runs if run.version == number)
            apart.append(replace(prompt, title=f"{prompt.title}{of}", versions=(version,), runs=runs))
    return replace(parsed, prompts=tuple(apart))


def _read(source: SourceFile, kind: Format) -> Parsed:
    parsed = replace(kind.read(source), format=kind.key)
    other = replace(parsed, bundled=())  # bundles have been looked at
    refuse_unstorable("".join(strings_in(_PARSED.dump_python(other, warnings=False))))
    return replace(parsed, unsupported=(*parsed.unsupported, *_absent_pictures(parsed)))


def _absent_pictures(parsed: Parsed) -> Iterator[Problem]:
    """Of cases that name a picture whose bytes the file does not hold; only bundles can hold some."""
    named = [(one.title, one.cases, frozenset[str]()) for one in parsed.prompts]
    named += [
        (one.title, tuple(row.case for row in one.cases), frozenset(one.pictures)) for one in parsed.bundled
    ]
    for title, cases, held in named:
        absent = {picture.sha256 for case in cases for picture in case.pictures} - held
        if absent:
            what = (
                "1 picture of its cases is"
                if len(absent) == 1
                else f"{len(absent)} pictures of its cases are"
            )
            yield Problem(f"{what} not in the file. Give each again before you run it.", title)


def _recognised(source: SourceFile, kinds: Sequence[Format]) -> Format | None:
    return next((kind for kind in kinds if kind.recognises(source)), None)


def _must_recognise(source: SourceFile) -> Format:
    if kind := _recognised(source, FORMATS):
        return kind
    if source.extension == "json":
        source.must_be_json()  # broken JSON is told with its line
    if source.extension in {"yaml", "yml"}:
        source.must_be_yaml()  # and broken YAML
    known = "; ".join(kind.label for kind in FORMATS)
    raise FormatError(f"This file is none of the kinds that can be read: {known}.")


# --- many files -------------------------------------------------------------------------------------------

# About a project rather than a prompt of it.
_ABOUT = {
    "authors", "changelog", "code_of_conduct", "contributing", "contributors", "license", "licence", "notice",
    "readme", "security", "sources",
}  # fmt: skip
_CONFIGURATION = "promptfoo"
_MATERIAL = {"text", "markdown"}  # beside or below a configuration
_WHOLE = {_CONFIGURATION, skill.FORMAT.key}  # they stand for what lies beside them
_OF_A_SKILL = "It is a file of the skill beside it. Of that, SKILL.md and what its evals name are read."


def _read_all(files: Files, kinds: Sequence[Format]) -> Parsed:
    """What all files hold together. Raises FormatError where that is nothing."""
    skipped = list(files.left_out)
    found = list(_candidates(files, kinds, skipped))
    files.asked.clear()  # from here on, what a configuration names
    parts = []
    for source, kind in _to_read(found, files, skipped):
        try:
            parts.append(_placed(_read(source, kind), source.name))
        except FormatError as error:
            skipped.append(Skip(source.name, str(error)))
    skipped = [skip for skip in skipped if skip.what not in files.asked]
    whole = Parsed(
        prompts=tuple(prompt for part in parts for prompt in part.prompts),
        unsupported=tuple(problem for part in parts for problem in part.unsupported),
        skipped=tuple(skip for part in parts for skip in part.skipped) + tuple(skipped),
        format=parts[0].format if len({part.format for part in parts}) == 1 else "",
        bundled=tuple(prompt for part in parts for prompt in part.bundled),
    )
    if not whole.prompts and not whole.bundled:
        because = f" {whole.skipped[0].what}: {whole.skipped[0].why}" if whole.skipped else ""
        raise FormatError(f"There is no file in it that holds a prompt.{because}")
    return whole


def _candidates(
    files: Files, kinds: Sequence[Format], skipped: list[Skip]
) -> Iterator[tuple[SourceFile, Format]]:
    for name in files.names():
        try:
            source = SourceFile(name, decode(files.read(name) or b""), files)
            kind = None if source.stem.lower() in _ABOUT else _recognised(source, kinds)
        except FormatError as error:
            skipped.append(Skip(name, str(error)))
            continue
        if kind is None:
            skipped.append(Skip(name, "It is none of the kinds of file that hold prompts."))
        else:
            yield source, kind


def _to_read(
    found: list[tuple[SourceFile, Format]], files: Files, skipped: list[Skip]
) -> Iterator[tuple[SourceFile, Format]]:
    """Skills and configurations first; then what none of them has opened."""
    folders = [folder_of(source.name) for source, kind in found if kind.key == _CONFIGURATION]
    skills = [source.name for source, kind in found if kind is skill.FORMAT]
    for source, kind in sorted(found, key=lambda pair: pair[1].key not in _WHOLE):
        inside = any(not folder or source.name.startswith(f"{folder}/") for folder in folders)
        if kind.key in _WHOLE:
            yield source, kind
        elif source.name in files.asked:
            continue
        elif inside and kind.key in _MATERIAL:
            skipped.append(Skip(source.name, "The promptfoo configuration beside it does not name it."))
        elif any(skill.is_part(source.name, one) for one in skills):
            skipped.append(Skip(source.name, _OF_A_SKILL))
        else:
            yield source, kind


def _placed(part: Parsed, name: str) -> Parsed:
    """With the file's name in every place."""

    def place(where: str) -> str:
        known = name in where or part.format == _CONFIGURATION
        return where if known else f"{name}, {where}" if where else name

    return replace(
        part,
        prompts=tuple(replace(prompt, where=place(prompt.where)) for prompt in part.prompts),
        unsupported=tuple(Problem(one.what, place(one.where)) for one in part.unsupported),
        skipped=tuple(Skip(place(skip.what), skip.why) for skip in part.skipped),
    )
