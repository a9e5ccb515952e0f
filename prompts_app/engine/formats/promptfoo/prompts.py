"""The prompts of a promptfoo configuration: each becomes one variant, in order."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

from prompts_app.engine.errors import FormatError
from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import prompty, templates
from prompts_app.engine.formats.messages import are_messages, read_messages
from prompts_app.engine.formats.parts import parameters_in
from prompts_app.engine.formats.promptfoo.reading import (
    FILE,
    PROGRAMS,
    ConfigReading,
    extension_of,
    missing,
    without_secrets,
)
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import SourceFile, read_json, read_rows
from prompts_app.engine.formats.types import Problem
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.render import as_literal, inside_raw, variables_in
from prompts_app.engine.types import CaseContent, Json, Message

# Prompts that are kept at a service (langfuse://, pf://…) or made by a program.
_ELSEWHERE = re.compile(r"(?!file:)(?:[a-z][a-z0-9+.-]*://\S*\s*|(?:exec|package):.*)", re.DOTALL)
_TEXT_FILES = frozenset("txt md markdown j2 jinja jinja2 njk prompt html xml".split())
_DELIMITER = "---"
_DUMPED = re.compile(
    r"(?<![\"\w])\{\{-?\s*([\w.]+)\s*\|\s*(?:dump|tojson)(?:\s*\|\s*safe)?\s*-?\}\}(?![\"\w])"
)
_IS_CHAT = re.compile(r'"role"\s*:')


@dataclass(frozen=True, slots=True)
class Variant:
    """One prompt of the file."""

    messages: tuple[Message, ...]
    label: str = ""
    settings: dict[str, Json] = field(default_factory=dict)
    is_chat: bool = False  # written as one: it is no plain text


@dataclass(frozen=True, slots=True)
class _Raw:
    """A prompt's text before it is taken apart."""

    text: str
    where: str
    label: str = ""
    settings: dict[str, Json] = field(default_factory=dict)


def read_prompts(reading: ConfigReading, value: Json) -> tuple[Variant, ...]:
    """Every prompt. Raises FormatError where there is none that can be read."""
    variants = tuple(_variant(reading, raw) for raw in _raws(reading, value) if raw.text.strip())
    if not variants:
        problems = [problem.what for problem in reading.problems()]
        because = f" {problems[0][0].upper()}{problems[0][1:]}." if problems else ""
        raise FormatError(f"There is no prompt in this configuration that can be read.{because}")
    return variants


def _raws(reading: ConfigReading, value: Json) -> Iterator[_Raw]:
    if isinstance(value, dict) and not {"raw", "id", "messages"} & value.keys():
        value = [  # a mapping: ``path: label``, the old form, or ``name: {raw: …}``
            {"label": name, **item} if isinstance(item, dict) else {"raw": name, "label": item}
            for name, item in value.items()
        ]
    for number, item in enumerate(value if isinstance(value, list) else [value]):
        where = f"prompts[{number}]"
        if isinstance(item, dict) and item.keys() & {"raw", "id", "messages", "label"}:
            yield from _from_object(reading, item, where)
        elif isinstance(item, str):
            yield from _from_text(reading, _Raw(item, where))
        elif item is not None:
            yield _Raw(as_json(item), where)


def _from_object(reading: ConfigReading, item: dict[str, Json], where: str) -> Iterator[_Raw]:
    text = item.get("raw") or item.get("messages") or item.get("id")
    id_ = item.get("id") if text != item.get("id") else ""
    label = item.get("label") or id_
    if id_ and label != id_:
        reading.note(f"the id “{id_}” of a prompt, beside its label", where)
    settings, problems = parameters_in(as_object(item.get("config")), where)
    kept, gone = without_secrets(settings)
    reading.note_all([*problems, *(Problem(f"the setting “{name}”", where) for name in gone)], " of a prompt")
    for key in item:
        if key not in {"raw", "messages", "id", "label", "config"}:
            reading.note(f"the field “{key}” of a prompt", where)
    text = text if isinstance(text, str) else "" if text is None else as_json(text)
    if not text.strip():
        reading.note("a prompt without a text", where)
    yield from _from_text(reading, _Raw(text, where, str(label or ""), kept))


