"""A Chat Completions server that answers after exactly so long, to time clients against.

    python benchmarks/slow_server.py --port 8300 --delay-ms 200

Plain asyncio and HTTP/1.1 keep-alive, nothing else, so that it is never what is being measured.
"""

import argparse
import asyncio
import json

ANSWER = json.dumps(
    {
        "id": "chatcmpl-slow",
        "object": "chat.completion",
        "model": "slow-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": '{"answer": "yes", "n": 1}'},
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20},
    }
).encode()
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(ANSWER)).encode()
    + b"\r\nConnection: keep-alive\r\n\r\n"
    + ANSWER
)


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                ),
                0,
            )
            await reader.readexactly(length)
            await asyncio.sleep(delay)
            writer.write(RESPONSE)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int, delay: float) -> None:
    server = await asyncio.start_server(lambda r, w: serve_one(r, w, delay), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8300)
    parser.add_argument("--delay-ms", type=float, default=200)
    options = parser.parse_args()
    try:
        asyncio.run(main(options.port, options.delay_ms / 1000))
    except KeyboardInterrupt:
        pass
