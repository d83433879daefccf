"""What goes to a server in one request."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

# Where things go on the server.
EVENTS, REPORTS = "events", "replays/reports"


@dataclass(slots=True)
class Batch:
    """Lines of JSON that go out in one request: some events, or one report."""

    place: str = EVENTS
    lines: list[bytes] = field(default_factory=list)

    def body(self) -> bytes:
        if self.place == REPORTS:
            return self.lines[0]
        return gzip.compress(b'{"events":[' + b",".join(self.lines) + b"]}", 1)

    def headers(self) -> dict[str, str]:
        return {} if self.place == REPORTS else {"Content-Encoding": "gzip"}
