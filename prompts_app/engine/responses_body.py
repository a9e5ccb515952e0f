"""The body of a call to the Responses API, from what a prompt says in the words of Chat Completions; and back
into messages, for readers.

What has another name or shape there is translated, everything else passes as it is written. Nothing is kept
at the provider (``store: false``) and nothing hangs on a state of the server's: each call has the whole
conversation in it, as items.
"""

from collections.abc import Iterator, Mapping, Sequence

from prompts_app.engine.json_texts import sealable
from prompts_app.engine.tool_types import Json

# The parameter of Chat Completions → where it stands in the Responses API.
_MOVED = {
    "max_tokens": ("max_output_tokens",),
    "max_completion_tokens": ("max_output_tokens",),
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
    "response_format": ("text", "format"),
}
_SHAPED = ("tools", "tool_choice")
_NAMED_INSIDE = {"function", "json_schema", "custom", "allowed_tools"}  # types whose members stand one deeper
_CALLS = {"function_call": "function", "custom_tool_call": "custom"}
_ALONE = frozenset({*_CALLS, "message"})  # items that need none beside them
# What an item says of itself and no server takes back: it kept none of them, so it knows no id.
_OWN = frozenset({"id", "status"})


def responses_body(
    model: str, items: Sequence[Json], parameters: Mapping[str, Json], *, stream: bool
) -> dict[str, Json]:
    """What goes over the wire."""
    body: dict[str, Json] = {"model": model, "input": list(items), "store": False}
    if stream:
        body["stream"] = True
    return body | translated(parameters)


# --- parameters -------------------------------------------------------------------------------------------


