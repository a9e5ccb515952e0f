"""The practice endpoint: something to run against without a key or a network. It is not a model.

It follows a handful of rules, always the same for the same request, and takes a moment so that a run can
be watched. ``practice-1`` does its best; ``practice-2`` is sloppy on purpose, so that failures are seen.
Now and then a call is refused for a moment and repeated, or stays without an answer, as it happens with
real servers. Nothing it says is evidence of anything.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter

from prompts_app.engine.endpoints import practice_pictures, practice_tools
from prompts_app.engine.endpoints.images import ImageAnswer, with_picture
from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.endpoints.pacing import Pacing
from prompts_app.engine.prices import estimate_tokens
from prompts_app.engine.response_format import schema_asked_for
from prompts_app.engine.types import Embedded, EndpointConfig, Fault, Json, Reply, Request

LABEL = "not a model"
MODELS = ("practice-1", "practice-2")
SLOPPY = "practice-2"

JUDGE = "You examine"  # how assertions.judging begins

SHORTEST_S, LONGEST_S = 0.15, 0.9
ONE_IN = 25  # calls that meet a fault, by their hash
SLOPPY_ONE_IN = 3
DIMENSIONS = 64  # of an embedding
FEWEST_WORDS = 12  # what "shorten" leaves
DEEPEST = 6  # objects inside of objects that are filled in

_FIELD = re.compile(
    r"^[ \t]{0,9}[-*]?[ \t]{0,9}([A-Za-z][\w /-]{0,40}?)[ \t]*[:=][ \t]*(\S.*)$", re.MULTILINE
)
_LABELS = re.compile(
    r"(?:one of|labels?|categor(?:y|ies)|class(?:es)?|classify[^:\n]{0,60})\b[^:\n]{0,60}[:]\s*([^\n.]+)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:,|;|\||/|\bor\b|\band\b)\s*")
_MARK = re.compile(r"\b[0-9a-f]{12}\b")  # of assertions.judging, around what is judged
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@asynccontextmanager
async def open_practice(endpoint: EndpointConfig, concurrency: int, pacing: Pacing) -> AsyncIterator[Asker]:
    """No connection is made. Waits are scaled with ``pacing.first_wait_s``, which is 0.5 s outside tests."""
    yield _Practice(scale=pacing.first_wait_s / Pacing().first_wait_s)


@dataclass(slots=True)
class _Practice:
    scale: float
    origin: str = ""  # nothing is called

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        if request.model not in MODELS:
            return _unknown_model()
        chance = _hash_of(request)
        delay = (SHORTEST_S + (LONGEST_S - SHORTEST_S) * (chance % 1000) / 1000) * self.scale
        if delay > deadline_s:
            await asyncio.sleep(deadline_s)
            return Fault("timeout", f"No whole answer came within {deadline_s:g} s.", None, deadline_s * 1000)
        started = perf_counter()
        await asyncio.sleep(delay)
        latency_ms = (perf_counter() - started) * 1000
        mishap = chance // 1000 % ONE_IN
        if mishap == 0 and chance // 100_000 % 2:
            return Fault("server_error", "The practice server answered 503, for practice.", 503, latency_ms)
        attempts = 2 if mishap == 0 else 1
        if request.api == "images":
            return await with_picture(_image_answer(request, chance, latency_ms, attempts))
        return _reply(request, chance, latency_ms, attempts)

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        """Texts that share words lie close together; that is all it knows of meaning."""
        if model not in MODELS:
            return _unknown_model()
        return Embedded(tuple(map(_vector, texts)), model, sum(map(estimate_tokens, texts)), 0.0)

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return MODELS


def _unknown_model() -> Fault:
    return Fault("model_not_found", f"The practice endpoint offers {' and '.join(MODELS)} only.", 404)


def _vector(text: str) -> tuple[float, ...]:
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()) or [""]:
        vector[sha256(word.encode("utf-8", "replace")).digest()[0] % DIMENSIONS] += 1.0
    return tuple(vector)


def _hash_of(request: Request) -> int:
    """The same for the same request; two questions to a judge differ in a random mark only."""
    text = _MARK.sub("", json.dumps(request.body(), sort_keys=True, default=str))
    return int.from_bytes(sha256(text.encode("ascii")).digest()[:8])


def _reply(request: Request, chance: int, latency_ms: float, attempts: int) -> Reply:
    is_sloppy = request.model == SLOPPY and chance // 10_000_000 % SLOPPY_ONE_IN == 0
    calls = practice_tools.calls_for(request, sloppy=is_sloppy)
    output = json.dumps(list(calls), ensure_ascii=False) if calls else answer(request)
    if is_sloppy and not calls:
        output = _spoil(output)
    return Reply(
        output=output,
        finish_reason="tool_calls" if calls else "stop",
        model=request.model,
        response_id=f"practice-{chance:016x}",
        fingerprint=None,
        tokens_in=sum(estimate_tokens(message.content) for message in request.messages),
        tokens_out=estimate_tokens(output),
        latency_ms=latency_ms,
        attempts=attempts,
        tool_calls=calls,
    )


def _image_answer(request: Request, chance: int, latency_ms: float, attempts: int) -> ImageAnswer:
    text = str(request.body()["prompt"])
    is_sloppy = request.model == SLOPPY and chance // 10_000_000 % SLOPPY_ONE_IN == 0
    reply = Reply(
        output="",
        finish_reason=None,
        model=request.model,
        response_id=f"practice-{chance:016x}",
        fingerprint=None,
        tokens_in=estimate_tokens(text),
        tokens_out=None,
        latency_ms=latency_ms,
    )
    return ImageAnswer(reply, practice_pictures.draw(text, sloppy=is_sloppy), attempts=attempts)


def answer(request: Request) -> str:
    """What the rules make of the messages."""
    if given := practice_tools.results_in(request):
        return "\n".join(given)
    question = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    system = "\n".join(m.content for m in request.messages if m.role == "system") or question
    question += "".join(f"\n{line}" for line in practice_pictures.seen(request.pictures))
    if system.startswith(JUDGE):
        return _verdict(system)
    if asked := schema_asked_for(request.parameters):
        return json.dumps(_fitting(asked.schema, _fields(question, system)), ensure_ascii=False)
    if re.search(r"\bjson\b", system, re.IGNORECASE):
        return json.dumps(_fields(question, system), ensure_ascii=False)
    labels = _labels(system)
    if labels:
        return _pick(labels, question)
    return _reword(question, system)


def _verdict(system: str) -> str:
    """In the form a judge is asked for; there is nothing behind it."""
    verdict = {
        "reason": "Practice: nobody judged this.", "pass": True, "score": 10 if "0 to 10" in system else 1,
        "category": "C", "best": 1,
        "steps": ["Practice: there are none."], "questions": ["Practice: there is none."],
    }  # fmt: skip
    return json.dumps({name: value for name, value in verdict.items() if f'"{name}"' in system})


def _fields(question: str, system: str) -> dict[str, str | float]:
    """``field: value`` lines as an object; without any, the fields the instructions quote, left empty."""
    found = {_field_name(name): _value(value.strip()) for name, value in _FIELD.findall(question)}
    return found or dict.fromkeys(re.findall(r'["“`](\w+)["”`]', system), "") or {"text": question.strip()}


def _fitting(schema: Json, found: Mapping[str, Json], name: str = "", depth: int = 0) -> Json:
    """What the text says by these names, in the shape of a plain schema; what it does not say is empty."""
    schema = schema if isinstance(schema, dict) and depth < DEEPEST else {}
    kinds, said = schema.get("type"), found.get(name, "")
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    if isinstance(values := schema.get("enum"), list) and values:
        return said if said in values else values[0]
    if kind == "object" and isinstance(parts := schema.get("properties"), dict):
        return {key: _fitting(part, found, key, depth + 1) for key, part in parts.items()}
    if kind in ("number", "integer"):
        return said if isinstance(said, int | (float if kind == "number" else int)) else 0
    return {"string": str(said), "boolean": True, "array": [], "object": {}}.get(str(kind))


def _field_name(name: str) -> str:
    return re.sub(r"[\s/-]+", "_", name.strip()).lower()


def _value(text: str) -> str | float:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _labels(system: str) -> list[str]:
    found = _LABELS.search(system)
    labels = [label.strip(" \"'“”`.[](){}") for label in _SPLIT.split(found[1])] if found else []
    labels = [label for label in labels if label and len(label) <= 40]
    return labels if len(labels) > 1 else []


def _pick(labels: list[str], question: str) -> str:
    """The label whose words occur in what was asked, else one by the text's hash."""
    words = set(re.findall(r"\w+", question.lower()))
    named = [label for label in labels if words & set(re.findall(r"\w+", label.lower()))]
    return (named or labels)[
        0 if named else sha256(question.encode("utf-8", "replace")).digest()[0] % len(labels)
    ]


def _reword(question: str, system: str) -> str:
    if re.search(r"\b(?:upper ?case|capitals)\b", system, re.IGNORECASE):
        return question.upper()
    if re.search(r"\b(?:shorten|summar|concise|brief|short)", system, re.IGNORECASE):
        words = question.split()
        return " ".join(words[: max(FEWEST_WORDS, len(words) // 3)])
    return question.strip()


def _spoil(output: str) -> str:
    """What a sloppy model does: it chats around its answer and cuts it short."""
    words = output.split()
    return f"Sure, here is my answer: {' '.join(words[: max(1, len(words) * 2 // 3)])}"
