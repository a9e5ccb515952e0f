"""The words of the engine as frozen dataclasses. Everything else in the engine takes and gives these.

``Json`` stands for whatever ``json.loads`` returns. Tuples, not lists, hold several of a thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.growing import Growing
from prompts_app.engine.picture_types import Picture
from prompts_app.engine.responses_body import items_of, responses_body
from prompts_app.engine.tool_types import THINKING, ToolCall, ToolMessage, ToolResult

type Json = Any
Role = Literal["system", "user", "assistant", "developer"]
Api = Literal["chat", "responses", "images"]  # that a call goes to; "chat" is Chat Completions
# How much a model is to think, or to say: the words that servers take, not each of them all.
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
ROLES: tuple[Role, ...] = ("system", "user", "assistant")  # an author’s


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; ``content`` may hold ``{{variables}}``."""

    role: Role
    content: str

    def as_json(self) -> dict[str, Json]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class PicturedMessage(Message):
    """One with pictures, as it is sent: ``parts`` are what is kept of it (see ``engine.case_pictures``),
    ``content`` the texts among them."""

    parts: tuple[Json, ...] = ()

    def as_json(self) -> dict[str, Json]:
        return {"role": self.role, "content": list(self.parts)}


@dataclass(frozen=True, slots=True)
class AnswerMessage(Message):
    """An answer in the model's next turn. The Responses API takes its ``items`` in its place."""

    items: tuple[Json, ...] = ()
    thinking: str = ""  # that came beside it
    with_thinking: bool = False  # it is sent back as well

    def as_json(self) -> dict[str, Json]:
        thinking = {THINKING: self.thinking} if self.with_thinking else {}
        return {"role": self.role, "content": self.content, **thinking}


type Sent = Message | ToolMessage


