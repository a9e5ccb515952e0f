"""Reading what an OpenAI-compatible server sent back: bytes in, a ``Reply`` or a ``Fault`` out."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from prompts_app.engine.types import Embedded, Fault, Json, Reply

MOST_BYTES = 8 * 1024 * 1024
LONGEST_MESSAGE = 300
TOO_LARGE = f"The answer is larger than {MOST_BYTES // 2**20} MB."
SHORTEST_SECRET = 8  # anything shorter would blank out ordinary words

_BY_STATUS = {
    401: "auth",
    402: "no_credit",
    403: "forbidden",
    404: "model_not_found",
    408: "timeout_server",
    409: "conflict",
    413: "too_large",
    429: "rate_limited",
}
# What servers say of themselves, where the status alone would mislead.
_BY_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "context_overflow",
        re.compile(
            r"context[ _](?:length|size|window)|maximum context|prompt is too long|reduce the length of the "
            r"messages|input token count .* exceeds|too many (?:input )?tokens",
            re.IGNORECASE,
        ),
    ),
    (
        "content_filter",
        re.compile(
            r"content[ _](?:filter|management|policy)|flagged|moderation_blocked|safety system", re.IGNORECASE
        ),
    ),
    ("no_credit", re.compile(r"insufficient[ _](?:quota|credit|balance|funds)", re.I)),
    ("model_not_found", re.compile(r"model_not_found|not a valid model|invalid model|no such model", re.I)),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float


class TooLarge(Exception):
    """More bytes than are kept of one answer."""


def plain_body(body: bytes, encoding: str) -> bytes:
    """The body as it was before compression. Raises ``TooLarge``, and ``ValueError`` where that fails."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"it is compressed with {encoding!r:.20}, though no compression was asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise ValueError("its compression is broken") from error
    if len(plain) > MOST_BYTES:
        raise TooLarge
    return plain


def scrub(text: str, secret: str) -> str:
    """``text`` without the endpoint's key in it."""
    return text.replace(secret, "[key]") if len(secret) >= SHORTEST_SECRET else text


def read_reply(answered: Answered, key: str) -> Reply | Fault:
    """A chat completion, or why there is none."""
    data = read_json(answered, key)
    return data if isinstance(data, Fault) else _reply(data, answered)


def read_embeddings(answered: Answered, wanted: int, key: str) -> Embedded | Fault:
    """``wanted`` vectors, in the order of the texts, or why there are none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    vectors = _vectors(data.get("data") if isinstance(data, dict) else None)
    if len(vectors) != wanted or len({len(vector) for vector in vectors}) > 1:
        return _fault(
            "wrong_shape", "The server answered, but not with an embedding for each text.", answered
        )
    tokens, model = _count(data.get("usage"), "prompt_tokens"), _text(data.get("model"))
    return Embedded(tuple(vectors), model, tokens, answered.latency_ms)


def _vectors(rows: Json) -> list[tuple[float, ...]]:
    """Those of the rows that are vectors of finite numbers; by ``index`` where the rows have one."""
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if all(isinstance(row.get("index"), int) for row in rows):
        rows.sort(key=lambda row: row["index"])
    vectors = (row.get("embedding") for row in rows)
    return [
        tuple(map(float, vector))
        for vector in vectors
        if isinstance(vector, list) and vector and all(map(_is_finite, vector))
    ]


def _is_finite(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_models(answered: Answered, key: str) -> tuple[str, ...] | Fault:
    """The model names of a models list, sorted."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    rows = data.get("data", data.get("models")) if isinstance(data, dict) else data
    if not isinstance(rows, list):
        return _fault("wrong_shape", "The server answered, but not with a list of models.", answered)
    names = (row.get("id") or row.get("name") if isinstance(row, dict) else row for row in rows)
    return tuple(sorted({name for name in names if isinstance(name, str) and name}))


def read_json(answered: Answered, key: str) -> Json:
    """The JSON of a 2xx answer, or the ``Fault`` that the answer is."""
    try:
        text = plain_body(answered.body, answered.headers.get("content-encoding", "").strip().lower())
    except ValueError as error:
        return _fault("wrong_shape", f"The answer cannot be read: {error}.", answered)
    except TooLarge:
        return _fault("answer_too_large", TOO_LARGE, answered)
    return _read_text(scrub(text.decode("utf-8", "replace"), key), answered, key)


def _read_text(body: str, answered: Answered, key: str) -> Json:
    if not 200 <= answered.status < 300:
        return _refusal(answered, body, key)
    if _looks_like_html(body, answered.headers):
        return _fault("html_answer", "The server answered with a web page.", answered)
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return _fault("bad_json", f"The answer is not JSON; it begins with {_begin(body)}.", answered)
    if isinstance(data, dict) and data.get("error") and not data.get("choices"):
        return _error_in_200(data["error"], body, answered)
    return data


