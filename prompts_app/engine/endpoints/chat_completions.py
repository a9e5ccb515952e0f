"""Reading a chat completion: a ``Reply``, or the ``Fault`` it is though it came with 200.

A failure of the provider is never the prompt's: an error on the choice, a finish reason that says failure, or
a content of another shape is no answer, and the text that came is kept beside the fault.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from prompts_app.engine.endpoints.answers import HttpAnswer, count_of, error_inside, fault, read_json, text_of
from prompts_app.engine.endpoints.error_bodies import complaint_of, error_in, one_line
from prompts_app.engine.finish_reasons import failure_of
from prompts_app.engine.prices import bill_of
from prompts_app.engine.tool_types import THINKING
from prompts_app.engine.types import Fault, Json, Reply

MOST_OF_A_REASON = 60  # characters
_THINKING = (THINKING, "reasoning", "thinking")  # members of a message that hold it
_FAILED = {
    "server_error": "ended the answer with",
    "rate_limited": "ended the answer with",
    "content_filter": "filtered the answer and ended it with",
    "malformed_call": "could not read the model’s tool call and ended the answer with",
    "context_overflow": "gave no text and ended the answer with",
}


class NoOutput(Exception):
    """A choice whose content is of a shape no chat completion has; the message is a sentence."""


def read_reply(answered: HttpAnswer, key: str) -> Reply | Fault:
    """A chat completion, or why there is none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        words = complaint_of(data).words if isinstance(data, dict) else ""
        message = f"The answer has no “choices”{f': {words}' if words else '.'}"
        return fault("wrong_shape", message, answered)
    return _reply(data, choices[0], answered, key)


def _reply(
    data: Mapping[str, Json], choice: Mapping[str, Json], answered: HttpAnswer, key: str
) -> Reply | Fault:
    shape = ""
    try:
        output = output_of(choice)
    except NoOutput as why:
        output, shape = _as_it_came(choice), str(why)
    part = _part(data, choice, output, answered)
    if failed := _failed(data, choice, part, answered, key):
        return replace(failed, part=part)
    if shape:
        return replace(fault("wrong_shape", shape, answered), part=part)
    if answered.is_cut:
        return replace(fault("stream_cut", "The stream ended before the answer did.", answered), part=part)
    return _old_call(choice, part, answered) or part


def _as_it_came(choice: Mapping[str, Json]) -> str:
    """A content of another shape, to be kept beside the fault."""
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else message
    return json.dumps(content, ensure_ascii=False) if content not in (None, "") else ""


def _part(data: Mapping[str, Json], choice: Mapping[str, Json], output: str, answered: HttpAnswer) -> Reply:
    usage, model = data.get("usage"), text_of(data.get("model"))
    calls, content = tool_calls_of(choice.get("message"))
    tokens_in, (tokens_out, reasoning) = count_of(usage, "prompt_tokens"), _tokens_out(usage, model)
    return Reply(
        output=output,
        finish_reason=_reason(choice.get("finish_reason")),
        model=model,
        response_id=text_of(data.get("id")),
        fingerprint=text_of(data.get("system_fingerprint")),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        latency_ms=answered.latency_ms,
        cached=answered.headers.get("x-cache", "").lower().startswith("hit"),
        tokens_cached=_cached_count(usage),
        tokens_reasoning=reasoning,
        reasoning_chars=_thinking(choice.get("message")),
        billed=bill_of(usage, answered.headers),
        tool_calls=calls,
        content=content,
        thinking=_said(choice.get("message"), THINKING),
        first_token_ms=answered.first_token_ms,
    )


def _tokens_out(usage: Json, model: str | None) -> tuple[int | None, int | None]:
    """All that were written, and how many of those were thinking.

    xAI counts thinking apart from ``completion_tokens``, and Gemini only in the sum; both bill it as output.
    """
    out = count_of(usage, "completion_tokens")
    details = (
        [usage.get(f"{of}_tokens_details") for of in ("completion", "output")] if out is not None else []
    )
    counts = [count_of(one, "reasoning_tokens") for one in [*details, usage]]
    reasoning = next((count for count in counts if count is not None), None)
    whole, sent = count_of(usage, "total_tokens"), count_of(usage, "prompt_tokens")
    if out is None or whole is None or sent is None or whole <= sent + out:
        return out, reasoning
    apart = whole - sent - out
    if reasoning == apart or (reasoning is None and "gemini" in (model or "").lower()):
        return out + apart, apart
    return out, reasoning


