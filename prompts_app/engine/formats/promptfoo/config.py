"""promptfoo configurations, read: one prompt whose versions are the configuration's prompts, with its tests.

promptfoo compares the prompts of one configuration on the same tests: they are variants of one work. Each
becomes a version, in order; ``variants_apart`` gives each a prompt of its own instead. What our own export
wrote comes back exactly (see ``writing``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.promptfoo.prompts import Variant, for_promptfoo, read_prompts, with_dollars
from prompts_app.engine.formats.promptfoo.providers import Provider, read_providers, shared_settings
from prompts_app.engine.formats.promptfoo.reading import ConfigReading, References
from prompts_app.engine.formats.promptfoo.tests import OURS, Tests
from prompts_app.engine.formats.promptfoo.variables import can_wrap, usage_of, wrapped
from prompts_app.engine.formats.reading import as_object, read_as
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed
from prompts_app.engine.render import find_variables, pieces
from prompts_app.engine.types import CaseContent, Json, Message, PromptContent, Variable

_ENDINGS = ("yaml", "yml", "json")
_CARRIED = {"description", "prompts", "providers", "targets", "tests", "scenarios", "defaultTest"}
_TYPICAL = {
    "providers",
    "targets",
    "tests",
    "scenarios",
    "defaultTest",
    "redteam",
    "assertionTemplates",
}
NUNJUCKS = "nunjucks"  # what our own export says of prompts whose logic is promptfoo's
_USUAL_NAME = "promptfooconfig"
_WITHOUT_PROMPTS = ["{{prompt}}"]  # what promptfoo takes where a configuration names none


def recognises(source: SourceFile) -> bool:
    if source.extension not in {*_ENDINGS, ""}:
        return False
    try:
        value = _value(source)
    except FormatError:
        return source.stem.startswith(_USUAL_NAME)
    return is_config(value) or (
        isinstance(value, dict)
        and source.stem.startswith(_USUAL_NAME)
        and bool(value.keys() & {"prompts", *_TYPICAL})
    )


def is_config(value: Json) -> bool:
    """Prompts, or who is asked, and something else that only a configuration has: prompts may be missing."""
    if not isinstance(value, dict):
        return False
    names = value.keys() & {"prompts", *_TYPICAL}
    asks = names & {"providers", "targets"}
    return ("prompts" in names and len(names) > 1) or bool(asks and names & {"tests", "scenarios", "redteam"})


def _value(source: SourceFile) -> Json:
    if source.extension == "json" or source.json is not None:
        return source.must_be_json()
    if source.extension == "" and "prompts:" not in source.text:
        raise FormatError("This is not a promptfoo configuration.")
    return source.must_be_yaml()


def read(source: SourceFile) -> Parsed:
    value = _value(source)
    if not isinstance(value, dict):
        raise FormatError("A promptfoo configuration is an object with “prompts” and “tests”.")
    reading = opened(source, value)
    prompts = reading.config.get("prompts")
    if not prompts:
        reading.note("prompts: there are none, so that each test’s “prompt” is the prompt", "")
    variants = read_prompts(reading, prompts or _WITHOUT_PROMPTS)
    providers = read_providers(reading)
    settings = shared_settings(reading, providers)
    usage = usage_of(message for variant in variants for message in variant.messages)
    tests = Tests(reading, usage, can_wrap=can_wrap(variants, usage))
    cases = tests.cases()
    if not reading.is_ours:
        variants = with_dollars(variants, cases)
    note_other_settings(reading)
    prompt = wrapped(prompt_of(reading, variants, providers, settings, cases), tests.around)
    return Parsed((_with_our_metadata(reading, prompt),), reading.problems())


def opened(source: SourceFile, value: dict[str, Json]) -> ConfigReading:
    """The configuration with its references followed."""
    reading = ConfigReading(source)
    references = References(reading, value)
    config = references.replaced(value)
    is_ours = isinstance(as_object(config.get("metadata")).get(OURS), dict)
    return ConfigReading(source, config, frozenset(references.used), is_ours, reading.noted)


def prompt_of(
    reading: ConfigReading,
    variants: tuple[Variant, ...],
    providers: tuple[Provider, ...],
    settings: Mapping[str, Json],
    cases: tuple[CaseContent, ...],
) -> ImportedPrompt:
    name = reading.source.name
    source = f"promptfoo configuration {name}" if name else "pasted promptfoo configuration"
    models = ", ".join(dict.fromkeys(provider.model for provider in providers))
    described = reading.config.get("description")
    described = described if isinstance(described, str) else ""
    environment = {} if reading.is_ours else reading.environment
    versions = []
    for variant in variants:
        variables = tuple(
            Variable(name, environment[name], "from the configuration’s env")
            for name in find_variables(variant.messages)
            if name in environment
        )
        note = f"Imported from {source}."
        note += f" Prompt “{variant.label}”." if variant.label else ""
        note += f" Written for {models}." if models else ""
        content = PromptContent(variant.messages, variables, {**settings, **variant.settings})
        versions.append(ImportedVersion(content, note))
    return ImportedPrompt(
        title=described if described.strip() else _title(reading, variants),
        versions=tuple(versions),
        source=source,
        where=name,
        written_for=models,
        cases=cases,
        is_templated=True,
    )


def _title(reading: ConfigReading, variants: tuple[Variant, ...]) -> str:
    stem = reading.source.stem
    if stem and not stem.startswith(_USUAL_NAME):
        return titles.from_file_name(stem)
    folders = reading.source.name.replace("\\", "/").split("/")[:-1]
    text = variants[0].messages[0].content
    says_something = any(sign.isalnum() for piece in pieces(text) for sign in piece.text)
    folder = folders[-1] if folders else "" if says_something else reading.source.files.label
    return titles.from_file_name(folder) if folder else titles.from_text(text)


def note_other_settings(reading: ConfigReading) -> None:
    """Every other setting by its name, with the names of what is in it."""
    for key, value in reading.config.items():
        if key in _CARRIED | reading.referenced or value in (None, "", {}, [], False):
            continue
        if key == "metadata" and reading.is_ours and set(value) == {OURS}:
            continue
        inner = ", ".join(str(name)[:40] for name in list(as_object(value))[:8])
        reading.note(f"the setting “{key}”{f' ({inner})' if inner else ''}", key)


# --- what our own export says beside -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OurVersion:
    note: str = ""
    variables: tuple[Variable, ...] = ()
    messages: tuple[Message, ...] = ()  # only where promptfoo needs them in other words


@dataclass(frozen=True, slots=True)
class _Ours:
    version: int = 1
    title: str = ""
    summary: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    licence: str = ""
    model: str = ""
    logic: str = ""
    versions: tuple[_OurVersion, ...] = ()


_OURS = TypeAdapter(_Ours)


def _with_our_metadata(reading: ConfigReading, prompt: ImportedPrompt) -> ImportedPrompt:
    """Titles, notes and descriptions of variables from ``metadata.proofsheet``. Raises FormatError."""
    if not reading.is_ours:
        return prompt
    ours = read_as(_OURS, reading.config["metadata"][OURS], f"metadata.{OURS}")
    if ours.version != 1:
        raise FormatError(f"metadata.{OURS} has version {ours.version}; this site reads version 1.")
    versions = list(prompt.versions)
    versions[: len(ours.versions)] = map(_version_with_our_metadata, versions, ours.versions)
    source = prompt.source if ours.logic == NUNJUCKS else prompt.source.replace("configuration", "export", 1)
    return replace(
        prompt,
        source=source,
        title=ours.title or prompt.title,
        summary=ours.summary,
        task=ours.task,
        tags=ours.tags,
        licence=ours.licence,
        written_for=ours.model,
        versions=tuple(versions),
    )


def _version_with_our_metadata(version: ImportedVersion, ours: _OurVersion) -> ImportedVersion:
    written, kept = version.prompt.messages, ours.messages
    if not any(for_promptfoo(kept, is_nunjucks=how) == written for how in (True, False)):
        kept = ()  # there are none, or the file was changed since
    return ImportedVersion(
        PromptContent(kept or written, ours.variables, version.prompt.parameters), ours.note
    )


FORMAT = Format("promptfoo", "promptfoo configurations (YAML or JSON)", recognises, read)
