"""Every JSON body of the API may be packed, and none can exhaust the server."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard

ADDRESS = "/api/v1/quotas"
QUOTAS = {"events_per_minute": 600, "events_per_month": None}
PACKED = {"gzip": gzip.compress, "zstd": zstandard.compress, "identity": bytes}


@pytest.fixture
def put(project, owner_client):
    """Sends a body as the project's owner."""
    named = {"X-Playhead-Project": f"{project.organization.slug}/{project.slug}"}

    def send(body: bytes, encoding: str = "identity"):
        headers = named | {"Content-Encoding": encoding}
        return owner_client.put(ADDRESS, body, content_type="application/json", headers=headers)

    return send


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_may_be_packed(put, encoding):
    answer = put(PACKED[encoding](json.dumps(QUOTAS).encode()), encoding)

    assert answer.status_code == 200, answer.content
    assert answer.json()["events_per_minute"] == 600


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (b"[" * 100_000, "identity", 400, "deeper than the limit of 200"),
        (b'{"a": NaN}', "identity", 400, "not JSON"),
        (b"\xff", "identity", 400, "not JSON"),
        (gzip.compress(bytes(50 << 20), mtime=0), "gzip", 413, "100 times its size"),
        (b"{}", "br", 415, "use gzip, zstd or deflate"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", 400, "not a whole gzip stream"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(put, body, encoding, status, said):
    answer = put(body, encoding)

    assert answer.status_code == status
    assert said in answer.json()["detail"]