def _from_text(reading: ConfigReading, raw: _Raw) -> Iterator[_Raw]:
    """The prompt itself, or those in the files it names."""
    if _ELSEWHERE.fullmatch(raw.text):
        reading.note(f"the prompt “{raw.text[:80]}”, kept as text: nothing is fetched or run", raw.where)
        yield raw
        return
    if not may_be_path(raw.text) or reading.is_ours:
        yield raw
        return
    path = raw.text.removeprefix(FILE)
    if extension_of(path.partition(":")[0]) in PROGRAMS:
        path = path.partition(":")[0]
    found = reading.paths(path)
    for one in found:
        yield from _from_file(reading, one, raw, alone=len(found) == 1)
    if not found and (raw.text.startswith(FILE) or not re.search(r"[\s{]", path)):
        reading.note(missing(path), raw.where)
    elif not found:
        yield raw  # a sentence with a slash or a full stop in it


def may_be_path(text: str) -> bool:
    """Whether promptfoo would look for a file of this name."""
    if "\n" in text or len(text) > 500:
        return False
    endings = [extension_of(part) for part in text.split(":")[-2:]]
    return (
        text.startswith(FILE)
        or any(ending in {*PROGRAMS, "json", "jsonl", "txt", "yml", "yaml"} for ending in endings)
        or text[-3:-2] == "."
        or text[-4:-3] == "."
        or any(sign in text for sign in "*/\\")
    )


def _from_file(reading: ConfigReading, path: str, raw: _Raw, *, alone: bool) -> Iterator[_Raw]:
    label = raw.label if alone or not raw.label else f"{raw.label}: {path}"
    kind = extension_of(path)
    texts = list(_texts(reading, path, kind))
    for number, (text, own_label) in enumerate(texts, start=1):
        numbered = f"{label} ({number} of {len(texts)})" if label and len(texts) > 1 else label
        where = path if len(texts) == 1 else f"{path}, prompt {number}"
        yield _Raw(text, where, own_label or numbered, raw.settings)


def _texts(reading: ConfigReading, path: str, kind: str) -> Iterator[tuple[str, str]]:
    """(text, label) of every prompt in a file."""
    if kind in {"yaml", "yml"}:
        yield as_json(reading.value(path)), ""
    elif kind == "csv":
        yield from _rows(reading, path)
    elif kind == "prompty":
        yield _from_prompty(reading, path), ""
    elif kind in {"jsonl", "ndjson"}:
        yield from ((line, "") for line in reading.text(path).split("\n") if line.strip())
    elif kind in {"txt", ""}:
        yield from ((text, "") for text in _divided(reading.text(path)))
    else:
        if kind not in _TEXT_FILES and kind != "json":
            reading.note(f"the program “{path}” that makes a prompt: its text is kept, it is not run", path)
        yield reading.text(path), ""


def _from_prompty(reading: ConfigReading, path: str) -> str:
    """Its messages as a chat; what else it says is noted."""
    parsed = prompty.read(SourceFile(path, reading.text(path)))
    content = parsed.prompts[0].versions[0].prompt
    for problem in parsed.unsupported:
        reading.note(problem.what, path)
    for name in content.parameters:
        reading.note(f"the setting “{name}” of a Prompty file", path)
    for variable in content.variables:
        if variable.default:
            reading.note(f"what stands for “{variable.name}” in a Prompty file", path)
    return as_json([asdict(message) for message in content.messages])


def _divided(text: str) -> Iterator[str]:
    """The texts between lines of ``---``, without white space around them."""
    lines = text.split("\n")
    for is_rule, part in itertools.groupby(lines, key=lambda line: line.strip() == _DELIMITER):
        if not is_rule and (inside := "\n".join(part).strip()):
            yield inside


