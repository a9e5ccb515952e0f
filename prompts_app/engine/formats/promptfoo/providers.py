"""The providers of a promptfoo configuration: which models they name, and the settings they agree on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from prompts_app.engine.formats.parts import parameters_in
from prompts_app.engine.formats.promptfoo.reading import (
    FILE,
    PROGRAMS,
    ConfigReading,
    extension_of,
    is_secret,
    without_secrets,
)
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.response_format import PARAMETER
from prompts_app.engine.types import Json

# What stands between a vendor and a model's name: "openai:chat:gpt-5".
_MODES = frozenset(
    """chat completion completions messages responses response text text-generation conversational generate
    instruct live realtime assistant embedding embeddings image video audio moderation sagemaker jumpstart
    feature-extraction token-classification sentence-similarity""".split()
)
_OWN = frozenset(
    """exec python javascript golang ruby webhook http https ws wss package browser mcp script promptfoo
    manual-input simulated-user sequence slack""".split()
)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: its id as the file has it, its label, and settings a model can be sent."""

    id: str
    label: str = ""
    settings: dict[str, Json] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model's name alone; the whole id, without any credentials, for what is not a usual provider."""
        return model_of(self.id)


def model_of(provider: str) -> str:
    """``openai:chat:gpt-5`` → ``gpt-5``, ``openrouter:meta-llama/llama-3`` → ``meta-llama/llama-3``."""
    if is_own(provider):
        return without_credentials(provider)
    vendor, *rest = provider.split(":")
    while len(rest) > 1 and rest[0] in _MODES:
        rest = rest[1:]
    return ":".join(rest).strip() or vendor


def is_own(provider: str) -> bool:
    """Whether it is a program or an address rather than a vendor's model."""
    parts = provider.split(":")
    is_program = any(extension_of(part) in PROGRAMS for part in parts[:2])
    return parts[0] in _OWN or provider.startswith(FILE) or is_program


def without_credentials(provider: str) -> str:
    """An address without what stands before its ``@`` and after its ``?``: there may be keys in it."""
    head, mark, rest = provider.partition("://")
    if not mark:
        return provider
    address = urlsplit("//" + rest)
    return f"{head}://{address.netloc.rpartition('@')[2]}{address.path}"


def read_providers(reading: ConfigReading) -> tuple[Provider, ...]:
    """Every provider of the configuration, in order. What of them is not carried is noted."""
    name = "providers" if "providers" in reading.config else "targets"
    value = reading.config.get("providers") or reading.config.get("targets")
    return tuple(_provider(reading, item, where) for item, where in _items(reading, value, name))


def _items(reading: ConfigReading, value: Json, where: str, depth: int = 0) -> Iterator[tuple[Json, str]]:
    """Each provider with its place; a file of providers is opened."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _items(reading, item, f"{where}[{number}]", depth)
    elif isinstance(value, str) and extension_of(value) in {"json", "yaml", "yml"} and depth < 3:
        if found := reading.paths(value):
            yield from _items(reading, reading.value(found[0]), found[0], depth + 1)
        else:
            yield value, where
    elif value is not None:
        yield value, where


def _provider(reading: ConfigReading, value: Json, where: str) -> Provider:
    if isinstance(value, dict) and "id" not in value and len(value) == 1:  # {"openai:gpt-5": {…}}
        ((name, inner),) = value.items()
        value = {"id": name, **as_object(inner)}
    elif not isinstance(value, dict):
        value = {"id": value if isinstance(value, str) else ""}
    id_, label = str(value.get("id") or ""), value.get("label")
    if not id_:
        reading.note("a provider without an id", where)
    if is_own(id_):
        reading.note(f"the provider “{without_credentials(id_)}”, which is a program or address", where)
    settings = _settings(reading, as_object(value.get("config")), where)
    for key, item in value.items():
        if key == "prompts" and item:
            reading.note(f"that the provider “{label or id_}” is asked some prompts only", where)
        elif key not in {"id", "label", "config"} and item not in (None, {}, [], ""):
            reading.note(f"the field “{key}” of a provider", where)
    return Provider(id_, label if isinstance(label, str) else "", settings)


def _settings(reading: ConfigReading, config: dict[str, Json], where: str) -> dict[str, Json]:
    """What a model can be sent, under standard names; the rest is noted, keys without their values."""
    usable = {}
    for key, item in config.items():
        if is_secret(key):
            reading.note(f"the setting “{key}” of a provider: keys are never kept", where)
        else:
            loaded = reading.loaded(item, where) if key in {"tools", PARAMETER} else item
            if key == PARAMETER:
                loaded = _with_schema(reading, loaded, where)
            usable[key], gone = without_secrets(loaded)
            for name in gone:
                reading.note(f"the setting “{key}.{name}” of a provider: keys are never kept", where)
    kept, problems = parameters_in(usable, where)
    reading.note_all(problems, " of a provider")
    return {key: item for key, item in kept.items() if not str(item).startswith(FILE)}


def _with_schema(reading: ConfigReading, value: Json, where: str) -> Json:
    """A response_format whose schema stands in a file of its own, with that in it."""
    if not isinstance(value, dict):
        return value
    if isinstance(inner := value.get("json_schema"), dict):
        return {**value, "json_schema": _with_schema(reading, inner, where)}
    return {**value, "schema": reading.loaded(value["schema"], where)} if "schema" in value else value


def shared_settings(reading: ConfigReading, providers: tuple[Provider, ...]) -> dict[str, Json]:
    """The settings every provider has with the same value; the others are noted."""
    shared: dict[str, Json] = {}
    for key in dict.fromkeys(key for provider in providers for key in provider.settings):
        values = [provider.settings.get(key) for provider in providers]
        if all(value == values[0] for value in values):
            shared[key] = values[0]
        else:
            reading.note(f"the setting “{key}”, which is not the same for all providers", "providers")
    return shared


def distinct_models(providers: tuple[Provider, ...]) -> tuple[str, ...]:
    """A name for each provider, different where two are the same model asked in two ways."""
    names: list[str] = []
    for provider in providers:
        name = provider.model[:180]
        if name in names and provider.label:
            name = f"{name} ({re.sub(r'\s+', ' ', provider.label)[:60]})"[:196]
        number, stem = 2, name
        while name in names:
            name, number = f"{stem} {number}", number + 1
        names.append(name)
    return tuple(names)
