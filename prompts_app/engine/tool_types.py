"""What is called, answered and said of tools, as frozen dataclasses. See ``engine.types`` for the others."""

from dataclasses import dataclass
from typing import Any, Literal

type Json = Any

THINKING = "reasoning_content"  # the member of a message that holds it, where a server wants it back


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A canned result: what a tool is said to give back. Nothing is ever executed.

    It answers calls of ``tool`` whose arguments hold ``arguments`` (an object; ``None``: whatever they are),
    and only the first of them where it is for ``once``.
    """

    tool: str
    result: str
    arguments: Json = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """As it came: the name may be anything; arguments are JSON text with OpenAI, an object with Google."""

    name: Json
    arguments: Json


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """A message about tools, which comes while a case is asked and stands in no prompt: an answer with its
    ``tool_calls`` as the model wrote them, or (role "tool") the result of the call with this id."""

    role: Literal["assistant", "tool"]
    content: str
    tool_calls: tuple[Json, ...] = ()
    tool_call_id: str = ""
    items: tuple[Json, ...] = ()  # of the Responses API, which takes these in its place
    thinking: str = ""  # that came beside the calls
    with_thinking: bool = False  # it is sent back with them

    def as_json(self) -> dict[str, Json]:
        if self.role == "assistant":
            said = {"role": self.role, "content": self.content or None, "tool_calls": list(self.tool_calls)}
            return said | ({THINKING: self.thinking} if self.with_thinking else {})
        return {"role": self.role, "content": self.content, "tool_call_id": self.tool_call_id}
