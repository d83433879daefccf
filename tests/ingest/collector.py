"""A collector on a local port, which keeps what exporters send and answers as we do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = ("Content-Type", "Content-Encoding", "User-Agent")


@dataclass(frozen=True)
class Sent:
    """One request of an exporter."""

    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def running_collector() -> Iterator[tuple[str, list[Sent]]]:
    """Run the collector; yields its address and what it was sent so far."""
    requests: list[Sent] = []

    class Collector(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Be silent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: self.headers[name] for name in KEPT if name in self.headers}
            requests.append(Sent(self.path, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
