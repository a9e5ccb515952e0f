"""What a server refuses by name in a request, learned from its own refusal, once. From then on the model is
asked otherwise, and each page that shows what came says so.

Models that think take no temperature, call the limit of an answer by another name, and some know no role
"system"; some servers count no tokens of a stream, and one wants the thinking back that led to a call of
a tool, which others refuse. Nobody keeps a list of them: the refusal is what tells.
Bodies as servers sent them stand in the tests, with their sources.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from prompts_app.engine.tool_types import THINKING, ToolMessage
from prompts_app.engine.types import AnswerMessage, Fault, Message, Request, Sent

OLD_LIMIT, LIMIT = "max_tokens", "max_completion_tokens"
LEFT_OUT = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
DEVELOPER: Literal["developer"] = "developer"
STREAM_OPTIONS = "stream_options"
WORDS = (LIMIT, *LEFT_OUT, DEVELOPER, STREAM_OPTIONS, THINKING)

_REFUSALS = (400, 422)  # statuses
_REFUSED = {
    LIMIT: re.compile(rf"\b{OLD_LIMIT}\b.{{0,120}}\b{LIMIT}\b", re.DOTALL),
    DEVELOPER: re.compile(
        r"role.{0,60}does not support ['\"`]?system\b|role ['\"`]?system\b.{0,80}\bdeveloper\b",
        re.IGNORECASE | re.DOTALL,
    ),
    THINKING: re.compile(
        rf"\b{THINKING}\b.{{0,80}}\bmust be passed back\b|\bmissing ['\"`]?{THINKING}\b",
        re.IGNORECASE | re.DOTALL,
    ),
    STREAM_OPTIONS: re.compile(rf"\b{STREAM_OPTIONS}\b"),
    **{
        name: re.compile(
            rf"unsupported (?:value|parameter):? ['\"`]?{name}\b|['\"`]{name}['\"`]? (?:does not support|"
            "(?:is |are )?(?:not supported|unsupported|deprecated))",
            re.IGNORECASE,
        )
        for name in LEFT_OUT
    },
}


def in_words(word: str) -> str:
    """How the model is asked otherwise, after "asked"."""
    if word == LIMIT:
        return f"with {LIMIT} in place of {OLD_LIMIT}"
    if word == DEVELOPER:
        return "with the role “developer” in place of “system”"
    if word == THINKING:
        return "with its thinking sent back beside its calls of tools"
    return f"without {word}"


def told(words: Iterable[str]) -> str:
    """Several in words; "" for none."""
    return ", ".join(map(in_words, words))


def adapted(request: Request, words: Iterable[str]) -> Request:
    """The request as ``words`` have it; ``adapted`` on it says which of them changed it."""
    for word in words:
        changed = _adapted(request, word)
        if changed is not request:
            request = replace(changed, adapted=(*request.adapted, word))
    return request


def _adapted(request: Request, word: str) -> Request:
    if request.api == "responses" and word in (LIMIT, STREAM_OPTIONS, THINKING):
        return request  # it has none of them
    parameters = dict(request.parameters)
    if word == LIMIT and OLD_LIMIT in parameters:
        limit = parameters.pop(OLD_LIMIT)
        return replace(request, parameters={**parameters, LIMIT: parameters.get(LIMIT, limit)})
    if word in LEFT_OUT and word in parameters:
        del parameters[word]
        return replace(request, parameters=parameters)
    if word == STREAM_OPTIONS and request.is_streamed and request.stream_usage:
        return replace(request, stream_usage=False)
    calls_tools = any(isinstance(message, ToolMessage) for message in request.messages)
    if word == DEVELOPER or (word == THINKING and calls_tools):
        changed = _as_developer if word == DEVELOPER else _with_thinking
        messages = tuple(map(changed, request.messages))
        return request if messages == request.messages else replace(request, messages=messages)
    return request


def _as_developer(message: Sent) -> Sent:
    if isinstance(message, Message) and message.role == "system":
        return replace(message, role=DEVELOPER)
    return message


def _with_thinking(message: Sent) -> Sent:
    if isinstance(message, ToolMessage | AnswerMessage) and message.role == "assistant":
        return replace(message, with_thinking=True)
    return message


@dataclass(slots=True)
class Learned:
    """What is known of one model at one endpoint, and what is learned of it."""

    words: list[str] = field(default_factory=list)

    def learn(self, fault: Fault, sent: Request) -> bool:
        """Whether the request, asked as is known now, is another one: then it is worth asking again. Each
        word changes a request at most once, so this ends."""
        if fault.status not in _REFUSALS:
            return False
        for word, said in _REFUSED.items():
            if word not in self.words and said.search(fault.message) and _adapted(sent, word) is not sent:
                self.words.append(word)
        return any(_adapted(sent, word) is not sent for word in self.words)

    async def asked[R](
        self, request: Request, ask: Callable[[Request], Awaitable[R | Fault]]
    ) -> tuple[Request, R | Fault]:
        """Ask as is known now, and again where that is refused and there is another way; what was sent last,
        and what came of it."""
        sent = adapted(request, self.words)
        found = await ask(sent)
        while isinstance(found, Fault) and self.learn(found, sent):
            sent = adapted(request, self.words)
            found = await ask(sent)
        return sent, found
