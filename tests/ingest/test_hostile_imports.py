"""Files that are none: each ends with an account of what was wrong, and never with a fault."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from apps.ingest.importers.formats import FORMATS
from apps.ingest.importers.records import LONGEST
from tests.ingest.import_files import imported, make_lines, packed

MIB = 1024 * 1024
DEEP = b"[" * 100_000
GOOD = make_lines(3)


def native(**fields) -> bytes:
    event = {"id": "x", "session": "chat-0", "kind": "tool"} | fields
    return json.dumps(event).encode() + b"\n"


@pytest.fixture
def sender(project, key_client):
    return key_client(project)


BROKEN = {
    "space": b" \n\n ",
    "binary": random.Random(7).randbytes(100_000),
    "nul": b"\0" * 10_000,
    "deep": DEEP,
    "deep line": DEEP + b"\n" + DEEP,
    "gzip of nothing": packed(b""),
    "cut gzip": packed(GOOD)[:20],
    "gzip and rubbish": b"\x1f\x8b rubbish",
    "bomb": packed(b"\0" * 200 * MIB),
    "bomb of brackets": packed(b"[" * 50 * MIB),
    "a word": b"hello",
    "half a list": b"[",
    "number": b"1" * 5_000,
    "list of numbers": b"[1, 2, 3]",
    "list of nothing": b"[null, {}, []]",
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", BROKEN)
def test_a_file_without_a_session_fails_with_a_reason(project, sender, name, form):
    row = imported(sender, project, BROKEN[name], form)

    assert (row.status, row.accepted) == ("failed", 0)
    assert row.reason
    told = sender.get(f"/api/v1/imports/{row.pk}").json()
    assert bool(told["errors"]) == bool(row.refused)
    assert not project.sessions.exists()


def test_a_cut_packed_file_gives_what_is_whole(project, sender):
    content = b"".join(native(id=str(n), output=random.Random(n).random()) for n in range(3_000))

    row = imported(sender, project, packed(content)[:-1_000])

    assert row.status == "done"
    assert row.accepted > 1_000
    [error] = sender.get(f"/api/v1/imports/{row.pk}").json()["errors"]
    assert "cannot be read from here on" in error["message"]


def test_a_bomb_is_told_by_its_limit(project, sender):
    row = imported(sender, project, GOOD + b"\n") and imported(sender, project, BROKEN["bomb"])

    [error] = sender.get(f"/api/v1/imports/{row.pk}").json()["errors"]
    assert "100 times its size" in error["message"] or "16 MiB" in error["message"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"id": "x", "session": "s", "kind": "tool", "output": %s}\n' % (b"9" * 5_000), "5000"),
        (b'{"id": "x", "session": "s", "kind": "tool", "output": NaN}\n', "NaN"),
        (b'{"id": "x", "session": "s", "kind": "tool", "output": %s}\n' % (b"[" * 300 + b"]" * 300),
         "200"),
        (native(output="x" * (7 * MIB)), "6 MiB"),
        (b'"' + b"x" * (LONGEST + MIB) + b'"\n', "16 MiB"),
        (b"\xff\xfe\xfd\n", "not JSON"),
    ],
    ids=["digits", "NaN", "depth", "huge event", "huge line", "no UTF-8"],
)  # fmt: skip
def test_what_is_wrong_with_one_line_is_told_and_the_others_go_in(project, sender, line, words):
    row = imported(sender, project, GOOD + line + native(id="last"))

    assert (row.status, row.accepted, row.refused) == ("done", 4, 1)
    [error] = sender.get(f"/api/v1/imports/{row.pk}").json()["errors"]
    assert error["index"] == 3
    assert words in error["message"]


def test_lone_surrogates_and_nul_are_replaced(project, sender):
    line = b'{"id": "x\\ud800", "session": "s", "kind": "tool", "output": "a\\u0000b"}\n'

    row = imported(sender, project, line)

    assert (row.status, row.accepted, row.refused) == ("done", 1, 0)


def test_the_name_of_a_file_may_be_anything(project, sender):
    head = b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\nplayhead-jsonl\r\n'
    name = b"../../etc/<script>" + "\u202e".encode() + b"x" * 500
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'

    answer = sender.post(
        "/api/v1/imports",
        head + file + GOOD + b"\r\n--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )

    assert answer.status_code == 202
    assert len(project.imports.get().file_name) == 200


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff"],
)
def test_a_form_without_a_boundary_is_refused(sender, content_type):
    answer = sender.post("/api/v1/imports", GOOD, content_type=content_type)

    assert answer.status_code == 400


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br"])
def test_a_request_that_is_not_packed_as_it_says_is_refused(project, sender, encoding):
    answer = sender.post(
        "/api/v1/imports",
        gzip.compress(GOOD, mtime=0)[:30],
        content_type="multipart/form-data; boundary=b",
        headers={"Content-Encoding": encoding},
    )

    assert answer.status_code in {400, 415}
    assert not project.imports.exists()
