"""How the practice endpoint calls tools: by the words a question shares with a tool's name and description.

It calls each tool that is named, once, and answers with what came back.
"""

import json
import re
from collections.abc import Sequence

from prompts_app.engine.types import Json, Request, Sent

LEAST_LETTERS, LONG_WORD = 3, 4  # letters of a word that is shared, of one that tells something
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_NAME = re.compile(r"\b[A-Z][\w-]+")


def results_in(request: Request) -> tuple[str, ...]:
    """What the tools gave back since the user spoke last."""
    return tuple(message.content for message in _since_user(request.messages) if message.role == "tool")


def calls_for(request: Request, *, sloppy: bool) -> tuple[Json, ...]:
    """The calls an answer makes; ``()`` where it makes none. A sloppy one's arguments are not JSON."""
    question = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    tools = request.parameters.get("tools")
    if results_in(request) or not isinstance(tools, list) or request.parameters.get("tool_choice") == "none":
        return ()
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    named = [one for one in functions if isinstance(one, dict) and isinstance(one.get("name"), str)]
    wanted = [one for one in named if _words(question) & _about(one)]
    return tuple(_call(one, question, number, sloppy=sloppy) for number, one in enumerate(wanted, 1))


def _since_user(messages: Sequence[Sent]) -> Sequence[Sent]:
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    return messages[last + 1 :]


def _about(function: dict[str, Json]) -> set[str]:
    """The words of its name, and the longer ones of its description: "what" says nothing."""
    named = _words(function["name"].replace("_", " "))
    return named | {word for word in _words(str(function.get("description"))) if len(word) > LONG_WORD}


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W_]+", text.lower()) if len(word) >= LEAST_LETTERS}


def _call(function: dict[str, Json], question: str, number: int, *, sloppy: bool) -> dict[str, Json]:
    text = json.dumps(_arguments(function.get("parameters"), question), ensure_ascii=False)
    called = {"name": function["name"], "arguments": text[:-1] if sloppy else text}
    return {"id": f"practice-{number}", "type": "function", "function": called}


def _arguments(schema: Json, question: str) -> dict[str, Json]:
    """A value for each property, from what is in the question."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return {
        name: _value(about if isinstance(about, dict) else {}, question)
        for name, about in (properties.items() if isinstance(properties, dict) else ())
    }


def _value(about: dict[str, Json], question: str) -> Json:
    """Of allowed ones the first; else the first number or the last name that is mentioned."""
    if isinstance(about.get("enum"), list) and about["enum"]:
        return about["enum"][0]
    number, names = _NUMBER.search(question), _NAME.findall(question)
    mentioned = float(number[0]) if number else 1.0
    text = names[-1] if names else question.strip()
    by_type: dict[str, Json] = {
        "integer": int(mentioned), "number": mentioned, "boolean": True, "array": [], "object": {},
    }  # fmt: skip
    return by_type.get(str(about.get("type")), text)