def _rows(reading: ConfigReading, path: str) -> Iterator[tuple[str, str]]:
    """A column "prompt" and perhaps a column "label"; without a comma, one prompt a line."""
    text = reading.text(path)
    rows = [row for _, row in read_rows(text, path, skipinitialspace=True)]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "prompt" in header and len(header) > 1:
        for name in header:
            if name not in {"prompt", "label"}:
                reading.note(f"the column “{name}” of a table of prompts", path)
        for row in rows[1:]:
            fields = dict(zip(header, row, strict=False))
            yield fields.get("prompt", "").strip(), fields.get("label", "").strip()
    else:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        yield from ((line, "") for line in (lines[1:] if lines[:1] == ["prompt"] else lines))


# --- messages -----------------------------------------------------------------------------------------


def _variant(reading: ConfigReading, raw: _Raw) -> Variant:
    messages = messages_of(reading, raw.text, raw.where)
    for message in messages:
        for what in templates.logic(message.content):
            reading.note(f"{what}, kept as text", raw.where)
        for match in variables_in(message.content):
            is_given = reading.is_ours or match[1] in reading.environment
            if match[1].startswith("env.") and not is_given:
                reading.note(f"the environment variable “{match[1][4:]}”", raw.where)
    return Variant(messages, raw.label, raw.settings, chat_in(raw.text) is not None)


def for_promptfoo(messages: Sequence[Message], *, is_nunjucks: bool) -> tuple[Message, ...]:
    """Messages of ours so that promptfoo sends the same letters."""
    return tuple(
        Message(one.role, templates.for_nunjucks(one.content, is_nunjucks=is_nunjucks)) for one in messages
    )


def with_dollars(variants: Sequence[Variant], cases: Sequence[CaseContent]) -> tuple[Variant, ...]:
    """``${{price}}`` is a dollar and a value to promptfoo; so it is kept where the tests give that value."""
    names = {name for case in cases for name in case.variables}
    return tuple(
        replace(
            variant,
            messages=tuple(
                Message(one.role, templates.with_dollars(one.content, names)) for one in variant.messages
            ),
        )
        for variant in variants
    )


def messages_of(reading: ConfigReading, text: str, where: str) -> tuple[Message, ...]:
    """A chat where the text is one (JSON, or YAML that begins with ``- role:``), else one user message."""
    if not reading.is_ours:
        text = templates.plain_raw(text)
    inside = inside_raw(text)
    if inside and chat_in(inside):
        return tuple(
            Message(message.role, as_literal(message.content))
            for message in messages_of(reading, inside, where)
        )
    chat = chat_in(text)
    if chat is None:
        if _IS_CHAT.search(text) and text.lstrip().startswith("["):
            reading.note("a chat whose JSON its template makes: it is kept as one message", where)
        return (Message("user", text),)
    try:
        messages, problems = read_messages([_with_text(reading, item, where) for item in chat], where)
    except FormatError as error:
        raise FormatError(f"{reading.at(where)}: {error}") from None
    reading.note_all(problems)
    return messages or (Message("user", text),)


def chat_in(text: str) -> list[dict[str, Json]] | None:
    """The messages of a text that is a chat. ``{{ x | dump }}`` in its JSON stands for a text."""
    start = text.lstrip()
    if not start.startswith(("[", "{", "- role:")):
        return None
    for version in (text, _DUMPED.sub(r'"{{\1}}"', text)):
        try:
            value = read_yaml(version) if start.startswith("- role:") else read_json(version)
        except FormatError:
            continue
        value = value.get("messages") if isinstance(value, dict) else value
        if are_messages(value):
            return value
    return None


def _with_text(reading: ConfigReading, message: dict[str, Json], where: str) -> dict[str, Json]:
    content = message.get("content")
    if not reading.is_ours:
        content = reading.loaded(content, where)
    if content is None or isinstance(content, str | list):
        return {**message, "content": content}
    return {**message, "content": json.dumps(content, ensure_ascii=False)}
