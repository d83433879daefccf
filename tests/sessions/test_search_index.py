"""The search index: made again at will, and blind to whoever holds the database's files."""

from __future__ import annotations

import os
import subprocess

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.sessions import search
from apps.sessions.filters import SessionFilters
from apps.sessions.terms import Terms
from apps.web.embedded.postgres import find_binaries
from tests.sessions.factories import at, make_call, make_session
from tests.sessions.planted import words_in

pytestmark = pytest.mark.django_db
DELETE = "DELETE FROM agent_sessions_chunkterms WHERE number > 0"
TEXT = "Ms Quastenflosser: card 4929000011118888, Kieselgurweg, 秘密の言葉, getVaultDoorCode()"
PLANTED = [
    "Quastenflosser",
    "Kieselgurweg",
    "4929000011118888",
    "秘密の言葉",
    "VaultDoor",
    "getVault",
]


def found(project, q):
    page = search.find(project, SessionFilters(q=q), cursor=None, limit=50).page
    return {session.external_id for session in page.rows}


def reindex(project, capsys, *options):
    of_project = ("--organization", project.organization.slug, "--project", project.slug)
    call_command("reindex_search", *of_project, *options)
    return capsys.readouterr().out


def test_what_was_recorded_before_there_was_an_index_is_indexed(project, capsys):
    for number in range(3):
        make_session(project, make_call(session=f"s{number}", input=f"walrus{number} seal"))
    make_session(project, make_call(session="s0", input="otter", started_at=at(5)))
    connection.cursor().execute(DELETE)
    assert found(project, "seal") == set()

    assert "4 chunks of 3 sessions" in reindex(project, capsys)

    assert found(project, "seal") == {"s0", "s1", "s2"}
    assert found(project, "otter walrus0") == {"s0"}
    assert "0 chunks of 0 sessions" in reindex(project, capsys)


def test_all_of_a_project_can_be_indexed_again_and_from_where_it_stopped(
    project, other_project, capsys
):
    sessions = [make_session(project, make_call(session=f"s{n}", input="seal")) for n in range(3)]
    make_session(other_project, make_call(input="seal"))
    first = sorted(session.pk for session in sessions)[0]

    assert "3 chunks of 3 sessions" in reindex(project, capsys, "--all")
    assert "2 chunks of 2 sessions" in reindex(project, capsys, "--all", "--after", str(first))
    assert len(found(project, "seal")) == 3


def test_a_place_to_go_on_from_must_be_an_id(project, capsys):
    with pytest.raises(CommandError, match="id of a session"):
        reindex(project, capsys, "--after", "yesterday")


def test_equal_words_of_two_projects_have_different_terms(project, other_project):
    texts = [b'"walrus seal otter"']
    one, other = (Terms(key).of_contents(texts) for key in (b"a" * 32, b"b" * 32))

    assert len(one) == len(other) == 3
    assert not one & other


def test_files_in_content_are_no_words():
    terms = Terms(b"a" * 32)
    image = b'{"url":"data:image/png;base64,' + b"iVBORw0KGgo/" * 5000 + b'","alt":"walrus"}'

    assert terms.of_contents([image]) == terms.of_contents(
        [b"url data image png base64 alt walrus"]
    )


def dump_command():
    at = connection.settings_dict
    places = {"--host": at["HOST"] or at["OPTIONS"].get("host"), "--port": at["PORT"]}
    options = [word for pair in places.items() if pair[1] for word in map(str, pair)]
    return [str(find_binaries() / "pg_dump"), *options, "--username", at["USER"], at["NAME"]]


def password():
    return connection.settings_dict["PASSWORD"] or ""


@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_database_holds_no_word_of_content(project):
    make_session(project, make_call(input=TEXT, output={"said": TEXT}, name="pay"))
    dump = subprocess.run(
        dump_command(), env=os.environ | {"PGPASSWORD": password()}, capture_output=True, check=True
    ).stdout

    assert words_in(dump, ["chat-1", *PLANTED]) == {"chat-1"}
