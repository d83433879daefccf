"""A server on a local port that takes what the client sends, and answers as it is told to."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Takes events and reports like Playhead, or answers with a status instead."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.events: list[dict] = []
        self.reports: list[dict] = []
        # Paths in the order of the requests.
        self.paths: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def requests(self) -> int:
        return len(self.paths)


class Taker(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.paths.append(self.path)
        answer = self._take(json.loads(body)) if self.server.status == 200 else {}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def _take(self, told: dict) -> dict:
        if self.path == "/api/v1/events":
            self.server.events += told["events"]
            return {"accepted": len(told["events"]), "rejected": []}
        self.server.reports.append(told)
        return {"id": told["id"], "session": "s", "replay_of": None, "url": "http://p/s"}

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
