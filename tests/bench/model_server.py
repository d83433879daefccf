"""A provider of models in a process of its own: so many calls at a time, each taking so long.

It speaks like OpenAI's chat completions. Its own rate is places divided by seconds, and whoever
asks more waits, so that what somebody gets out of it can be held against what it has to give.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ANSWER = "It left the warehouse on Monday and will be with you tomorrow before noon."


@dataclass
class Provider:
    """Answers always the same, after a while."""

    seconds: float
    places: asyncio.Semaphore
    # When each answer was given.
    ended: list[float] = field(default_factory=list)
    began: float | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(length_of(head))
                told = await self.answer(head.split(b" ", 2)[1], body)
                packed = json.dumps(told).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(packed), packed)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, path: bytes, body: bytes) -> Any:
        if path == b"/took":
            return self.took()
        self.began = self.began or time.monotonic()
        async with self.places:
            await asyncio.sleep(self.seconds)
        self.ended.append(time.monotonic())
        return completion(json.loads(body))

    def took(self) -> Any:
        """Return how many were answered in how long since the last question of this kind."""
        seconds = self.ended[-1] - self.began if self.ended and self.began else 0.0
        told = {"answered": len(self.ended), "seconds": seconds}
        self.ended, self.began = [], None
        return told


def length_of(head: bytes) -> int:
    named = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((int(value) for name, _, value in named if name.lower() == b"content-length"), 0)


def completion(asked: Any) -> Any:
    message = {"role": "assistant", "content": ANSWER}
    words = sum(len(str(one.get("content"))) for one in asked["messages"]) // 4
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": words, "completion_tokens": 15, "total_tokens": words + 15},
    }


@contextmanager
def providing(seconds: float, places: int) -> Iterator[str]:
    """Run a provider; yields its address as host:port."""
    command = [sys.executable, "-m", "tests.bench.model_server", str(seconds), str(places)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def took(address: str) -> tuple[int, float]:
    """Return how many calls were answered since this was asked last, and in how many seconds."""
    with urllib.request.urlopen(f"http://{address}/took") as response:
        told = json.loads(response.read())
    return told["answered"], told["seconds"]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("places", type=int)
    options = parser.parse_args()
    provider = Provider(options.seconds, asyncio.Semaphore(options.places))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
