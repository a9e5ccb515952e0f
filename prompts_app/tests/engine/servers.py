"""A real server on loopback that answers whatever a test tells it to, byte by byte."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import sleep
from typing import Any, Self

from prompts_app.engine.endpoints import Pacing
from prompts_app.engine.types import EndpointConfig, Json

KEY = "sk-test-1234567890abcdef"
QUICK = Pacing(attempts=3, first_wait_s=0.001, wait_budget_s=0.5)

type Step = bytes | float  # bytes to send, or seconds to wait


def completion(content: Json = "Hello", **changes: Json) -> dict[str, Json]:
    """An ordinary chat completion, with ``changes`` at its top level."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "tiny-1",
        "system_fingerprint": "fp_1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        **changes,
    }


def tool_calls(*calls: tuple[str, str], content: Json = None) -> dict[str, Json]:
    """A chat completion that calls tools: (name, arguments as text) each; ids are call_a, call_b…"""
    said = completion(content)
    said["choices"][0]["finish_reason"] = "tool_calls"
    said["choices"][0]["message"]["tool_calls"] = [
        {
            "id": f"call_{chr(ord('a') + number % 26)}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    return said


def http(status: int = 200, body: Json = "", headers: dict[str, str] | None = None) -> list[Step]:
    """The steps of one whole HTTP answer; a body that is not text or bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return [f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + raw]


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class OddServer:
    """Answers request after request from ``script``; the last answer is given again and again.

    An empty answer closes the connection. After steps that announce no length, the connection is closed.
    """

    script: list[list[Step]]
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()

    @property
    def base_url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def endpoint(self, **changes: Any) -> EndpointConfig:
        settings: dict[str, Any] = {
            "kind": "openai-compatible",
            "base_url": self.base_url,
            "key": KEY,
            "allowed_private_hosts": frozenset({"127.0.0.1"}),
        }
        return EndpointConfig(**{**settings, **changes})

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, self._secured(connection) as stream:
                while request := self._read(stream):
                    if not self._answer(stream, request):
                        return
        except OSError:
            return

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(connection, server_side=True) if self.tls else connection

    def _read(self, stream: socket.socket) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = stream.recv(65536)
            if not chunk:
                return None
            data += chunk
            if data[0] == 0x16:  # a TLS hello to a server that speaks plain HTTP
                stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return None
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += stream.recv(65536)
        method, path, _ = first.split(" ", 2)
        return Asked(method, path, headers, body)

    def _answer(self, stream: socket.socket, request: Asked) -> bool:
        """True when the connection may be used again."""
        with self._lock:
            steps = self.script[min(len(self.asked), len(self.script) - 1)]
            self.asked.append(request)
        for step in steps:
            if isinstance(step, bytes):
                stream.sendall(step)
            else:
                sleep(step)
        if len(steps) != 1 or not isinstance(steps[0], bytes):
            return False
        return b"Content-Length" in steps[0] or steps[0].endswith(b"\r\n0\r\n\r\n")  # or the last chunk


@contextmanager
def answering(*script: list[Step], tls: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    """``with answering(http(200, completion())) as server``: one answer a request, in order."""
    with OddServer(list(script), tls) as server:
        yield server
