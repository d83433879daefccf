from __future__ import annotations

import gzip
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.audit.models import AuditEntry
from apps.ingest.imports import parts
from apps.ingest.models import ImportPart
from tests.ingest.import_files import imported, make_lines, packed, run, send

COUNTS = ("records", "sessions", "accepted", "duplicates", "refused")


@pytest.fixture
def sender(project, key_client):
    return key_client(project)


def counts(answer) -> tuple[int, ...]:
    return tuple(answer[name] for name in COUNTS)


def test_a_file_is_taken_and_its_sessions_are_recorded(project, sender):
    answer = send(sender, make_lines(25), environment="staging")
    run(project)

    told = answer.json()
    assert (answer.status_code, told["status"]) == (202, "waiting")
    assert answer["Location"] == f"/api/v1/imports/{told['id']}"
    now = sender.get(answer["Location"]).json()
    assert (now["status"], now["percent"], now["errors"]) == ("done", 100, [])
    assert counts(now) == (25, 3, 25, 0, 0)
    sessions = project.sessions.values_list("origin", "environment", "event_count")
    assert sorted(sessions) == [("import", "staging", 5), *[("import", "staging", 10)] * 2]


def test_the_environment_of_the_key_wins(project, key_client):
    sender = key_client(project, environment="production")

    send(sender, make_lines(1), environment="staging")
    run(project)

    assert project.sessions.get().environment == "production"


def test_the_file_is_stored_encrypted_in_pieces_and_deleted_at_the_end(project, sender):
    content = make_lines(20, output="spoken words " * 10_000)

    send(sender, content)

    bodies = list(project.import_parts.order_by("number").values_list("body", flat=True))
    assert len(bodies) == len(content) // parts.PART + 1 == 3
    assert not any(b"spoken" in bytes(body) for body in bodies)
    assert run(project).status == "done"
    assert not project.import_parts.exists()


def test_pieces_open_only_in_their_place(project, sender):
    send(sender, make_lines(20, output="x" * 100_000))
    first, second = project.import_parts.order_by("number")[:2]
    ImportPart.unscoped.filter(pk=first.pk).update(body=second.body)

    with pytest.raises(Exception, match="does not open"):
        run(project)


def test_the_same_file_twice_changes_nothing(project, sender):
    imported(sender, project, make_lines(25))

    again = imported(sender, project, make_lines(25))

    assert (again.status, again.accepted, again.duplicates, again.sessions) == ("done", 0, 25, 3)
    assert project.sessions.count() == 3


def test_a_packed_file_is_unpacked_while_it_is_read(project, sender):
    row = imported(sender, project, packed(make_lines(300)))

    assert (row.status, row.accepted, row.bytes_read) == ("done", 300, row.size)


def test_a_request_may_be_packed_as_a_whole(project, sender):
    head = b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\nplayhead-jsonl\r\n'
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = gzip.compress(head + file + make_lines(25) + b"\r\n--b--\r\n")

    answer = sender.post(
        "/api/v1/imports",
        body,
        content_type="multipart/form-data; boundary=b",
        headers={"Content-Encoding": "gzip"},
    )

    assert answer.status_code == 202
    assert run(project).accepted == 25


def test_broken_records_are_told_and_the_others_go_in(project, sender):
    good = make_lines(3).splitlines()
    broken = [good[0], b"{", b'{"id": "x", "session": "s", "kind": "zebra"}', *good[1:]]

    row = imported(sender, project, b"\n".join(broken))

    told = sender.get(f"/api/v1/imports/{row.pk}").json()
    assert counts(told) == (5, 1, 3, 0, 2)
    assert [error["index"] for error in told["errors"]] == [1, 2]
    assert "not JSON" in told["errors"][0]["message"]
    assert told["errors"][1]["path"] == "kind"


def test_the_first_thousand_refusals_are_kept_and_all_are_counted(project, sender):
    row = imported(sender, project, make_lines(1) + b"{\n" * 1_200)

    assert (row.accepted, row.refused) == (1, 1_200)
    seen, url = [], f"/api/v1/imports/{row.pk}/errors?limit=300"
    cursor = ""
    while cursor is not None:
        page = sender.get(f"{url}&cursor={cursor}" if cursor else url).json()
        seen += [one["index"] for one in page["results"]]
        cursor = page["next"]
    assert seen == list(range(1, 1_001))


