"""Chat messages as JSON, as the APIs of OpenAI and Anthropic take them.

One object with ``messages`` (and a model and parameters beside them), a bare list of messages, a list of
such objects, or JSON Lines of either, also as the Batch API wraps them.
"""

from typing import NamedTuple, TypeGuard

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.parts import one_version, parameters_in
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile, read_json
from prompts_app.engine.formats.types import ImportedPrompt, Parsed, Problem, Skip
from prompts_app.engine.types import Json, Message, PromptContent, Role

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
}  # fmt: skip
_TITLES = ("title", "name")
_SUMMARIES = ("summary", "description")


class _Item(NamedTuple):
    value: Json
    where: str


def recognises(source: SourceFile) -> bool:
    if source.json is not None:
        items = _items_of(source.json)
        return bool(items) and all(_is_conversation(item.value) for item in items)
    first = source.text.lstrip().partition("\n")[0]
    return _is_conversation(SourceFile("", first).json)


def read(source: SourceFile) -> Parsed:
    items = _items(source)
    prompts: list[ImportedPrompt] = []
    problems: list[Problem] = []
    skipped: list[Skip] = []
    for item in items:
        if not _is_conversation(item.value):
            raise FormatError(
                f"There are no chat messages in {item.where}. What can be read is an object with “messages”, "
                "or a list of messages, each with “role” and “content”."
            )
        prompt, found = _prompt(item, source, alone=len(items) == 1)
        problems += found
        if prompt.versions[0].prompt.messages:
            prompts.append(prompt)
        else:
            skipped.append(Skip(item.where, "No message with text is left in it."))
    return Parsed(tuple(prompts), tuple(problems), tuple(skipped))


def _items(source: SourceFile) -> list[_Item]:
    if source.json is not None:
        return _items_of(source.json) or [_Item(source.json, "the file")]
    lines = [(number, line) for number, line in enumerate(source.text.split("\n"), start=1) if line.strip()]
    if len(lines) < 2 and source.extension not in {"jsonl", "ndjson"}:
        return [_Item(source.must_be_json(), "the file")]
    return [_Item(read_json(line, first_line=number), f"line {number}") for number, line in lines]


def _items_of(value: Json) -> list[_Item]:
    """The conversations in one JSON value; none where it holds none."""
    if _is_conversation(value):
        return [_Item(value, "the file")]
    if isinstance(value, list):
        return [_Item(item, f"item {number}") for number, item in enumerate(value, start=1)]
    return []


def _is_conversation(value: Json) -> bool:
    if isinstance(value, dict):
        inner = value["body"] if isinstance(value.get("body"), dict) else value
        return are_messages(inner.get("messages"))
    return are_messages(value)


def are_messages(value: Json) -> TypeGuard[list[dict[str, Json]]]:
    """Whether it is a list of objects with a role each."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in value)
    )


def _prompt(item: _Item, source: SourceFile, *, alone: bool) -> tuple[ImportedPrompt, list[Problem]]:
    value = item.value if isinstance(item.value, dict) else {"messages": item.value}
    if isinstance(value.get("body"), dict):  # a line of the Batch API
        value = {"title": value.get("custom_id"), **value["body"]}
    messages: list[dict[str, Json]] = value["messages"]
    if system := value.get("system"):  # beside the others in Anthropic's API, a text or a list of blocks
        messages = [{"role": "system", "content": system}, *messages]
    kept, problems = read_messages(messages, item.where)
    names = {"messages", "system", "model", *_TITLES, *_SUMMARIES, "tags"}
    settings, others = parameters_in({k: v for k, v in value.items() if k not in names}, item.where)
    first = kept[0].content if kept else ""
    tags = value.get("tags")
    prompt = one_version(
        source,
        "messages file",
        PromptContent(kept, parameters=settings),
        title=_text(value, _TITLES) or ("" if alone else titles.from_text(first)),
        summary=_text(value, _SUMMARIES),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        where=item.where,
        written_for=_text(value, ("model",)),
    )
    return prompt, problems + others


def _text(value: dict[str, Json], keys: tuple[str, ...]) -> str:
    texts = (value.get(key) for key in keys)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def read_messages(values: list[dict[str, Json]], where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    """Messages with text and a role of ours; everything else of them is named as a problem.

    Raises FormatError for a message whose content is neither text, a list of parts, nor missing.
    """
    kept: list[Message] = []
    problems: list[Problem] = []
    for number, value in enumerate(values, start=1):
        place = f"{where}, message {number}"
        role = _ROLES.get(value["role"])
        if role is None:
            problems.append(Problem(f"a message of the role “{value['role']}”", place))
            continue
        text, lost = _content(value.get("content"), place)
        others = (key for key in value if key not in {"role", "content"})
        lost += [
            Problem(f"the field “{key}” of a message", place)
            for key in others
            if value[key] not in (None, [], "", {})
        ]
        problems += lost
        if text:
            kept.append(Message(role, text))
        elif not lost:
            problems.append(Problem("a message without text", place))
    return tuple(kept), problems


def _content(content: Json, place: str) -> tuple[str, list[Problem]]:
    if content is None or isinstance(content, str):
        return content or "", []
    if not isinstance(content, list):
        raise FormatError(f"The content of {place} is neither text nor a list of parts.")
    texts: list[str] = []
    problems: list[Problem] = []
    for part in content:
        about = as_object(part)
        text = about.get("text") if about else part
        if isinstance(text, str):
            texts.append(text)
        else:
            kind = about.get("type", "unknown")
            problems.append(Problem(f"a part of the type “{kind}” in a message", place))
    return "\n".join(texts), problems


FORMAT = Format("messages", "chat messages as JSON or JSON Lines (OpenAI)", recognises, read)
