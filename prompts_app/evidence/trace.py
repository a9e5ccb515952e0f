"""What came beside an output: what the model thought and what its provider's own tools did, for readers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prompts_app.engine.responses_body import text_in
from prompts_app.engine.types import Json

MOST_SHOWN = 20_000  # characters of one text
MOST_ITEMS = 200


@dataclass(frozen=True, slots=True)
class Trace:
    """One item: what it is and what is to be read of it; ``raw`` is all of it as JSON."""

    what: str
    text: str
    raw: str


def trace_of(items: Json) -> tuple[Trace, ...]:
    """In the order they came. What a file brought in may have any shape."""
    known = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return tuple(_told(item) for item in known[:MOST_ITEMS])


def _told(item: Mapping[str, Json]) -> Trace:
    kind = str(item.get("type", ""))
    what, read = _KINDS.get(kind, (kind.replace("_", " ").strip() or "item", _nothing))
    if item.get("phase") == "commentary":
        what = "said on the way"
    lines = [line for line in read(item) if line]
    return Trace(what, _cut("\n".join(lines)), _cut(json.dumps(item, ensure_ascii=False, indent=2)))


def _cut(text: str) -> str:
    left_out = len(text) - MOST_SHOWN
    return text if left_out <= 0 else f"{text[:MOST_SHOWN]}… ({left_out:,} more characters)"


def _text(value: Json) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _nothing(item: Mapping[str, Json]) -> Iterator[str]:
    return iter(())


def _members(*names: str) -> Callable[[Mapping[str, Json]], Iterator[str]]:
    return lambda item: (_text(item.get(name)) for name in names)


def _reasoning(item: Mapping[str, Json]) -> Iterator[str]:
    yield text_in(item.get("content")) or "\n\n".join(
        _text(part.get("text")) for part in _dicts(item.get("summary"))
    )


def _web_search(item: Mapping[str, Json]) -> Iterator[str]:
    action = item.get("action")
    done = action if isinstance(action, dict) else {}
    yield from (_text(done.get(name)) for name in ("query", "url", "pattern"))
    yield from (_text(source.get("url")) for source in _dicts(done.get("sources")))


def _file_search(item: Mapping[str, Json]) -> Iterator[str]:
    queries = item.get("queries")
    yield from map(_text, queries if isinstance(queries, list) else [])
    yield from (_text(found.get("filename")) for found in _dicts(item.get("results")))


def _code(item: Mapping[str, Json]) -> Iterator[str]:
    yield _text(item.get("code"))
    yield from (_text(output.get("logs")) for output in _dicts(item.get("outputs")))


def _message(item: Mapping[str, Json]) -> Iterator[str]:
    """The output stands on the page already: what it cites, and what was said on the way to it."""
    if item.get("phase") == "commentary":
        yield text_in(item.get("content"))
    for part in _dicts(item.get("content")):
        for note in _dicts(part.get("annotations")):
            named = (_text(note.get("title") or note.get("filename")), _text(note.get("url")))
            yield ": ".join(name for name in named if name)


def _dicts(rows: Json) -> list[Mapping[str, Json]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


_KINDS: dict[str, tuple[str, Callable[[Mapping[str, Json]], Iterator[str]]]] = {
    "reasoning": ("thinking, as the provider tells it", _reasoning),
    "message": ("the answer, with what it cites", _message),
    "function_call": ("call of a tool", _members("name", "arguments")),
    "custom_tool_call": ("call of a tool", _members("name", "input")),
    "web_search_call": ("web search by the provider", _web_search),
    "file_search_call": ("file search by the provider", _file_search),
    "code_interpreter_call": ("code run by the provider", _code),
    "mcp_call": ("tool of a server, called by the provider",
        _members("server_label", "name", "arguments", "output", "error")),
    "mcp_list_tools": ("tools of a server, listed by the provider", _members("server_label")),
    "image_generation_call": ("picture drawn by the provider", _members("revised_prompt")),
}  # fmt: skip
