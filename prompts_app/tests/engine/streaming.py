"""What a server sends that answers in pieces, as steps of an ``OddServer``."""

import json

from prompts_app.engine.types import Json
from prompts_app.tests.engine.servers import Step

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(**chunk: Json) -> bytes:
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "tiny-1", **chunk}
    return chunked(f"data: {json.dumps(whole)}\n\n".encode())


def says(finish_reason: str | None = None, **delta: Json) -> bytes:
    return event(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])


DONE = chunked(b"data: [DONE]\n\n")
FINISHED = (says("stop"), event(choices=[], usage=USAGE, system_fingerprint="fp_1"), DONE, END)


def streamed(*steps: Step) -> list[Step]:
    return [HEAD, *steps]
