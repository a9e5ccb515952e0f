"""Reading what a server says of its own failure: the sentence, the kind of fault, and how long to wait.

Every server has its own shape: ``{"error": {"message"}}``, a list of those (Gemini), ``{"error": "…"}``
(Ollama, LM Studio), ``{"object": "error", "message"}`` (vLLM), ``{"detail": …}`` (FastAPI),
``{"base_resp": …}`` (MiniMax), and JSON inside of a message (gateways that pass on what they were told).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prompts_app.engine.endpoints.pacing import parse_duration
from prompts_app.engine.types import Json

LONGEST_MESSAGE = 300
MOST_READ = 4 * LONGEST_MESSAGE  # characters of one text in an error
DEEPEST = 6  # errors inside of errors
MOST_LISTED = 5

_NAMES = (
    "error",
    "errors",
    "message",
    "detail",
    "msg",
    "status_msg",
    "error_message",
    "error_msg",
    "description",
)
_WAITS = ("retryDelay", "retry_delay", "retry_after", "retryAfter", "retry_after_seconds")
_TRY_AGAIN = re.compile(
    r"(?:try|retry|wait)\b[^.\d]{0,40}?((?:\d+(?:\.\d+)?\s?(?:ms|h|m|s)(?![a-z]))+|\d+(?:\.\d+)?(?=\s*sec))",
    re.I,
)
_AS_PYTHON = re.compile(r"""['"](?:message|error|msg)['"]:\s*(?:'([^'{}]+)'|"([^"{}]+)")""")

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
# What servers say of themselves, where the status alone would mislead. These some say with a 500.
_SCHEMAS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "bad_schema",
        re.compile(
            r"invalid schema for response_format|invalid_json_schema|response_(?:json_)?schema|"
            r"(?:specified )?schema produces a constraint|schema in generationconfig|"
            r"output_(?:format|config)[\w.]*schema|json schema conversion failed|unrecognized schema|"
            r"features not supported by \w+|transform json schema into|grammar error|"
            r"fail(?:ed)? to (?:parse|compile) grammar",
            re.I,
        ),
    ),
    (
        "schema_unmet",
        re.compile(
            r"json_validate_failed|generated json does not match|failed to (?:generate|validate) json", re.I
        ),
    ),
    (
        "no_such_format",
        re.compile(
            r"response[_ ]format.{0,80}(?:not (?:supported|one of|valid|available)|unavailable|unsupported|"
            r"must be|invalid value|input should be)|"
            r"(?:not|n.t) support.{0,40}(?:response.?format|json_schema|structured output)",
            re.I,
        ),
    ),
)
# These stand before what a 401 or a 404 says by itself.
_PATHS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "bad_request",
        re.compile(
            r"no endpoints found that (?:can handle|support)|items are not persisted|parameter has moved to",
            re.I,
        ),
    ),
    (
        "other_api",
        re.compile(
            r"\bv1/responses\b|\bresponses api\b|operation does not work with the specified model|"
            r"\b(?:supported|accessible|available)\b.{0,30}/chat/completions\b",
            re.I,
        ),
    ),
    ("forbidden", re.compile(r"not allowed to access model|key_model_access_denied", re.I)),
    (
        "wrong_path",
        re.compile(
            r"unexpected endpoint|(?:unknown|unrecognized|invalid) (?:request )?(?:url|path|endpoint)\b|"
            r"cannot (?:post|get) /|page not found|no (?:such |matching )?(?:route|handler|endpoint)\b.{0,40}"
            r"(?:found|match|for)|route .{0,80}not found|method not allowed|"
            r"\A(?:file |404 |resource )*not found\.?\Z",
            re.I,
        ),
    ),
)
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
    (
        "no_credit",
        re.compile(
            r"insufficient[ _](?:quota|credit|balance|funds)|credit balance is too low|budget_?exceeded|"
            r"budget has been exceeded|exceeded ?budget",
            re.I,
        ),
    ),
    (
        "model_not_found",
        re.compile(
            r"model_not_found|not a valid model|invalid model|no such model|decommissioned|"
            r"model_not_available|non-serverless model|no models loaded",
            re.I,
        ),
    ),
    (
        "auth",
        re.compile(
            r"(?:incorrect|invalid) api key|api key (?:not valid|not found|expired)|api_key_invalid|"
            r"no_db_connection",  # LiteLLM without a database: no key but the one it was started with
            re.I,
        ),
    ),
    ("forbidden", re.compile(r"user location is not supported", re.I)),
)
# An error inside of a 200 mostly names no status; then its type has to do.
_STATUS_BY_WORDS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (429, re.compile(r"rate.?limit|resource_exhausted|too many requests|throttl", re.I)),
    (401, re.compile(r"authentication|unauthenticated|unauthorized|invalid.?api.?key|login fail", re.I)),
    (403, re.compile(r"permission|forbidden", re.I)),
    (404, re.compile(r"not_found|model .{0,80}not found", re.I)),
    (
        400,
        re.compile(
            r"invalid_request|invalid_argument|invalid param|bad.?request|validation|unsupported", re.I
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """``words`` is one line, "" for none worth showing; ``labels`` what the error calls itself. ``status`` is
    the one the error names, where it does; ``wait_s`` the seconds it asks to wait."""

    words: str = ""
    labels: str = ""
    status: int | None = None
    wait_s: float | None = None


def complaint_of(error: Json) -> Complaint:
    """What an error says, whatever its shape: of JSON as ``json.loads`` gives it, or of a text."""
    inner = _innermost(error)
    words = one_line(_words(error))
    labels = " ".join(_labels(inner)) if isinstance(inner, dict) else words
    return Complaint(words, labels, _status(inner), _wait(error, words))


def error_in(data: Json) -> Json:
    """The error that an answer of JSON is, or has beside its choices; ``None`` for none."""
    if isinstance(data, list):
        return next((found for row in data[:MOST_LISTED] if (found := error_in(row)) is not None), None)
    if not isinstance(data, dict):
        return None
    for name in ("error", "errors"):
        if _says_something(data.get(name)):
            return data[name]
    base = data.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return base
    if data.get("object") == "error" or (data.get("success") is False and not data.get("choices")):
        return data
    return None


def _says_something(error: Json) -> bool:
    """Some servers send an error with every answer, and fill it only where there is one."""
    if isinstance(error, dict):
        return any(map(_says_something, error.values()))
    if isinstance(error, str):
        return error.strip().lower() not in ("", "0", "none", "null", "ok", "success")
    return any(map(_says_something, error)) if isinstance(error, list) else bool(error)


def kind_of(status: int, complaint: Complaint, *, inside: bool = False) -> str:
    """The kind of fault behind an error status: mostly the status, sometimes what the server says.

    With ``inside`` the error stood in an answer of 200, and the words count more than the status.
    """
    said = f"{complaint.words}\n{complaint.labels}"
    for kind, words in _SCHEMAS:
        if words.search(said):
            return kind
    if inside or 400 <= status < 500:
        for kind, words in _PATHS:
            if words.search(complaint.words) or words.search(complaint.labels):
                return kind
    if inside or (400 <= status < 500 and status not in (401, 404)):
        for kind, words in _BY_WORDS:
            if words.search(said):
                return kind
    return _BY_STATUS.get(status, "bad_request" if 400 <= status < 500 else "server_error")


def status_inside(complaint: Complaint) -> int:
    """The status of an error that came with 200: the one it names, else what its words say, else 500."""
    if complaint.status is not None:
        return complaint.status
    said = f"{complaint.labels} {complaint.words}"
    return next((status for status, words in _STATUS_BY_WORDS if words.search(said)), 500)


def one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:MOST_READ]).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"


def _innermost(error: Json, depth: int = 0) -> Json:
    """The error without what is only wrapped around it."""
    if depth < DEEPEST:
        if isinstance(error, list) and error:
            return _innermost(error[0], depth + 1)
        if isinstance(error, dict) and isinstance(error.get("error"), dict | list) and error["error"]:
            return _innermost(error["error"], depth + 1)
    return error


def _labels(error: Mapping[str, Json]) -> Iterator[str]:
    """What an error calls itself. Not all of it: some servers quote the request in it."""
    for name in ("code", "type", "status", "status_msg", "message"):
        if (said := error.get(name)) and isinstance(said, str | int):
            yield str(said)[:MOST_READ]


def _status(error: Json) -> int | None:
    names = ("code", "status", "status_code") if isinstance(error, dict) else ()
    for name in names:
        said = error.get(name)
        if isinstance(said, str) and re.fullmatch(r"[45]\d\d", said):
            said = int(said)
        if isinstance(said, int) and 400 <= said < 600:
            return said
    return None


def _words(error: Json, depth: int = 0) -> str:
    """The sentence in it, "" for none."""
    if depth > DEEPEST:
        return ""
    if isinstance(error, str):
        return _out_of_json(error[: 2 * MOST_READ], depth)
    if isinstance(error, list):
        found = (_words(row, depth + 1) for row in error[:MOST_LISTED])
        return "; ".join(dict.fromkeys(words for words in found if words))
    if not isinstance(error, dict):
        return ""
    words = next((said for name in _NAMES if (said := _words(error.get(name), depth + 1))), "")
    return f"{words}{_place(error)}{_passed_on(error, words, depth)}"


def _place(error: Mapping[str, Json]) -> str:
    """Where in the request, as FastAPI's servers tell it."""
    where = error.get("loc")
    return (
        f" ({'.'.join(map(str, where[:6]))})" if isinstance(where, list) and where and "msg" in error else ""
    )


def _passed_on(error: Mapping[str, Json], words: str, depth: int) -> str:
    """What the provider behind a gateway said (OpenRouter's ``metadata.raw``), where that is more."""
    meta = error.get("metadata")
    raw = _words(meta.get("raw"), depth + 1) if isinstance(meta, dict) else ""
    return f": {raw}" if raw and raw not in words else ""


def _out_of_json(text: str, depth: int) -> str:
    """A text whose message is JSON, or ends in some, without its brackets; a web page has no words."""
    if text.lstrip()[:1] == "<":
        return ""
    start = min((place for place in map(text.find, "{[") if place >= 0), default=-1)
    if start < 0:
        return text
    before = text[:start].rstrip(" -:,\n\t")
    try:
        inner = _words(json.JSONDecoder().raw_decode(text, start)[0], depth + 1)
    except (ValueError, RecursionError):
        quoted = _AS_PYTHON.search(text, start)
        inner = (quoted[1] or quoted[2]) if quoted else ""
    if not inner:
        return text
    return f"{before}: {inner}" if before else inner


def _wait(error: Json, words: str) -> float | None:
    named = next(_waits_named(error), None)
    if named is not None:
        return named
    found = _TRY_AGAIN.search(words)
    return parse_duration(found[1].replace(" ", "")) if found else None


def _waits_named(error: Json, depth: int = 0) -> Iterator[float]:
    """Of Google's RetryInfo, wherever it stands in the details, and its kin."""
    if depth > DEEPEST:
        return
    if isinstance(error, list):
        for row in error[:MOST_LISTED]:
            yield from _waits_named(row, depth + 1)
    elif isinstance(error, dict):
        for name in _WAITS:
            said = error.get(name)
            if isinstance(said, dict):  # a protobuf duration
                said = said.get("seconds")
            if isinstance(said, str | int | float) and not isinstance(said, bool):
                seconds = parse_duration(str(said))
                if seconds is not None:
                    yield seconds
        for inner in ("error", "details", "metadata", "parameters"):
            yield from _waits_named(error.get(inner), depth + 1)
