"""Langfuse's prompt JSON: one version of a prompt, or a list; versions of one name belong together."""

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import templates
from prompts_app.engine.formats.front_matter import FrontMatter
from prompts_app.engine.formats.messages import read_messages
from prompts_app.engine.formats.parts import parameters_in
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed, Problem, Skip
from prompts_app.engine.types import Json, Message, PromptContent

_FIELDS = {"name", "type", "prompt", "config", "version", "tags", "commitMessage"}
# Marks of their database, not of the prompt.
_MARKS = {"id", "projectId", "createdAt", "updatedAt", "createdBy", "isActive", "resolutionGraph"}


def recognises(source: SourceFile) -> bool:
    items = _items(source.json)
    return bool(items) and all(_is_prompt(item) for item in items)


def _items(value: Json) -> list[Json]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    return value if isinstance(value, list) else [value]


def _is_prompt(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("prompt"), str | list)
        and isinstance(value.get("config", {}), dict | None)
    )


def read(source: SourceFile) -> Parsed:
    problems: list[Problem] = []
    skipped: list[Skip] = []
    by_name: dict[str, list[tuple[float, ImportedVersion, dict[str, Json]]]] = {}
    for number, item in enumerate(_items(source.must_be_json()), start=1):
        if not _is_prompt(item):
            raise FormatError(f"Item {number} is no Langfuse prompt: it needs “name” and “prompt”.")
        where = f"{item['name']}, version {item.get('version', number)}"
        version, found = _version(item, where)
        problems += found
        if version.prompt.messages:
            order = item.get("version")
            order = order if isinstance(order, int | float) else 0
            by_name.setdefault(item["name"], []).append((order, version, item))
        else:
            skipped.append(Skip(where, "No message with text is left in it."))
    prompts = tuple(_together(name, states) for name, states in by_name.items())
    return Parsed(prompts, tuple(dict.fromkeys(problems)), tuple(skipped))


def _version(item: dict[str, Json], where: str) -> tuple[ImportedVersion, list[Problem]]:
    messages, problems = _messages(item["prompt"], where)
    config = {key: value for key, value in as_object(item.get("config")).items() if key != "model"}
    settings, lost = parameters_in(config, where)
    problems += lost
    problems += [
        Problem(f"the field “{key}”", where) for key in item if key not in _FIELDS | _MARKS and item[key]
    ]
    problems += [Problem(what, where) for message in messages for what in templates.logic(message.content)]
    note = FrontMatter(item).text("commitMessage")
    return ImportedVersion(PromptContent(messages, parameters=settings), note), problems


def _messages(said: str | list[Json], where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    if isinstance(said, str):
        return ((Message("user", said),) if said.strip() else ()), []
    kept = [
        {key: value for key, value in message.items() if key != "type"}
        for message in map(as_object, said)
        if isinstance(message.get("role"), str) and message.get("type") != "placeholder"
    ]
    messages, problems = read_messages(kept, where)
    left_out = [Problem("a placeholder for messages", where)] if len(kept) < len(said) else []
    return messages, left_out + problems


def _together(name: str, states: list[tuple[float, ImportedVersion, dict[str, Json]]]) -> ImportedPrompt:
    ordered = sorted(states, key=lambda state: state[0])
    latest = FrontMatter(ordered[-1][2])
    return ImportedPrompt(
        title=name,
        tags=latest.words("tags"),
        versions=tuple(version for _, version, _ in ordered),
        source="Langfuse",
        where=name,
        written_for=FrontMatter(latest.mapping("config")).text("model"),
        is_templated=True,
    )


FORMAT = Format("langfuse", "Langfuse prompt JSON", recognises, read)
