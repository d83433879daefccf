"""What holds for every format: it is recognised, read once, and never breaks off the import."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from apps.ingest import services
from apps.ingest.clients import Client
from apps.ingest.importers.auto import recognise
from apps.ingest.importers.formats import format_named
from apps.ingest.importing import portions
from tests.ingest.import_files import imported
from tests.ingest.import_samples import FILES, lines, read

BY_NAME = pytest.mark.parametrize("name", FILES)
ODD = [None, 7, "text", [], {}, [1], {"id": 7}, {"data": 7}, {"samples": 7}, {"messages": {}}]


def store(project, form: str, file: bytes) -> tuple[int, int, int]:
    """Import a file as it is imported; return what was accepted, known before and refused."""
    receipts = [
        services.ingest(project, one.batch, client=Client("import"), origin="import")
        for one in portions(io.BytesIO(file), format_named(form))
    ]
    refused = sum(len(one.rejected) for one in receipts)
    return (
        sum(one.accepted for one in receipts),
        sum(one.duplicates for one in receipts),
        refused,
    )


@BY_NAME
def test_a_file_is_recognised(name):
    form, file = FILES[name]

    assert recognise(io.BytesIO(file)) == form


@BY_NAME
def test_reading_a_recognised_file_gives_what_its_format_gives(name):
    form, file = FILES[name]

    assert read("auto", file).table == read(form, file).table
    assert read(form, file).refusals == []


@BY_NAME
def test_importing_a_file_twice_changes_nothing(project, name):
    form, file = FILES[name]
    accepted, duplicates, refused = store(project, form, file)

    assert accepted > 0
    assert (duplicates, refused) == (0, 0)
    assert store(project, form, file) == (0, accepted, 0)


@pytest.mark.parametrize("form", sorted({form for form, _ in FILES.values()}))
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_record_of_another_shape_is_refused(form, value):
    found = read(form, lines(value))

    assert found.events == []
    assert len(found.refusals) == 1


def test_a_file_that_is_not_recognised_says_so():
    assert read("auto", b"no such thing\n" * 3).refusals == [
        "0: The format of this file is not recognised; choose one by name."
    ]


def test_a_file_is_recognised_behind_records_that_are_broken():
    file = b'{"broken\n' + FILES["events"][1]

    assert read("auto", file).table == ["1: llm None < None"]


def test_an_import_says_which_format_it_took(project, key_client):
    sender = key_client(project)
    row = imported(sender, project, FILES["sharegpt"][1], "auto")

    assert (row.format, row.status, row.accepted) == ("chat", "done", 3)
    answer = sender.get(f"/api/v1/imports/{row.pk}").json()
    assert answer["format"] == "chat"


def test_the_command_says_which_format_it_took(project, capsys, tmp_path):
    file = tmp_path / "log.eval"
    file.write_bytes(FILES["inspect archive in zstandard"][1])
    names = {"organization": project.organization.slug, "project": project.slug}

    call_command("import_sessions", str(file), format="auto", **names)

    assert "The file was recognised as inspect." in capsys.readouterr().out
