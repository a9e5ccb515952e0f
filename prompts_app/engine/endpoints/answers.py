"""Reading what an OpenAI-compatible server sent back: bytes in, a ``Reply`` or a ``Fault`` out."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from prompts_app.engine.endpoints.error_bodies import complaint_of, error_in, kind_of, one_line, status_inside
from prompts_app.engine.endpoints.scrubbing import scrub, scrub_all
from prompts_app.engine.prices import bill_of
from prompts_app.engine.types import Embedded, Fault, Json, Reply

MOST_BYTES = 8 * 1024 * 1024
MOST_TOLD = 65_536  # characters of a body that is not JSON that are looked at
TOO_LARGE = f"The answer is larger than {MOST_BYTES // 2**20} MB."
UNREADABLE = "The answer is nested too deeply, or holds a number that is too long."


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float
    first_token_ms: float | None = None  # of one that came in pieces, until the first of them
    is_cut: bool = False  # it came in pieces, and ended before it said so


class TooLarge(Exception):
    """More bytes than are kept of one answer."""


class Unreadable(Exception):
    """JSON that no value can be made of: nested too deeply, or with a number of thousands of digits."""


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


def read_embeddings(answered: HttpAnswer, wanted: int, key: str) -> Embedded | Fault:
    """``wanted`` vectors, in the order of the texts, or why there are none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    vectors = _vectors(data.get("data") if isinstance(data, dict) else None)
    if len(vectors) != wanted or len({len(vector) for vector in vectors}) > 1:
        return fault("wrong_shape", "The server answered, but not with an embedding for each text.", answered)
    usage, model = data.get("usage"), text_of(data.get("model"))
    tokens, bill = count_of(usage, "prompt_tokens"), bill_of(usage, answered.headers)
    return Embedded(tuple(vectors), model, tokens, answered.latency_ms, billed=bill)


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


def read_models(answered: HttpAnswer, key: str) -> tuple[str, ...] | Fault:
    """The model names of a models list, sorted."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    rows = data.get("data", data.get("models")) if isinstance(data, dict) else data
    if not isinstance(rows, list):
        return fault("wrong_shape", "The server answered, but not with a list of models.", answered)
    names = (row.get("id") or row.get("name") if isinstance(row, dict) else row for row in rows)
    return tuple(sorted({name for name in names if isinstance(name, str) and name}))


def read_json(answered: HttpAnswer, key: str) -> Json:
    """The JSON of a 2xx answer, or the ``Fault`` that the answer is."""
    try:
        text = plain_body(answered.body, answered.headers.get("content-encoding", "").strip().lower())
    except ValueError as error:
        return fault("wrong_shape", f"The answer cannot be read: {error}.", answered)
    except TooLarge:
        return fault("answer_too_large", TOO_LARGE, answered)
    return _read_text(text.decode(json.detect_encoding(text), "replace"), answered, key)


def _read_text(body: str, answered: HttpAnswer, key: str) -> Json:
    """No text in what comes out holds the key: it is looked for after decoding."""
    try:
        data = scrub_all(json.loads(body), key)
    except (ValueError, RecursionError):
        return _no_json(scrub(body[:MOST_TOLD], key), answered, key)
    error = error_in(data)
    if not 200 <= answered.status < 300:
        return _refusal(answered, data if error is None else error, key)
    if error is not None and not (isinstance(data, dict) and (data.get("choices") or data.get("output"))):
        return error_inside(error, answered, key)
    return data


def _no_json(body: str, answered: HttpAnswer, key: str) -> Fault:
    if not 200 <= answered.status < 300:
        return _refusal(answered, body, key)
    if _looks_like_html(body, answered.headers):
        return fault("html_answer", "The server answered with a web page.", answered)
    return fault("bad_json", f"The answer is not JSON; it begins with {_begin(body)}.", answered)


def fault(kind: str, message: str, answered: HttpAnswer) -> Fault:
    return Fault(kind, message, answered.status, answered.latency_ms)


def _refusal(answered: HttpAnswer, error: Json, key: str) -> Fault:
    status = answered.status
    if 300 <= status < 400:
        return fault("redirect", _redirect_message(answered, key), answered)
    said = complaint_of(error)
    message = f"The server answered {status}" + (f": {scrub(said.words, key)}" if said.words else ".")
    kind = kind_of(status, said)
    part = _withheld(error, answered, key) if kind == "schema_unmet" else None
    return replace(fault(kind, message, answered), wait_s=said.wait_s, part=part)


def _withheld(error: Json, answered: HttpAnswer, key: str) -> Reply | None:
    """What the model wrote and the server held back, as Groq tells it: kept beside the fault."""
    text = text_of(error.get("failed_generation")) if isinstance(error, dict) else None
    known = (None, None, None, None, None, None, answered.latency_ms)
    return Reply(scrub(text, key), *known) if text else None


def error_inside(error: Json, answered: HttpAnswer, key: str, *, on_the_choice: bool = False) -> Fault:
    """An error inside of a 200, as gateways such as OpenRouter report a failed call."""
    said = complaint_of(error)
    status = status_inside(said)
    where = (
        "ended its answer with an error"
        if on_the_choice
        else f"answered {answered.status}, but with an error inside"
    )
    words = f": {scrub(said.words, key)}" if said.words else "."
    kind = kind_of(status, said, inside=True)
    return Fault(kind, f"The server {where}{words}", status, answered.latency_ms, wait_s=said.wait_s)


def _redirect_message(answered: HttpAnswer, key: str) -> str:
    """Only scheme and host are told: the rest of a location may hold what was sent."""
    try:
        parts = urlsplit(scrub(answered.headers.get("location", ""), key)[:2000])
    except ValueError:  # it may be anything
        parts = urlsplit("")
    where = f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else "another address"
    return f"The server answered {answered.status} and pointed to {where}."


def _begin(body: str) -> str:
    return f"“{one_line(body[:60])}”" if body.strip() else "nothing at all"


def _looks_like_html(body: str, headers: Mapping[str, str]) -> bool:
    start = body[:500].lstrip("\ufeff \t\r\n").lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body")) or (
        "html" in headers.get("content-type", "") and start.startswith("<")
    )


def text_of(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def count_of(usage: Json, *names: str) -> int | None:
    """The first of these members that is a number of tokens."""
    counts = (usage.get(name) for name in names) if isinstance(usage, dict) else ()
    return next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n >= 0), None)
