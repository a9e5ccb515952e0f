"""An answer of the Responses API that comes as events: the response that the last of them has in it.

Where the stream broke off, it is what had come until then.
"""

from collections.abc import Mapping

from prompts_app.engine.endpoints.error_bodies import error_in
from prompts_app.engine.types import Json

_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class ResponseEvents:
    """The events of one stream, joined. As ``streams.Pieces`` is for chat completions."""

    def __init__(self) -> None:
        self._response: dict[str, Json] = {}
        self._items: list[Json] = []
        self._text: list[str] = []  # of the message that is being written, in pieces
        self._error: Json = None
        self.has_begun = False  # whether the model has said anything yet, thinking included
        self._has_ended = False

    @property
    def is_whole(self) -> bool:
        return self._has_ended or self._error is not None or not (self.has_begun or self._response)

    @property
    def text(self) -> str:
        """What the message that is being written says so far."""
        return "".join(self._text)

    @property
    def joined(self) -> dict[str, Json]:
        """A response; without an output where nothing of one came."""
        error = {} if self._error is None else {"error": self._error}
        items = self._items
        if any(self._text):
            part = {"type": "output_text", "text": "".join(self._text)}
            items = [*items, {"type": "message", "role": "assistant", "content": [part]}]
        # Some gateways send the items one by one and leave them out at the end.
        came = {"output": items} if items and not self._response.get("output") else {}
        return self._response | came | error

    def add(self, event: Json) -> None:
        if not isinstance(event, dict):
            return
        kind = str(event.get("type", ""))
        if kind == "error" or error_in(event) is not None:
            self._error = error_in(event) or event
        if isinstance(event.get("response"), dict):
            self._response = event["response"]
        self._has_ended = self._has_ended or kind in _ENDS
        if kind.endswith(".delta"):
            self.has_begun = True
            self._text.append(_text_of(kind, event))
        elif kind == "response.output_item.done":
            self.has_begun = True
            self._items.append(event.get("item"))
            self._text.clear()


def _text_of(kind: str, event: Mapping[str, Json]) -> str:
    said = event.get("delta") if kind in ("response.output_text.delta", "response.refusal.delta") else ""
    return said if isinstance(said, str) else ""