def _cached_count(usage: Json) -> int | None:
    """As OpenAI and most others say it, or as DeepSeek does."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    said = count_of(details, "cached_tokens")
    return count_of(usage, "prompt_cache_hit_tokens") if said is None else said


def _thinking(message: Json) -> int | None:
    """Characters of thinking beside the answer; ``None`` where none came."""
    if not isinstance(message, dict):
        return None
    said = next((text for name in _THINKING if (text := text_of(message.get(name)))), "")
    parts = message.get("content")
    if not said and isinstance(parts, list):  # Mistral: parts of thinking before those of text
        said = "".join(_text_in(part.get("thinking")) for part in parts if _is_thinking(part))
    return len(said) or None


def _said(message: Json, name: str) -> str:
    return (text_of(message.get(name)) if isinstance(message, dict) else None) or ""


def _text_in(thinking: Json) -> str:
    rows = thinking if isinstance(thinking, list) else [thinking]
    texts = (row.get("text") if isinstance(row, dict) else row for row in rows)
    return "".join(text for text in texts if isinstance(text, str))


def _is_thinking(part: Json) -> bool:
    return isinstance(part, dict) and str(part.get("type", "")).lower() in {
        "thinking",
        "reasoning",
        "redacted_thinking",
    }


# --- what says that there is no answer --------------------------------------------------------------------


def _failed(
    data: Mapping[str, Json], choice: Mapping[str, Json], part: Reply, answered: HttpAnswer, key: str
) -> Fault | None:
    """The provider's failure, where the answer tells of one."""
    native = _reason(choice.get("native_finish_reason"))  # OpenRouter: as the provider named it
    known = [(reason, failure_of(reason, part.output)) for reason in (native, part.finish_reason)]
    reason, kind = next(((reason, kind) for reason, kind in known if kind), (None, None))
    message = choice.get("message")
    told_by = (choice, message if isinstance(message, dict) else {}, data)
    error = next((error for place in told_by if (error := error_in(place)) is not None), None)
    if error is not None:
        failed = error_inside(error, answered, key, on_the_choice=True)
        return replace(failed, kind=kind) if kind and failed.kind == "server_error" else failed
    if kind is None:
        return None
    return fault(kind, ended_with(kind, reason), answered)


def ended_with(kind: str, reason: str | None) -> str:
    """What a finish reason that tells of a failure says, as a sentence."""
    return f"The provider {_FAILED[kind]} “{one_line(reason or '')[:MOST_OF_A_REASON]}”."


def _reason(value: Json) -> str | None:
    """Of a finish reason that is no text, the words in it: it may tell of a failure all the same."""
    if not value or isinstance(value, str):
        return value or None
    return " ".join(re.findall(r"\w+", json.dumps(value)))[:MOST_OF_A_REASON]


def _old_call(choice: Mapping[str, Json], part: Reply, answered: HttpAnswer) -> Fault | None:
    """A call in the form that came before "tool_calls", which nothing here reads."""
    message = choice.get("message")
    call = (
        message.get("function_call") if isinstance(message, dict) and not message.get("tool_calls") else None
    )
    if isinstance(call, dict) and call.get("name"):
        text = json.dumps({"function_call": call}, ensure_ascii=False)
        kept = replace(part, output=f"{part.output}\n{text}" if part.output else text)
        words = "The answer is a “function_call”, the form that came before “tool_calls”."
        return replace(fault("old_function_call", words, answered), part=kept)
    if not part.output and part.finish_reason in ("function_call", "tool_calls"):
        words = f"The answer ends with “{part.finish_reason}”, but holds no call."
        return replace(fault("malformed_call", words, answered), part=part)
    return None


# --- the output -------------------------------------------------------------------------------------------


def output_of(choice: Mapping[str, Json]) -> str:
    """The text of a choice: its content, else its refusal, else its tool calls as JSON; a message that has
    both a content and tool calls is given as JSON itself, so that neither is lost.

    An empty answer is an answer. Raises ``NoOutput``.
    """
    message = choice.get("message")
    if not isinstance(message, dict):
        if isinstance(choice.get("text"), str):
            return str(choice["text"])
        raise NoOutput("The answer’s first choice holds no message.")
    content, calls = _content(message.get("content")), message.get("tool_calls")
    if calls and not isinstance(calls, list):
        raise NoOutput("The answer’s “tool_calls” are not a list.")
    if content and calls:
        both = {"role": "assistant", "content": content, "tool_calls": calls}
        return json.dumps(both, ensure_ascii=False)
    if content:
        return content
    if text_of(message.get("refusal")):
        return str(message["refusal"])
    if calls:
        return json.dumps(calls, ensure_ascii=False)
    if message.get("images"):
        raise NoOutput("The answer is a picture in a chat message: not read.")
    return ""


def tool_calls_of(message: Json) -> tuple[tuple[Json, ...], str]:
    """The calls of tools in a message as they are, and the text beside them; ``()`` for none."""
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(calls, list) or not calls:
        return (), ""
    try:
        return tuple(calls), _content(message.get("content"))
    except NoOutput:
        return tuple(calls), ""


def _content(content: Json) -> str:
    """Text, or the texts of parts, of which thinking is no output. Raises ``NoOutput`` for anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise NoOutput(f"The answer’s “content” is {_shape(content)}, not text.")
    texts = [text for part in content if (text := _part_text(part)) is not None]
    if content and not texts and not any(map(_is_thinking, content)):
        raise NoOutput("The answer’s “content” is a list without any text in it.")
    return "".join(texts)


def _part_text(part: Json) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or _is_thinking(part):
        return None
    return next((part[name] for name in ("text", "refusal") if isinstance(part.get(name), str)), None)


def _shape(content: Json) -> str:
    if isinstance(content, bool):
        return "true or false"
    return "an object" if isinstance(content, dict) else "a number"
