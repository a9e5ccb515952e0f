"""Reading an answer of the Responses API: a ``Reply``, or the ``Fault`` it is though it came with 200.

The output is a list of items: messages, calls of the author's tools, and what the model did on its way
(thinking, searches, code it ran at the provider), which is kept beside the output as it came.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from prompts_app.engine.endpoints.answers import HttpAnswer, count_of, error_inside, fault, read_json, text_of
from prompts_app.engine.endpoints.chat_completions import NoOutput, ended_with, output_of
from prompts_app.engine.endpoints.error_bodies import complaint_of, error_in
from prompts_app.engine.finish_reasons import failure_of
from prompts_app.engine.json_texts import sealable, with_texts
from prompts_app.engine.prices import bill_of
from prompts_app.engine.responses_body import call_in, text_in
from prompts_app.engine.types import Fault, Json, Reply

type Items = Sequence[Mapping[str, Json]]

LONGEST_KEPT = 100_000  # characters of one text in an item that is kept beside the output
_WAITING = ("queued", "in_progress")
_ENDS = {"max_output_tokens": "length", "completed": "stop"}  # as Chat Completions calls them


def read_response(answered: HttpAnswer, key: str) -> Reply | Fault:
    """A response, or why there is none."""
    data = read_json(answered, key)
    if isinstance(data, Fault):
        return data
    items = data.get("output") if isinstance(data, dict) else None
    if not isinstance(items, list):
        words = complaint_of(data).words if isinstance(data, dict) else ""
        why = f"The answer has no “output”{f': {words}' if words else '.'}"
        return fault("wrong_shape", why, answered)
    known, shape = [item for item in items if isinstance(item, dict)], ""
    message: Mapping[str, Json] = {}
    try:
        message = _message(known)
        output = output_of({"message": message})
    except NoOutput as strange:
        shape, output = str(strange), _as_it_came(known)
    part = _part(data, known, message, output, answered)
    if failed := _failed(data, part, answered, key):
        return replace(failed, part=part)
    if not known and part.finish_reason == "stop":
        shape = "The answer’s “output” is empty."
    return replace(fault("wrong_shape", shape, answered), part=part) if shape else part


def _message(items: Items) -> dict[str, Json]:
    """All that was said and called, as one message of Chat Completions. Raises ``NoOutput``.

    Where a message is marked as the final answer, what was said on the way to it is no output.
    """
    said = [item for item in items if item.get("type") == "message"]
    final = [item for item in said if item.get("phase") == "final_answer"] or said
    if strange := [item for item in final if not isinstance(item.get("content"), list | str)]:
        raise NoOutput(f"A message of the answer has a “content” that is no text: {_shown(strange[0])}.")
    calls = [call for item in items if (call := call_in(item)) is not None]
    text = "".join(text_in(item.get("content")) for item in final)
    if not text and not calls and any(item.get("type") == "image_generation_call" for item in items):
        raise NoOutput("The answer is a picture that the model had drawn: not read.")
    return {"content": text, **({"tool_calls": calls} if calls else {})}


def _shown(item: Mapping[str, Json]) -> str:
    return json.dumps(item.get("content"), ensure_ascii=False)[:60]


def _as_it_came(items: Items) -> str:
    """Contents of another shape, to be kept beside the fault."""
    contents = [item["content"] for item in items if item.get("type") == "message" and item.get("content")]
    return json.dumps(contents, ensure_ascii=False) if contents else ""


def _part(
    data: Mapping[str, Json],
    items: Items,
    message: Mapping[str, Json],
    output: str,
    answered: HttpAnswer,
) -> Reply:
    usage = data.get("usage")
    details = usage if isinstance(usage, dict) else {}
    calls = tuple(message.get("tool_calls", ()))
    reason = _reason(data)
    return Reply(
        output=output,
        finish_reason="tool_calls" if calls and reason == "completed" else _ENDS.get(reason, reason),
        model=text_of(data.get("model")),
        response_id=text_of(data.get("id")),
        fingerprint=text_of(data.get("system_fingerprint")),
        tokens_in=count_of(usage, "input_tokens"),
        tokens_out=count_of(usage, "output_tokens"),
        latency_ms=answered.latency_ms,
        first_token_ms=answered.first_token_ms,
        cached=answered.headers.get("x-cache", "").lower().startswith("hit"),
        tokens_cached=count_of(details.get("input_tokens_details"), "cached_tokens"),
        tokens_reasoning=count_of(details.get("output_tokens_details"), "reasoning_tokens"),
        reasoning_chars=sum(map(len, _thinking(items))) or None,
        billed=bill_of(usage, answered.headers),
        tool_calls=calls,
        content=str(message.get("content") or "") if calls else "",
        items=tuple(items),
        trace=kept_beside(items),
    )


def _reason(data: Mapping[str, Json]) -> str:
    """Why it ended: its status, of an incomplete one the reason. A server that names none has answered."""
    status = text_of(data.get("status")) or "completed"
    details = data.get("incomplete_details")
    why = text_of(details.get("reason")) if isinstance(details, dict) else None
    return why or status if status == "incomplete" else status


def _thinking(items: Items) -> Iterator[str]:
    """Its text where that came, else its summary."""
    for item in items:
        if item.get("type") == "reasoning":
            yield text_in(item.get("content")) or text_in(item.get("summary"))


def _failed(data: Mapping[str, Json], part: Reply, answered: HttpAnswer, key: str) -> Fault | None:
    """The provider's failure, where the answer tells of one."""
    if (error := error_in(data)) is not None:
        return error_inside(error, answered, key, on_the_choice=True)
    if answered.is_cut:
        return fault("stream_cut", "The stream ended before the answer did.", answered)
    reason = _reason(data)
    if reason in _WAITING:
        words = f"The server answered before the model had: the response is “{reason}”."
        return fault("unfinished", words, answered)
    kind = failure_of(reason, part.output)
    return fault(kind, ended_with(kind, reason), answered) if kind else None


# --- what is kept beside the output -----------------------------------------------------------------------


def kept_beside(items: Items) -> tuple[Json, ...]:
    """All items as they came, where any of them says more than the output does; else ``()``.

    A text of more than ``LONGEST_KEPT`` characters (a picture in base64) is told by its length and digest.
    What no seal can be made of becomes text.
    """
    if all(map(_is_plain, items)):
        return ()
    return tuple(with_texts(sealable(item), _shortened, keys=False) for item in items)


def _is_plain(item: Mapping[str, Json]) -> bool:
    if item.get("type") == "function_call":
        return True
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    is_noted = any(isinstance(part, dict) and part.get("annotations") for part in parts)
    return item.get("type") == "message" and not is_noted and not item.get("phase")


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_KEPT:
        return text
    return f"({len(text):,} characters, SHA-256 {sha256(text.encode('utf-8', 'replace')).hexdigest()})"
