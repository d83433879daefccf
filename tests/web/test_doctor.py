from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from apps.sessions import reindexing
from apps.sessions.models import ProjectKey
from apps.web import doctor
from apps.web.doctor import GIB, Level
from tests import factories
from tests.sessions.factories import make_call, make_session


def levels(check: doctor.Check) -> list[Level]:
    return [finding.level for finding in check()]


@pytest.mark.django_db
def test_the_doctor_finds_nothing_wrong_with_the_role_of_the_app():
    assert levels(doctor.check_role) == [Level.OK]
    assert levels(doctor.check_trail) == []


@pytest.mark.django_db(transaction=True)
def test_the_doctor_finds_a_role_that_owns_the_tables():
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    (finding,) = doctor.check_role()
    connection.close()

    assert finding.level == Level.PROBLEM
    assert "owns" in finding.text


@pytest.mark.django_db
def test_the_doctor_finds_keys_that_do_not_open():
    project = factories.make_project()
    ProjectKey(project=project, purpose="index", version=1, wrapped=b"x" * 60).save()

    (finding,) = doctor.check_project_keys()

    assert finding.level == Level.PROBLEM
    assert str(project.pk) in finding.text


@pytest.mark.django_db
def test_the_doctor_finds_migrations_applied_and_partitions_made():
    assert levels(doctor.check_migrations) == [Level.OK]
    assert levels(doctor.check_partitions) == [Level.OK]


@pytest.mark.django_db
def test_the_doctor_names_partitions_that_are_missing():
    missing = doctor.missing_partitions(date(2091, 11, 5))

    assert missing[:2] == ["agent_sessions_event_2091_11", "agent_sessions_chunk_2091_11"]
    assert "agent_sessions_chunk_2092_02" in missing


@pytest.mark.django_db
def test_the_doctor_names_projects_whose_sessions_are_not_indexed(project):
    make_session(project, make_call(input="walrus"))
    make_session(factories.make_project(), make_call(input="otter"))
    assert levels(doctor.check_search) == [Level.OK]

    connection.cursor().execute(
        f"DELETE FROM agent_sessions_chunkterms WHERE project_id = {project.pk} AND number > 0"
    )
    (finding,) = doctor.check_search()
    assert finding.level == Level.WARNING
    assert finding.text.startswith("1 sessions of acme/support-bot")
    assert "reindex_search --organization acme --project support-bot" in finding.text


@pytest.mark.django_db
def test_the_doctor_does_not_wait_long_for_what_is_not_indexed(monkeypatch):
    slow = "SELECT 1, count(pg_sleep(9)) {sample} LIMIT {most}"
    monkeypatch.setattr(reindexing, "COUNT_MS", 10)
    monkeypatch.setattr(reindexing, "LACKING", slow.replace("{sample}", ""))

    (finding,) = doctor.check_search()

    assert finding.text == "The sessions that were looked at are found by their words"


def test_the_doctor_finds_a_master_key_that_is_too_short(settings):
    settings.PLAYHEAD_MASTER_KEY = "c2hvcnQ="

    assert levels(doctor.check_master_key) == [Level.PROBLEM]


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("http://127.0.0.1:8000", Level.OK),
        ("http://[::1]:8000", Level.OK),
        ("http://playhead.example", Level.PROBLEM),
    ],
)
def test_the_doctor_refuses_plain_http_on_other_addresses(settings, url: str, level: Level):
    settings.PLAYHEAD_URL = url

    assert levels(doctor.check_settings) == [level]


@pytest.mark.parametrize(
    ("free", "level"), [(0, Level.PROBLEM), (3 * GIB, Level.WARNING), (50 * GIB, Level.OK)]
)
def test_the_doctor_judges_the_space_that_is_left(free: int, level: Level):
    assert doctor.judge_space(Path("/data"), free).level == level


def test_the_doctor_says_that_no_database_answers(settings, monkeypatch, tmp_path: Path):
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", str(tmp_path))

    (finding,) = doctor.check_database()

    assert finding.level == Level.PROBLEM
    assert "manage.py up" in finding.text


def test_the_doctor_says_that_no_broker_answers(settings, tmp_path: Path):
    settings.REDIS_URL = f"unix://{tmp_path}/valkey.sock?db=0"

    (finding,) = doctor.check_broker()

    assert finding.level == Level.PROBLEM
    assert "REDIS_URL" in finding.text
