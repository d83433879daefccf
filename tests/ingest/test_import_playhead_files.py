"""Files that the client wrote are imported as they are."""

from __future__ import annotations

import pytest
from playhead import sealing
from playhead.files import write_file

from tests.ingest.import_samples import read

EVENTS = [
    {"id": f"{at}", "session": "chat-1", "kind": "tool", "started_at": "2026-11-21T03:12:04Z"}
    for at in range(3)
]


@pytest.fixture
def content(tmp_path):
    write_file(tmp_path / "a.playhead", "chat-1", EVENTS)
    return (tmp_path / "a.playhead").read_bytes()


@pytest.mark.parametrize("form", ["playhead-jsonl", "auto"])
def test_a_file_of_the_client_is_imported_without_a_refusal(content, form):
    reading = read(form, content)

    assert [event.id for event in reading.events] == ["0", "1", "2"]
    assert reading.refusals == []


def test_a_file_that_is_cut_off_or_lacks_an_event_says_so(content):
    lines = content.splitlines(keepends=True)

    assert "cut off" in read("playhead-jsonl", b"".join(lines[:-1])).refusals[0]
    [missing] = read("playhead-jsonl", b"".join(lines[:2] + lines[3:])).refusals
    assert "not 3 of them" in missing


def test_an_encrypted_file_is_refused_with_what_to_do(content):
    sealed = b"".join(sealing.sealed(iter([content]), "open sesame", cost=16))

    assert "playhead export" in read("playhead-jsonl", sealed.partition(b"\n")[0]).refusals[0]
