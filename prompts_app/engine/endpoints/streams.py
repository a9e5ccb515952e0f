"""A chat completion that comes in pieces: joined, and timed to its first.

The ``openai`` client takes the stream apart into events; here their pieces become the JSON that the same
answer would have been as a whole, which is then read like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpcore2
from openai import APIError, AsyncStream

from prompts_app.engine.endpoints.answers import HttpAnswer
from prompts_app.engine.endpoints.connecting import Stopwatch
from prompts_app.engine.endpoints.error_bodies import error_in
from prompts_app.engine.endpoints.response_streams import ResponseEvents
from prompts_app.engine.types import Json

_GROWING = frozenset(
    {"content", "reasoning_content", "reasoning", "thinking", "refusal", "arguments", "text"}
)


async def read_stream(
    stream: AsyncStream[object], watch: Stopwatch, pieces: Pieces | ResponseEvents
) -> HttpAnswer:
    """The answer as if it had come whole; one that broke off, or never said that it was finished, is cut."""
    first_ms = None
    came: dict[str, HttpAnswer] = dict(stream.response.extensions)
    if "answer" in came:  # the server answers no streams
        return came["answer"]
    try:
        async for chunk in stream:
            pieces.add(chunk)
            if first_ms is None and pieces.has_begun:
                first_ms = watch.exchange_ms()
    except APIError as failed:
        pieces.add({"error": failed.body})
    except json.JSONDecodeError as broken:
        if not pieces.has_begun:
            return replace(came["head"], body=broken.doc.encode("utf-8", "replace"))
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        if not pieces.has_begun:
            raise
    return replace(
        came["head"],
        body=json.dumps(pieces.joined).encode("ascii"),
        latency_ms=watch.exchange_ms(),
        first_token_ms=first_ms,
        is_cut=not pieces.is_whole,
    )


class Pieces:
    """The chunks of one stream, joined."""

    def __init__(self) -> None:
        self._data: dict[str, Json] = {}
        self._choice: dict[str, Json] = {}
        self._message: dict[str, Json] = {}

    @property
    def joined(self) -> dict[str, Json]:
        """A chat completion; without choices where none came."""
        if not self._choice:
            return self._data
        message = self._message
        if calls := message.get("tool_calls"):
            message = {**message, "tool_calls": [_without_index(call) for call in calls]}
        said = {} if "text" in self._choice else {"message": message}
        return {**self._data, "choices": [{**self._choice, **said}]}

    @property
    def has_begun(self) -> bool:
        """Whether the model has said anything yet, thinking included."""
        return any(value for name, value in self._message.items() if name != "role") or "text" in self._choice

    @property
    def is_whole(self) -> bool:
        return bool(self._choice.get("finish_reason")) or "error" in self._data or not self._choice

    def add(self, chunk: Json) -> None:
        if not isinstance(chunk, dict):
            return
        if (error := error_in(chunk)) is not None:
            self._data["error"] = error
        self._data |= {name: value for name, value in chunk.items() if value and name != "choices"}
        groq = chunk.get("x_groq")
        if isinstance(groq, dict) and groq.get("usage"):
            self._data["usage"] = groq["usage"]
        for choice in _first_of(chunk.get("choices")):
            _grow(self._choice, {name: choice[name] for name in choice if name not in ("delta", "message")})
            for delta in (choice.get("delta"), choice.get("message")):
                _grow(self._message, delta if isinstance(delta, dict) else {})


def _first_of(choices: Json) -> Iterator[Mapping[str, Json]]:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and not choice.get("index"):
            yield choice


def _grow(into: dict[str, Json], delta: Mapping[str, Json]) -> None:
    """Texts and lists grow; of anything else the last that says something counts."""
    for name, value in delta.items():
        old = into.get(name)
        if name == "tool_calls" and isinstance(value, list):
            into[name] = _with_calls(old if isinstance(old, list) else [], value)
        elif name in _GROWING and old and value:
            into[name] = old + value if type(old) is type(value) else [*_parts(old), *_parts(value)]
        elif value or name not in into:
            into[name] = dict(value) if isinstance(value, dict) else value


def _without_index(call: Mapping[str, Json]) -> dict[str, Json]:
    """As calls are where they come whole."""
    return {name: value for name, value in call.items() if name != "index"}


def _parts(content: Json) -> list[Json]:
    """Mistral sends thinking as parts and the text that follows as text."""
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _with_calls(calls: list[Json], pieces: list[Json]) -> list[Json]:
    """Each piece of a call says by its ``index`` which call it belongs to."""
    for piece in pieces:
        if not isinstance(piece, dict):
            continue
        at = piece.get("index")
        known = next((call for call in calls if at is not None and call.get("index") == at), None)
        if known is None:
            known = {}
            calls.append(known)
        function = known.setdefault("function", {})
        _grow(known, {name: value for name, value in piece.items() if name != "function"})
        _grow(function, piece["function"] if isinstance(piece.get("function"), dict) else {})
    return calls
