"""What real clients sent, kept so that tests can send it again without the clients.

``capture.py`` makes it; ``bodies`` holds it, one file a client, one request a line.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from tests.ingest.collector import Sent

HERE = Path(__file__).parent
BODIES = HERE / "bodies"


def captured(client: str) -> list[Sent]:
    """Return the requests of a client, in the order in which they came."""
    lines = gzip.decompress((BODIES / f"{client}.jsonl.gz").read_bytes()).splitlines()
    requests = [json.loads(line) for line in lines]
    return [Sent(**one | {"body": base64.b64decode(one["body"])}) for one in requests]


def keep(client: str, requests: Iterable[Sent]) -> Path:
    """Write the requests of a client to its file."""
    lines = [
        json.dumps(vars(one) | {"body": base64.b64encode(one.body).decode()}) for one in requests
    ]
    path = BODIES / f"{client}.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return path
