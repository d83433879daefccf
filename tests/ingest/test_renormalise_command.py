from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEntry
from apps.ingest.conventions import generic
from tests.ingest.recording import record_spans, spans_of
from tests.sessions.snapshots import listed, rows_of

pytestmark = pytest.mark.django_db
CLIENT = "pydanticai"


@pytest.fixture
def recorded(project):
    record_spans(project, spans_of(CLIENT), (generic,))
    return project


def run(project, *arguments) -> str:
    told = StringIO()
    call_command(
        "renormalise",
        f"--organization={project.organization.slug}",
        f"--project={project.slug}",
        *arguments,
        stdout=told,
    )
    return told.getvalue().splitlines()[-1]


def kinds(project) -> set[str]:
    return {row.kind for session in listed(project) for row in rows_of(session)}


def test_all_sessions_are_read_again_and_the_second_time_nothing_changes(recorded):
    first, second = run(recorded, "--all"), run(recorded, "--all")

    of_all = f"of {len(spans_of(CLIENT))} events in {len(listed(recorded))} sessions"
    assert int(first.partition(" ")[0]) > 0
    assert first.endswith(f"changed, {of_all}")
    assert second == f"0 events in 0 sessions changed, {of_all}"
    assert {"llm", "agent", "tool"} <= kinds(recorded)


def test_one_audit_entry_says_what_was_done(recorded):
    run(recorded, "--all")

    (entry,) = AuditEntry.unscoped.filter(act="sessions.renormalise")
    assert entry.detail["events"] == len(spans_of(CLIENT))
    assert entry.detail["events_changed"] > 0
    assert entry.project_id == recorded.pk


def test_a_dry_run_changes_nothing_and_is_not_audited(recorded):
    before = kinds(recorded)

    told = run(recorded, "--all", "--dry-run")

    assert "would change" in told
    assert kinds(recorded) == before
    assert not AuditEntry.unscoped.filter(act="sessions.renormalise").exists()


def test_one_session_is_found_by_its_id_and_by_its_sender_s(recorded):
    first, second = listed(recorded)[:2]

    told = [run(recorded, f"--session={name}") for name in (first.pk, second.external_id)]

    assert [line.partition(" of ")[2].partition("events in ")[2] for line in told] == [
        "1 sessions"
    ] * 2


def test_a_run_that_broke_off_goes_on_after_the_last_session(recorded):
    ids = sorted(session.pk for session in listed(recorded))

    told = run(recorded, "--all", f"--after={ids[-2]}")

    assert told.endswith("in 1 sessions")


def test_sessions_before_a_time_are_left_alone(recorded):
    assert run(recorded, "--since=2090-01-01").endswith("of 0 events in 0 sessions")
    assert run(recorded, "--since=2020-01-01T00:00:00Z").endswith(
        f"in {len(listed(recorded))} sessions"
    )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--since=yesterday", "must be a time"),
        ("--since=2026-13-01", "must be a time"),
        ("--session=nobody", "no session 'nobody'"),
        ("--after=x --all", "must be the id"),
    ],
)
def test_what_cannot_be_meant_is_refused(project, argument, message):
    with pytest.raises(CommandError, match=message):
        run(project, *argument.split())
