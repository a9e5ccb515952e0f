"""A chat completion that comes in pieces: joined, and timed to its first.

The ``openai`` client takes the stream apart into events; here their pieces become the JSON that the same
answer would have been as a whole, which is then read like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import httpcore2
from openai import APIError, AsyncStream

from prompts_app.engine.endpoints.answers import HttpAnswer, Unreadable
from prompts_app.engine.endpoints.connecting import Stopwatch
from prompts_app.engine.endpoints.error_bodies import error_in
from prompts_app.engine.endpoints.response_streams import ResponseEvents
from prompts_app.engine.growing import Growing
from prompts_app.engine.types import Json

_GROWING = frozenset(
    {"content", "reasoning_content", "reasoning", "thinking", "refusal", "arguments", "text"}
)


async def read_stream(
    stream: AsyncStream[object],
    watch: Stopwatch,
    pieces: Pieces | ResponseEvents,
    on_begun: Callable[[Growing], None] | None = None,
) -> HttpAnswer:
    """The answer as if it had come whole; one that broke off, or never said that it was finished, is cut.

    ``on_begun`` is given what it grows in, to be looked at meanwhile, in another thread too.
    """
    first_ms = None
    came: dict[str, HttpAnswer] = dict(stream.response.extensions)
    if "answer" in came:  # the server answers no streams
        return came["answer"]
    if on_begun is not None:
        on_begun(pieces)
    try:
        async for chunk in stream:
            pieces.add(chunk)
            if first_ms is None and pieces.has_begun:
                first_ms = watch.exchange_ms()
    except APIError as failed:
        pieces.add({"error": failed.body})
    except (ValueError, RecursionError) as broken:  # from here on it cannot be read: what came is half
        if not pieces.has_begun:
            return replace(came["head"], body=_unread(broken))
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


def _unread(broken: ValueError | RecursionError) -> bytes:
    """What came and is no JSON. Raises ``Unreadable`` where it would be."""
    if isinstance(broken, json.JSONDecodeError):
        return broken.doc.encode("utf-8", "replace")
    if isinstance(broken, UnicodeDecodeError):
        return broken.object
    raise Unreadable from broken


class Pieces:
    """The chunks of one stream, joined."""

    def __init__(self) -> None:
        self._data: dict[str, Json] = {}
        self._choice: dict[str, Json] = {}
        self._message: dict[str, Json] = {}
        self._calls = _Calls()

    @property
    def joined(self) -> dict[str, Json]:
        """A chat completion; without choices where none came."""
        if not self._choice:
            return self._data
        message = _whole(self._message)
        if self._calls.all:
            message["tool_calls"] = self._calls.joined
        said = {} if "text" in self._choice else {"message": message}
        return {**self._data, "choices": [{**_whole(self._choice), **said}]}

    @property
    def has_begun(self) -> bool:
        """Whether the model has said anything yet, thinking included."""
        said = any(value for name, value in self._message.items() if name != "role")
        return said or bool(self._calls.all) or "text" in self._choice

    @property
    def text(self) -> str:
        """What it has written so far, thinking aside."""
        said = self._message.get("content") or self._choice.get("text")
        return "".join(said) if isinstance(said, _Grown) else ""

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
                known = delta if isinstance(delta, dict) else {}
                if isinstance(known.get("tool_calls"), list):
                    self._calls.add(known["tool_calls"])
                    known = {name: known[name] for name in known if name != "tool_calls"}
                _grow(self._message, known)


def _first_of(choices: Json) -> Iterator[Mapping[str, Json]]:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and not choice.get("index"):
            yield choice


class _Grown(list[str]):
    """A text that grows: its pieces. Joined once, or each piece would copy all that came before it."""


def _grow(into: dict[str, Json], delta: Mapping[str, Json]) -> None:
    """Texts and lists grow; of anything else the last that says something counts."""
    for name, value in delta.items():
        old = into.get(name)
        if name not in _GROWING or not value or not isinstance(value, str | list):
            if value or name not in into:
                into[name] = dict(value) if isinstance(value, dict) else value
        elif not old or not isinstance(old, list):
            into[name] = _Grown([value]) if isinstance(value, str) else list(value)
        elif isinstance(old, _Grown) and isinstance(value, str):
            old.append(value)
        else:
            into[name] = known = _parts("".join(old)) if isinstance(old, _Grown) else old
            known += _parts(value)


def _whole(grown: Mapping[str, Json]) -> dict[str, Json]:
    return {name: "".join(one) if isinstance(one, _Grown) else one for name, one in grown.items()}


def _parts(content: Json) -> list[Json]:
    """Mistral sends thinking as parts and the text that follows as text."""
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


class _Calls:
    """Calls of tools. Each piece of a call says by its ``index`` which call it belongs to."""

    def __init__(self) -> None:
        self.all: list[dict[str, Json]] = []
        self._by_index: dict[int | str, dict[str, Json]] = {}

    @property
    def joined(self) -> list[Json]:
        """As calls are where they come whole."""
        return [{**_whole(call), "function": _whole(call["function"])} for call in self.all]

    def add(self, pieces: list[Json]) -> None:
        for piece in pieces:
            if isinstance(piece, dict):
                call, function = self._of(piece.get("index")), piece.get("function")
                _grow(call, {name: piece[name] for name in piece if name not in ("function", "index")})
                _grow(call["function"], function if isinstance(function, dict) else {})

    def _of(self, index: Json) -> dict[str, Json]:
        if isinstance(index, int | str) and index in self._by_index:
            return self._by_index[index]
        call: dict[str, Json] = {"function": {}}
        self.all.append(call)
        if isinstance(index, int | str):
            self._by_index[index] = call
        return call