def _fault(kind: str, message: str, answered: Answered) -> Fault:
    return Fault(kind, message, answered.status, answered.latency_ms)


def _refusal(answered: Answered, body: str, key: str) -> Fault:
    status = answered.status
    if 300 <= status < 400:
        return _fault("redirect", _redirect_message(answered, key), answered)
    words = error_words(body)
    message = f"The server answered {status}" + (f": {words}" if words else ".")
    return _fault(kind_of(status, body), message, answered)


def kind_of(status: int, body: str) -> str:
    """The kind of fault behind an error status: mostly the status, sometimes what the server says."""
    if 400 <= status < 500 and status not in (401, 404):
        for kind, words in _BY_WORDS:
            if words.search(_labels(body)):
                return kind
    return _BY_STATUS.get(status, "bad_request" if 400 <= status < 500 else "server_error")


def _labels(body: str) -> str:
    """What an error calls itself. Not the whole body: some servers quote the request in it."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body[:LONGEST_MESSAGE]
    error = data.get("error", data) if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return str(error)[:LONGEST_MESSAGE]
    labels = (
        str(error[name])[: LONGEST_MESSAGE * 4] for name in ("code", "type", "message") if error.get(name)
    )
    return " ".join(labels)


def _redirect_message(answered: Answered, key: str) -> str:
    """Only scheme and host are told: the rest of a location may hold what was sent."""
    try:
        parts = urlsplit(scrub(answered.headers.get("location", ""), key)[:2000])
    except ValueError:  # it may be anything
        parts = urlsplit("")
    where = f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else "another address"
    return f"The server answered {answered.status} and pointed to {where}."


def _error_in_200(error: Json, body: str, answered: Answered) -> Fault:
    """Gateways such as OpenRouter report a failed call inside a 200."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return Fault(
        kind_of(status, body),
        f"The server answered {answered.status}, but with an error inside: {error_words(body)}",
        status,
        answered.latency_ms,
    )


def error_words(body: str) -> str:
    """The server's own words about an error, on one line; "" where there are none worth showing."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "" if "<" in body[:200] else _one_line(body)
    while isinstance(data, dict):
        data = next((data[name] for name in ("error", "message", "detail", "msg") if data.get(name)), "")
    if isinstance(data, list):
        data = json.dumps(data, ensure_ascii=False)
    return _one_line(data) if isinstance(data, str) else ""


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: LONGEST_MESSAGE * 4]).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"


def _begin(body: str) -> str:
    return f"“{_one_line(body[:60])}”" if body.strip() else "nothing at all"


def _looks_like_html(body: str, headers: Mapping[str, str]) -> bool:
    start = body[:500].lstrip("\ufeff \t\r\n").lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body")) or (
        "html" in headers.get("content-type", "") and start.startswith("<")
    )


def _reply(data: Json, answered: Answered) -> Reply | Fault:
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return _fault("wrong_shape", "The answer has no “choices”.", answered)
    choice, usage = choices[0], data.get("usage")
    finish = _text(choice.get("finish_reason"))
    output = output_of(choice)
    if not output and finish == "content_filter":
        return _fault("content_filter", "The provider’s filter removed the whole answer.", answered)
    if output is None:
        return _fault("wrong_shape", "The answer’s first choice holds no message.", answered)
    if not output and (choice.get("message") or {}).get("images"):
        return _fault("wrong_shape", "The answer is a picture in a chat message: not read.", answered)
    return Reply(
        output=output,
        finish_reason=finish,
        model=_text(data.get("model")),
        response_id=_text(data.get("id")),
        fingerprint=_text(data.get("system_fingerprint")),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
        latency_ms=answered.latency_ms,
        cached=answered.headers.get("x-cache", "").lower().startswith("hit"),
        tokens_cached=_cached_count(usage),
    )


def _cached_count(usage: Json) -> int | None:
    """As OpenAI and most others say it, or as DeepSeek does."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    said = _count(details, "cached_tokens")
    return _count(usage, "prompt_cache_hit_tokens") if said is None else said


def output_of(choice: Mapping[str, Json]) -> str | None:
    """The text of a choice: its content, else its refusal, else its tool calls as JSON; a message that has
    both a content and tool calls is given as JSON itself, so that neither is lost.

    An empty answer is an answer; ``None`` means there is no message at all.
    """
    message = choice.get("message")
    if not isinstance(message, dict):
        return choice["text"] if isinstance(choice.get("text"), str) else None
    content = message.get("content")
    if isinstance(content, list):  # parts, of which only the text is output
        content = "".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    if isinstance(content, str) and content:
        if not message.get("tool_calls"):
            return content
        both = {"role": "assistant", "content": content, "tool_calls": message["tool_calls"]}
        return json.dumps(both, ensure_ascii=False)
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return str(message["refusal"])
    if message.get("tool_calls"):
        return json.dumps(message["tool_calls"], ensure_ascii=False)
    return ""


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(usage: Json, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
