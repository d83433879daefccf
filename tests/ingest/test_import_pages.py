from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from tests.ingest.import_files import make_lines, run


@pytest.fixture
def where(project) -> str:
    return f"/o/{project.organization.slug}/p/{project.slug}/imports/"


def upload(client: Client, where: str, content: bytes, **fields):
    file = SimpleUploadedFile("<b>chats.jsonl", content)
    return client.post(where, {"format": "playhead-jsonl", "file": file} | fields)


def test_a_file_is_sent_on_the_page_and_followed(project, member_client, where):
    answer = upload(member_client, where, make_lines(25) + b"{\n")
    row = project.imports.get()
    detail = f"{where}{row.pk}/"

    assertRedirects(answer, detail)
    assertContains(member_client.get(detail), f'hx-get="{detail}now/"')
    run(project)
    now = member_client.get(f"{detail}now/")
    assertContains(now, "This line is not JSON")
    assertContains(now, "?origin=import")
    assertNotContains(now, "hx-get")
    assertContains(member_client.get(where), "&lt;b&gt;chats.jsonl")


def test_an_import_is_cancelled_and_goes_on_from_its_page(project, member_client, where):
    upload(member_client, where, make_lines(25))
    detail = f"{where}{project.imports.get().pk}/"

    cancelled = member_client.post(f"{detail}cancel/", follow=True)
    resumed = member_client.post(f"{detail}resume/", follow=True)

    assertContains(cancelled, "Go on")
    assertContains(resumed, "The import goes on.")
    assert run(project).status == "done"


def test_a_form_without_the_token_leaves_nothing(project, member, where):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)

    answer = upload(client, where, make_lines(25))

    assert (answer.status_code, project.imports.count()) == (403, 0)
    assert not project.import_parts.exists()


def test_a_form_with_the_token_is_taken(project, member, where):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    token = client.get(where).context["csrf_token"]

    answer = upload(client, where, make_lines(25), csrfmiddlewaretoken=str(token))

    assert (answer.status_code, project.imports.count()) == (302, 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"format": "word"}, "Must be one of"), ({"environment": "x" * 65}, "Longer than 64")],
)
def test_bad_input_is_told_beside_its_field(project, member_client, where, fields, words):
    answer = upload(member_client, where, make_lines(1), **fields)

    assertContains(answer, words, status_code=400)
    assert not project.imports.exists()


def test_an_empty_project_says_what_an_import_is(member_client, where):
    answer = member_client.get(where)

    assertContains(answer, "Nothing was imported yet")
    assertContains(answer, "playhead-jsonl")


def test_a_viewer_may_not_import(project, viewer_client, where):
    assert viewer_client.get(where).status_code == 403
    assert upload(viewer_client, where, make_lines(1)).status_code == 403
    assert not project.imports.exists()


def test_a_stranger_finds_no_import(project, other_project, stranger_client, member_client, where):
    upload(member_client, where, make_lines(1))
    pk = project.imports.get().pk
    own = f"/o/{other_project.organization.slug}/p/{other_project.slug}/imports/{pk}/"

    assert stranger_client.get(f"{where}{pk}/").status_code == 404
    assert stranger_client.get(own).status_code == 404
    assert stranger_client.post(f"{own}cancel/").status_code == 404