def translated(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters of Chat Completions as the Responses API names them."""
    body = {name: value for name, value in parameters.items() if name not in _MOVED and name not in _SHAPED}
    for name, place in _MOVED.items():
        if name in parameters:
            _put(body, name, place, parameters[name])
    if "tools" in parameters:
        tools = parameters["tools"]
        body["tools"] = [_tool(tool) for tool in tools] if isinstance(tools, list) else tools
    if "tool_choice" in parameters:
        body["tool_choice"] = _choice(parameters["tool_choice"])
    return body


def _put(body: dict[str, Json], name: str, place: tuple[str, ...], value: Json) -> None:
    """Where something stands that nothing fits into, it is sent as it is written."""
    first, *rest = place
    if not rest:
        body[first] = value
    elif isinstance(inside := body.get(first, {}), dict):
        body[first] = {**inside, rest[0]: _lifted(value)}
    else:
        body[name] = value


def _lifted(value: Json) -> Json:
    """``{"type": "json_schema", "json_schema": {…}}`` with its members beside the type."""
    kind = _kind(value)
    inside = value[kind] if kind in _NAMED_INSIDE and kind in value else None
    if not isinstance(inside, dict):
        return value
    return {**{name: one for name, one in value.items() if name != kind}, **inside}


def _tool(tool: Json) -> Json:
    """A function is strict here unless it says otherwise, and there only where it says so."""
    lifted = _lifted(tool)
    if lifted is not tool and lifted.get("type") == "function":
        return {"strict": False, "parameters": None, **lifted}
    return lifted


def _choice(choice: Json) -> Json:
    lifted = _lifted(choice)
    if isinstance(lifted, dict) and isinstance(lifted.get("tools"), list):
        return {**lifted, "tools": [_lifted(tool) for tool in lifted["tools"]]}
    return lifted


# --- messages into items ----------------------------------------------------------------------------------


def items_of(message: Mapping[str, Json]) -> Iterator[Json]:
    """A message of Chat Completions as items of the input."""
    role, content = message["role"], message.get("content")
    if role == "tool":
        output = "" if content is None else content
        yield {"type": "function_call_output", "call_id": message["tool_call_id"], "output": output}
        return
    calls = message.get("tool_calls") or ()
    if content or not calls:
        yield {"role": role, "content": _content(content, role)}
    for call in calls:
        yield _call_item(call)


def _content(content: Json, role: str) -> Json:
    if not isinstance(content, list):
        return content or ""
    return [_part(part, role) for part in content]


def _part(part: Json, role: str) -> Json:
    """Of Chat Completions' parts: texts and pictures; any other as it is."""
    if not isinstance(part, dict):
        return part
    if part.get("type") == "text":
        kind = "output_text" if role == "assistant" else "input_text"
        return {"type": kind, "text": part.get("text", "")}
    picture = part.get("image_url")
    if part.get("type") == "image_url" and isinstance(picture, dict):
        said = {"image_url": picture.get("url"), "detail": picture.get("detail", "auto")}
        return {"type": "input_image", **said}
    return part


def _call_item(call: Mapping[str, Json]) -> Json:
    function = call.get("function")
    known = function if isinstance(function, dict) else {}
    named = {"name": known.get("name"), "arguments": known.get("arguments")}
    return {"type": "function_call", "call_id": call.get("id"), **named}


def sent_back(items: Sequence[Json]) -> tuple[Json, ...]:
    """An answer's items as the next call of its conversation takes them. ``()``: they are not to be sent as
    items; then the message is.

    Thinking goes back where it came encrypted. Where it did not, no server knows it, and what came of it (a
    web search…) may not stand without it: then only texts and calls go back.
    """
    known = [item for item in items if isinstance(item, dict)]
    if not known or any(_is_nameless(item) for item in known):
        return ()
    thinking = [item for item in known if item.get("type") == "reasoning"]
    is_whole = all(item.get("encrypted_content") for item in thinking)
    kept = known if is_whole else [item for item in known if _kind(item) in _ALONE]
    return tuple(sealable(_sent_item(item)) for item in kept)


def _is_nameless(item: Mapping[str, Json]) -> bool:
    """A call whose result could not be told to be its."""
    return _kind(item) in _CALLS and not item.get("call_id")


def _sent_item(item: Mapping[str, Json]) -> Json:
    if item.get("type") == "message":
        phase = {"phase": item["phase"]} if item.get("phase") else {}
        return {"role": "assistant", "content": text_in(item.get("content")), **phase}
    said = {name: value for name, value in item.items() if value is not None}
    if _kind(item) in (*_CALLS, "reasoning"):
        return {name: value for name, value in said.items() if name not in _OWN}
    return said


# --- items into messages ----------------------------------------------------------------------------------


def call_in(item: Mapping[str, Json]) -> dict[str, Json] | None:
    """An item that calls a tool of the author's, as Chat Completions has it; ``None`` for any other."""
    kind = _CALLS.get(_kind(item))
    if kind is None:
        return None
    said = "arguments" if kind == "function" else "input"
    called = {"name": item.get("name"), said: item.get(said)}
    return {"id": item.get("call_id"), "type": kind, kind: called}


def text_in(content: Json) -> str:
    """The texts of a message's parts, one after the other; what the model said in refusing is text too."""
    if isinstance(content, str):
        return content
    return "".join(text for part in _list(content) if isinstance(text := _text_of(part), str))


def _text_of(part: Json) -> Json:
    if not isinstance(part, dict):
        return None
    return part.get("refusal") if part.get("type") == "refusal" else part.get("text")


def messages_in(body: Json) -> list[Json]:
    """The messages of a request as it was sent, in the form of Chat Completions, whichever API it went to.
    What a file brought in may have any shape."""
    if not isinstance(body, dict):
        return []
    if isinstance(body.get("messages"), list):
        return [message for message in body["messages"] if isinstance(message, dict)]
    items = body.get("input")
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    messages = list[Json]()
    for item in _list(items):
        if isinstance(item, dict):
            _add(messages, item)
    return messages


def _add(messages: list[Json], item: Mapping[str, Json]) -> None:
    if (call := call_in(item)) is not None:
        if not messages or messages[-1].get("role") != "assistant":
            messages.append({"role": "assistant", "content": None})
        messages[-1].setdefault("tool_calls", []).append(call)
    elif item.get("type") in ("function_call_output", "custom_tool_call_output"):
        said = {"tool_call_id": item.get("call_id"), "content": item.get("output")}
        messages.append({"role": "tool", **said})
    elif item.get("type") in (None, "message"):
        messages.append({"role": item.get("role", ""), "content": _content_in(item.get("content"))})


def _content_in(content: Json) -> Json:
    """A message's content in the form of Chat Completions: texts alone are one text."""
    if isinstance(content, dict) or not all("text" in _kind(part) for part in _list(content)):
        return [_part_in(part) for part in content] if isinstance(content, list) else content
    return text_in(content)


def _part_in(part: Json) -> Json:
    if "text" in _kind(part):
        return {"type": "text", "text": part.get("text")}
    if _kind(part) == "input_image" and isinstance(part.get("image_url"), str):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return part


def _kind(value: Json) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
