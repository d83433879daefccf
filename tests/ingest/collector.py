"""A collector on a local port, which keeps what clients send and answers as their servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = ("Content-Type", "Content-Encoding", "User-Agent")
KEPT_PREFIXES = ("x-langfuse-", "x-mlflow-")
# What a method and path is answered with: status and JSON. Others get 200 and nothing.
Answers = Mapping[tuple[str, str], tuple[int, Any]]


@dataclass(frozen=True)
class Sent:
    """One request of a client."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


@contextmanager
def running_collector(answers: Answers | None = None) -> Iterator[tuple[str, list[Sent]]]:
    """Run the collector; yields its address and what it was sent so far."""
    requests: list[Sent] = []

    class Collector(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Be silent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = {name: value for name, value in self.headers.items() if is_kept(name)}
            requests.append(Sent(self.path, headers, body, self.command))
            self.answer()

        def do_GET(self) -> None:
            self.do_POST()

        def answer(self) -> None:
            place = (self.command, self.path.partition("?")[0])
            status, value = (answers or {}).get(place, (200, None))
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            if body:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


def is_kept(header: str) -> bool:
    """Whether a header says something of the client or the body; credentials never do."""
    return header.title() in KEPT or header.lower().startswith(KEPT_PREFIXES)