@dataclass(frozen=True, slots=True)
class Variable:
    """A ``{{name}}`` of the messages, with what stands in for it where a case gives no value: a text, or
    ``pictures`` of the version itself."""

    name: str
    default: str = ""
    description: str = ""
    pictures: tuple[CasePicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Assertion:
    """One check on an output, in promptfoo's words.

    ``type`` is the kind's name, with ``not-`` before it for the opposite. ``value`` has the kind's own
    shape (text, a list, a JSON Schema, a number, or nothing). ``threshold`` is the kind's own unit
    (milliseconds for latency, dollars for cost, otherwise a score of 0..1). ``options`` is whatever else
    another tool said of it (a ``transform``, a judge's ``provider``…), kept so that it can be given back.
    An ``assert-set`` has its members, as ``digests.assertion_json`` writes them, for its value.
    """

    type: str
    value: Json = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseContent:
    """One test case: values for the variables, optionally further user turns, and its assertions.

    It passes when all of these hold; with a ``threshold``, when their weighted mean score reaches that.
    Where it has ``tool_results``, the model's calls of tools are answered from them, in at most
    ``most_steps`` answers of the model (``None``: the usual number, see ``engine.tool_steps``).
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    turns: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    system: str = ""  # where given, in place of the prompt's system messages
    threshold: float | None = None
    tool_results: tuple[ToolResult, ...] = ()
    most_steps: int | None = None
    pictures: tuple[CasePicture, ...] = ()  # in place of texts for their variables


@dataclass(frozen=True, slots=True)
class PromptContent:
    """What is sent: messages, the variables in them, and the model parameters the author set."""

    messages: tuple[Message, ...]
    variables: tuple[Variable, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What an endpoint's author says its tokens cost: US dollars for a million of them, as of a day.

    ``model`` "" stands for every model without a row of its own; ``cached`` ``None`` for the price of
    ``tokens_in``.
    """

    model: str
    tokens_in: Decimal
    cached: Decimal | None
    tokens_out: Decimal
    as_of: date


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """Where a call goes. ``kind`` names a registered endpoint kind; ``key`` never shows in a repr."""

    kind: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    allowed_private_hosts: frozenset[str] = frozenset()
    time_limit_s: float = 600.0  # for each attempt at a call
    prices: tuple[OwnPrice, ...] = ()
    api: Api = "chat"  # that texts are asked for at


@dataclass(frozen=True, slots=True)
class Judge:
    """Who grades outputs: a model at an endpoint, and the model that makes embeddings there.

    ``embedding_model`` "" stands for ``model``. ``parameters`` are sent with each question to the model.
    """

    endpoint: EndpointConfig
    model: str
    embedding_model: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    learned: list[str] = field(default_factory=list)  # what its server refuses; it grows: engine.adaptations


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it is sent: rendered messages, model and parameters (``body`` is the wire JSON, but for
    the bytes of pictures in it). With ``stream`` a text is asked for in pieces."""

    model: str
    messages: tuple[Sent, ...]
    parameters: Mapping[str, Json] = field(default_factory=dict)
    api: Api = "chat"
    stream: bool = False
    stream_usage: bool = True  # its tokens are asked for too, which some servers refuse
    adapted: tuple[str, ...] = ()  # what was changed of it as its server refuses that: engine.adaptations
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by digest, while it is sent
    # Given each answer that comes in pieces, when it begins to.
    on_begun: Callable[[Growing], None] | None = field(default=None, repr=False, compare=False)

    @property
    def is_streamed(self) -> bool:
        return self.stream and self.api != "images"

    def body(self) -> dict[str, Json]:
        """What goes over the wire: what the author set, and whether it is to come in pieces.

        The images API takes one text: the messages one after the other, without their roles.
        """
        if self.api == "images":
            text = "\n\n".join(message.content for message in self.messages)
            return {"model": self.model, "prompt": text, "n": 1, **self.parameters}
        if self.api == "responses":
            items = [item for message in self.messages for item in _items_of(message)]
            return responses_body(self.model, items, self.parameters, stream=self.stream)
        return {
            "model": self.model,
            "messages": [message.as_json() for message in self.messages],
            **({"stream": True} if self.stream else {}),
            **({"stream_options": {"include_usage": True}} if self.stream and self.stream_usage else {}),
            **self.parameters,
        }


def _items_of(message: Sent) -> Iterable[Json]:
    own = message.items if isinstance(message, ToolMessage | AnswerMessage) else ()
    return own or items_of(message.as_json())


@dataclass(frozen=True, slots=True)
class Price:
    """What a call cost in US dollars, or ``None`` where no price is known, and who says so."""

    dollars: Decimal | None
    source: str  # see ``engine.prices``; "" where unknown


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model server answered. ``None`` means the server did not say.

    ``latency_ms`` is the time around the HTTP call alone, the last attempt's when it was retried.
    """

    output: str
    finish_reason: str | None
    model: str | None
    response_id: str | None
    fingerprint: str | None
    tokens_in: int | None
    tokens_out: int | None
    latency_ms: float
    attempts: int = 1
    cached: bool = False
    picture: Picture | None = None  # the output, where the images API was asked
    tokens_cached: int | None = None  # of ``tokens_in``, those the provider had kept; they cost less
    tokens_reasoning: int | None = None  # of ``tokens_out``, those that went into thinking
    reasoning_chars: int | None = None  # of thinking that came beside the output
    billed: Price | None = None  # where the provider said what the call cost
    first_token_ms: float | None = None  # until the first piece of it came, thinking too; None: it came whole
    earlier: tuple[Reply, ...] = ()  # parts that came with attempts that failed: billed, and no answer
    tool_calls: tuple[Json, ...] = ()  # as the model wrote them; they are in the output too
    content: str = ""  # the text beside them
    thinking: str = ""  # as ``reasoning_content``, which some servers want back with their calls
    items: tuple[Json, ...] = ()  # of the Responses API, as they came
    trace: tuple[Json, ...] = ()  # of them and of those before, where they say more than the output: kept


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embeddings server answered: one vector a text, in their order, all of the same length."""

    vectors: tuple[tuple[float, ...], ...]
    model: str | None
    tokens_in: int | None
    latency_ms: float
    attempts: int = 1
    billed: Price | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer: a row with a label, never an exception that gets lost.

    ``kind`` is a short stable word (see ``engine.faults.FAULTS``), ``message`` what happened in a
    sentence, with no key in it; what to do next comes from the kind.
    """

    kind: str
    message: str
    status: int | None = None
    latency_ms: float | None = None
    attempts: int = 1
    cause: str = ""  # for "judge_error": the kind of fault the judge's own call met, "" for nonsense
    part: Reply | None = None  # what came all the same: kept beside the fault, and never judged
    wait_s: float | None = None  # how long the server asks to wait, where its body says so
    earlier: tuple[Reply, ...] = ()  # as in Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """What assertions look at: one output and what is known about how it came.

    ``None`` means unknown. ``latency_ms`` is ``None`` for an answer from a cache too: it says nothing
    about the model. ``cost`` is in US dollars, ``tokens`` counts prompt and answer together.
    """

    output: str
    finish_reason: str | None = None
    latency_ms: float | None = None
    cost: Decimal | None = None
    tokens: int | None = None
    tools: Json = None  # the request's "tools" parameter
    is_picture: bool = False  # there is no text to look at
    calls: tuple[ToolCall, ...] | None = None  # of tools, from the first answer of the case to the last


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One call to the judge. ``asked`` is what was sent, with the texts that are kept elsewhere in the
    result named instead of repeated; ``answer`` is in full. ``model`` is what the server named."""

    asked: str
    answer: str
    model_asked: str
    model: str | None
    tokens_in: int | None
    tokens_out: int | None
    price: Price
    parameters: Mapping[str, Json] = field(default_factory=dict)  # as they were sent
    asked_at: str = ""  # as in Outcome
    adapted: tuple[str, ...] = ()  # as in Request


@dataclass(frozen=True, slots=True)
class Judging:
    """How a model graded one output: the rubric, and every call that was made for it."""

    rubric: str
    calls: tuple[JudgeCall, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """How one assertion came out on one output. ``reason`` is always there, on passes too.

    ``passed`` and ``score`` are ``None`` where nothing was judged. With a ``weight`` of 0 the check is only
    shown: so are assertions that are not run here. Where it is ``unknown``, it cannot be known (a cost
    without a price, the words of a text without spaces), and the case's verdict comes from its other checks.
    Otherwise the verdict is still wanting (no judge model was chosen, the judge failed, the author did not
    look yet, the assertion itself is ill-written), and so is the case's.

    ``transform`` is what the output went through first, "" for nothing; ``applied_to`` what it was then, its
    beginning where it is long. ``members`` are the checks of an ``assert-set``, in its order.
    """

    type: str
    value: Json
    passed: bool | None
    score: float | None
    reason: str
    threshold: float | None = None
    weight: float = 1.0
    judge: Judging | None = None
    transform: str = ""
    applied_to: str = ""
    unknown: bool = False
    members: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that came before, with the request it answered and what it cost."""

    request: Request
    reply: Reply
    price: Price


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to ask: case number ``case_index`` (0-based, place in the suite), repeat ``repeat``.

    With ``answered`` only the judging is left: the model is not asked again.
    """

    case_index: int
    repeat: int
    case: CaseContent
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished cell. Exactly one of ``reply`` and ``fault`` is set, but for the fault "judge_error":
    then the model answered, and it is the verdict that is wanting.

    ``passed`` is ``None`` for a fault (no answer is neither a pass nor a failure); with no assertions
    that count, or none that is run here, it is ``None`` too: there was nothing to hold the output to.
    ``price`` is the model's; ``judge_price`` the judge's, ``None`` where no judge was asked. ``asked_at`` is
    the scheme, host and port the model was really asked at, "" where nothing was sent anywhere.
    ``unanswered`` says why calls of tools ended the case though it has canned results: see
    ``engine.tool_steps.UNANSWERED``.
    """

    cell: Cell
    request: Request
    reply: Reply | None
    fault: Fault | None
    checks: tuple[Check, ...]
    passed: bool | None
    price: Price
    judge_price: Price | None = None
    asked_at: str = ""
    unanswered: str = ""