def test_imports_are_listed_the_newest_first_page_by_page(project, sender):
    ids = [send(sender, make_lines(1)).json()["id"] for _ in range(3)]

    first = sender.get("/api/v1/imports?limit=2").json()
    second = sender.get(f"/api/v1/imports?limit=2&cursor={first['next']}").json()

    listed = [row["id"] for row in first["results"] + second["results"]]
    assert (listed, second["next"]) == (ids[::-1], None)


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"form": "word"}, "format", "Must be one of "),
        ({"content": b""}, "file", "The file is empty."),
        ({"environment": "x" * 65}, "environment", "Longer than 64"),
        ({"colour": "red"}, "colour", "There is no such field."),
    ],
    ids=["format", "empty", "environment", "unknown field"],
)
def test_bad_input_names_the_field(project, sender, fields, path, words):
    answer = send(sender, **{"content": make_lines(1)} | fields)

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["path"]) == (400, path)
    assert words in error["message"]
    assert not project.imports.exists()
    assert not project.import_parts.exists()


def test_a_form_without_a_file_is_refused(sender):
    answer = sender.post("/api/v1/imports", {"format": "playhead-jsonl"})

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"path": "file", "message": "Required."}]


def test_a_file_that_is_sent_without_a_form_is_refused(sender):
    answer = sender.post("/api/v1/imports", b"{}", content_type="application/json")

    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["detail"]


def test_a_form_that_breaks_off_is_refused_and_leaves_nothing(project, sender):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    answer = sender.post(
        "/api/v1/imports",
        head + make_lines(25),
        content_type="multipart/form-data; boundary=b",
    )

    assert (answer.status_code, project.imports.count()) == (400, 0)
    assert "not a whole multipart/form-data" in answer.json()["detail"]


def test_a_file_beyond_the_limit_is_refused_with_the_limit(project, sender, monkeypatch):
    monkeypatch.setattr(parts, "LARGEST_FILE", 100)

    answer = send(sender, make_lines(25))

    assert (answer.status_code, project.imports.count()) == (413, 0)
    assert "limit of" in answer.json()["detail"]


def test_the_same_idempotency_key_gives_the_same_import(project, sender):
    first = send(sender, make_lines(25), key="k1")

    again = send(sender, make_lines(25), key="k1")

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert project.imports.count() == 1


def test_an_idempotency_key_with_another_file_is_refused(project, sender):
    send(sender, make_lines(25), key="k1")

    answers = [
        send(sender, make_lines(26), key="k1"),
        send(sender, make_lines(25), key="k1", form="openai-chat"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert project.imports.get().status == "waiting"


def test_an_idempotency_key_whose_upload_is_still_running_is_a_conflict(project, sender):
    project.imports.create(idempotency_key="k1", created_by="x")

    assert send(sender, make_lines(25), key="k1").status_code == 409


def test_more_than_so_many_imports_cannot_wait(project, sender):
    for _ in range(20):
        project.imports.create(created_by="x")

    answer = send(sender, make_lines(1))

    assert (answer.status_code, answer["Retry-After"]) == (429, "60")


def test_a_signed_in_person_sends_a_file_with_the_token_in_the_header(project, member):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    client.get("/account/")
    token = client.cookies["playhead_csrf"].value
    where = f"/api/v1/imports?project={project.organization.slug}/{project.slug}"
    body = {"format": "playhead-jsonl", "file": SimpleUploadedFile("a", make_lines(1))}

    without = client.post(where, body)
    body["file"].seek(0)
    answer = client.post(where, body, headers={"X-CSRFToken": token})

    assert (without.status_code, answer.status_code) == (403, 202)
    assert project.imports.get().created_by == member.email


def test_what_is_done_with_an_import_is_in_the_trail(project, sender):
    send(sender, make_lines(1))
    row = project.imports.get()
    sender.post(f"/api/v1/imports/{row.pk}/cancel")
    sender.post(f"/api/v1/imports/{row.pk}/resume")
    run(project)

    entries = AuditEntry.unscoped.filter(object_ids=[str(row.pk)]).order_by("pk")
    acts = [entry.act for entry in entries]
    assert acts == ["import.start", "import.cancel", "import.resume", "import.end"]
    assert entries.last().detail["status"] == "done"


@pytest.mark.parametrize("act", ["", "/errors"])
def test_an_import_of_another_project_is_not_there(other_project, project, sender, act):
    row = other_project.imports.create(created_by="x")

    assert sender.get(f"/api/v1/imports/{row.pk}{act}").status_code == 404
    assert sender.get(f"/api/v1/imports/{uuid.uuid4()}{act}").status_code == 404


def test_a_key_that_only_reads_may_not_import(project, key_client):
    assert send(key_client(project, "read:content"), make_lines(1)).status_code == 403
    assert not project.imports.exists()
