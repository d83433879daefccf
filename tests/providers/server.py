"""A provider on a local port that answers what a test wants, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@dataclass
class Reply:
    """What is answered: a status, headers, and a body (JSON unless it is bytes)."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: Any


Answering = Callable[[Sent], Reply]


def chat(
    text: str | None = "Hello.",
    *,
    refused: str | None = None,
    finish: str = "stop",
    usage: Any = USAGE,
    **more: Any,
) -> Reply:
    """Return a chat completion."""
    message = {"role": "assistant", "content": text, "refusal": refused}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o"}
    return Reply(head | {"choices": [choice], "usage": usage} | more)


def refusal(status: int, message: str = "No.", *, code: str = "", **headers: str) -> Reply:
    """Return an error as OpenAI says it."""
    error = {"message": message, "type": "some_error", "code": code or None, "param": None}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": error}, status, named)


@contextmanager
def running(answer: Answering) -> Iterator[tuple[str, list[Sent]]]:
    """Run a server; yields its address as host:port, and the list of what it was sent."""
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet, or the client's system waits before it acknowledges.
        wbufsize = 65536

        def log_message(self, *_: Any) -> None:
            """Be silent."""

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            one = Sent(self.path, dict(self.headers), json.loads(raw) if raw else None)
            sent.append(one)
            reply = answer(one)
            packed = (
                reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        do_GET = do_POST  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


def in_turn(*replies: Reply) -> Answering:
    """Answer with one after the other; the last again and again."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]
