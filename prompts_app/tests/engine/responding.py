"""What a server of the Responses API answers: the members and order of OpenAI's reference
(platform.openai.com/docs/api-reference/responses/object), with as many items as a test wants."""

import json
from typing import Any

from prompts_app.engine.types import Json
from prompts_app.tests.engine.streaming import chunked

USAGE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 12},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 123,
}


def message(*texts: str, **changes: Json) -> dict[str, Json]:
    """A message of the model's, each of ``texts`` a part of it."""
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    said = {"id": "msg_67ccd2bf17f0819081ff", "type": "message", "status": "completed", "role": "assistant"}
    return {**said, "content": parts, **changes}


def reasoning(summary: str = "", **changes: Json) -> dict[str, Json]:
    told = [{"type": "summary_text", "text": summary}] if summary else []
    return {"id": "rs_6876cf02e0bc8192b74a", "type": "reasoning", "summary": told, **changes}


def call(name: str, arguments: str, call_id: str = "call_a") -> dict[str, Json]:
    known = {"id": "fc_67ca09c6bedc8190a7ab", "type": "function_call", "status": "completed"}
    return {**known, "call_id": call_id, "name": name, "arguments": arguments}


SEARCH: dict[str, Json] = {
    "id": "ws_67ccf18f64008190a39b",
    "type": "web_search_call",
    "status": "completed",
    "action": {
        "type": "search",
        "query": "weather Oslo",
        "sources": [{"type": "url", "url": "https://yr.example"}],
    },
}


def response(*items: Any, **changes: Json) -> dict[str, Json]:
    """A whole response; texts among ``items`` are messages."""
    return {
        "id": "resp_67ccd2bed1ec8190b14f",
        "object": "response",
        "created_at": 1741476542,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "gpt-5-2025-08-07",
        "output": [message(item) if isinstance(item, str) else item for item in items],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "text": {"format": {"type": "text"}},
        "usage": USAGE,
        "metadata": {},
        **changes,
    }


def incomplete(reason: str, *items: Any) -> dict[str, Json]:
    return response(*items, status="incomplete", incomplete_details={"reason": reason})


def failed(code: str, words: str, *items: Any) -> dict[str, Json]:
    return response(*items, status="failed", error={"code": code, "message": words}, usage=None)


def event(kind: str, **members: Json) -> bytes:
    """One event of a stream, as it is sent: its type stands in it twice."""
    data = json.dumps({"type": kind, "sequence_number": 1, **members})
    return chunked(f"event: {kind}\ndata: {data}\n\n".encode())
