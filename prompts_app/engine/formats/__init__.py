"""Reading prompts out of files. One module a format; this list is the only place that knows them all."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from prompts_app.engine.formats import (
    bundle,
    dotprompt,
    langchain,
    langfuse,
    markdown,
    messages,
    plain,
    prompts_chat,
    prompty,
    several,
    transcript,
)
from prompts_app.engine.formats.files import Files, is_zip, unzip
from prompts_app.engine.formats.promptfoo import config as promptfoo
from prompts_app.engine.formats.promptfoo import results as promptfoo_results
from prompts_app.engine.formats.source import Source, decode
from prompts_app.engine.formats.types import (
    Format,
    FormatError,
    ImportedPrompt,
    ImportedVersion,
    Parsed,
    Problem,
    Skip,
)

# In the order they are asked: the first that recognises a file reads it, so the choosy come first.
FORMATS: tuple[Format, ...] = (
    bundle.FORMAT,
    promptfoo_results.FORMAT,
    promptfoo.FORMAT,
    prompts_chat.FORMAT,
    langchain.FORMAT,
    langfuse.FORMAT,
    messages.FORMAT,
    prompty.FORMAT,
    dotprompt.FORMAT,
    transcript.FORMAT,
    markdown.FORMAT,
    plain.FORMAT,
)

__all__ = [
    "FORMATS", "Format", "FormatError", "ImportedPrompt", "ImportedVersion", "Parsed", "Problem", "Skip",
    "format_named", "parse", "parse_files", "readings", "variants_apart",
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
    if is_zip(data):
        return parse_files(unzip(data), hint=hint)
    source = Source(name, decode(data))
    return _read(source, format_named(hint) if hint else _must_recognise(source))


def readings(name: str, data: bytes) -> dict[str, str]:
    """What a file could be read as: key → label of the formats that recognise it; none of a zip."""
    if is_zip(data):
        return {}
    source = Source(name, decode(data))
    return {kind.key: kind.label for kind in FORMATS if kind.recognises(source)}


def parse_files(files: Files, *, only: str = "", hint: str = "") -> Parsed:
    """Prompts out of a zip or folder; with ``only``, out of this file, which may name the others.

    Raises FormatError where nothing can be read.
    """
    if only:
        source = Source(only, decode(files.read(only) or b""), files)
        return _read(source, format_named(hint) if hint else _must_recognise(source))
    wanted = format_named(hint) if hint else None
    return several.read_all(
        files, lambda source: _recognised(source, (wanted,) if wanted else FORMATS), _read
    )


def variants_apart(parsed: Parsed) -> Parsed:
    """The same with a prompt for each version that is a variant in its file, instead of one with several."""
    apart = tuple(one for prompt in parsed.prompts for one in promptfoo.variants_apart(prompt))
    return replace(parsed, prompts=apart)


def _read(source: Source, kind: Format) -> Parsed:
    parsed = replace(kind.read(source), format=kind.key)
    for text in _texts(parsed):
        _refuse_unstorable(text)
    return parsed


def _recognised(source: Source, kinds: tuple[Format, ...]) -> Format | None:
    return next((kind for kind in kinds if kind.recognises(source)), None)


def _must_recognise(source: Source) -> Format:
    if kind := _recognised(source, FORMATS):
        return kind
    if source.extension == "json":
        source.must_be_json()  # broken JSON is told with its line
    if source.extension in {"yaml", "yml"}:
        source.must_be_yaml()  # and broken YAML
    known = "; ".join(kind.label for kind in FORMATS)
    raise FormatError(f"This file is none of the kinds that can be read: {known}.")


def _texts(value: Any) -> Iterator[str]:
    """Every string anywhere in what was parsed."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from _texts(getattr(value, part.name))
    elif hasattr(value, "items"):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)


def _refuse_unstorable(text: str) -> None:
    """Escapes such as ``\\u0000`` and ``\\ud800`` can smuggle in what no database or page can hold."""
    if "\x00" in text:
        raise FormatError("A text in this file has a NUL character in it (\\u0000), which cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError(
            "A text in this file holds half of a character (a lone surrogate, \\ud800 to \\udfff), "
            "which cannot be stored."
        ) from None
