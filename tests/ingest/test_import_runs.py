"""Runs over imports: cancelled, killed, taken over, out of time, out of quota."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.ingest import quotas
from apps.ingest.imports import running, services, sweeping
from apps.ingest.models import Import
from apps.sessions.models import Event
from tests.ingest.import_files import make_lines, run, send


class KilledError(Exception):
    """Stands for the end of a worker's process: nothing after it runs."""


@pytest.fixture
def sender(project, key_client):
    return key_client(project)


@pytest.fixture
def waiting(project, sender):
    """An import of 1,000 events, that is four portions."""
    send(sender, make_lines(1_000))
    return project.imports.get()


def change(row: Import, **fields) -> None:
    Import.unscoped.filter(pk=row.pk).update(**fields)


def after_portions(monkeypatch, count: int, act) -> None:
    """Do ``act`` when a run has committed so many portions."""
    commit, done = running._commit, []

    def counted(*args):
        commit(*args)
        done.append(1)
        if len(done) == count:
            act()

    monkeypatch.setattr(running, "_commit", counted)


def kill():
    raise KilledError


def stored(project) -> tuple[int, int]:
    ids = list(Event.unscoped.filter(project_id=project.pk).values_list("id", flat=True))
    return len(ids), len(set(ids))


def test_a_killed_run_leaves_whole_portions_and_the_next_one_goes_on(project, waiting, monkeypatch):
    after_portions(monkeypatch, 2, kill)
    with pytest.raises(KilledError):
        run(project)
    monkeypatch.undo()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.records, waiting.accepted) == ("running", 512, 512)
    assert stored(project) == (512, 512)

    change(waiting, leased_until=timezone.now() - timedelta(seconds=1))
    row = run(project)

    assert (row.status, row.records, row.accepted, row.duplicates) == ("done", 1_000, 1_000, 0)
    assert (row.sessions, stored(project)) == (100, (1_000, 1_000))


def test_a_run_killed_inside_of_a_portion_leaves_nothing_of_it(project, waiting, monkeypatch):
    monkeypatch.setattr(running, "_renew", lambda row, now: kill() if row.accepted else None)
    with pytest.raises(KilledError):
        run(project)

    waiting.refresh_from_db()
    assert (waiting.records, waiting.accepted, stored(project)) == (0, 0, (0, 0))


def test_two_runs_do_not_work_on_one_import(project, waiting):
    first = running.claim(project, waiting.pk)

    assert first is not None
    assert running.claim(project, waiting.pk) is None


def test_a_run_whose_lease_was_taken_over_commits_nothing_more(project, waiting, monkeypatch):
    def take_over():
        change(waiting, leased_until=timezone.now() - timedelta(seconds=1))
        assert running.claim(project, waiting.pk) is not None

    after_portions(monkeypatch, 1, take_over)
    row = run(project)

    assert (row.status, row.records) == ("running", 256)
    assert stored(project) == (256, 256)


def test_an_import_is_cancelled_between_portions_and_can_go_on(
    project, sender, waiting, monkeypatch
):
    cancel = f"/api/v1/imports/{waiting.pk}/cancel"
    after_portions(monkeypatch, 1, lambda: sender.post(cancel))
    row = run(project)
    assert (row.status, row.accepted, stored(project)) == ("cancelled", 256, (256, 256))
    assert row.parts.exists()
    monkeypatch.undo()

    resumed = sender.post(f"/api/v1/imports/{waiting.pk}/resume").json()
    row = run(project)

    assert (resumed["status"], resumed["records"]) == ("waiting", 256)
    assert (row.status, row.accepted, row.duplicates) == ("done", 1_000, 0)


def test_a_long_import_gives_way_and_goes_on(project, waiting, monkeypatch):
    monkeypatch.setattr(running, "TURN_SECONDS", 0.0)

    turns = [(row.status, row.records) for row in (run(project) for _ in range(3))]

    assert turns == [("waiting", 512), ("waiting", 1_000), ("done", 1_000)]
    assert stored(project) == (1_000, 1_000)


def test_an_import_waits_for_its_quota_and_is_not_refused(project, waiting):
    quotas.set_quota(project, events_per_minute=300, events_per_month=None, actor=SYSTEM)

    row = run(project)

    assert (row.status, row.accepted, row.refused) == ("waiting", 512, 0)
    assert "quota" in row.reason
    assert row.not_before > timezone.now()
    assert run(project).accepted == 512
    quotas.set_quota(project, events_per_minute=None, events_per_month=None, actor=SYSTEM)
    quotas._quotas.forget(project.pk)
    change(waiting, not_before=timezone.now())
    assert run(project).status == "done"


def test_an_import_that_breaks_off_again_and_again_fails_and_can_go_on(project, waiting):
    change(waiting, attempts=running.MOST_ATTEMPTS)

    row = run(project)

    assert (row.status, row.is_resumable) == ("failed", True)
    assert "broke off 5 times after record 0" in row.reason
    services.resume_import(row, actor=SYSTEM)
    assert run(project).status == "done"


def test_equal_chats_keep_their_names_when_an_import_goes_on(project, sender, monkeypatch):
    chat = b'[{"role": "user", "content": "%s"}, {"role": "assistant", "content": "hi"}]\n'
    after_portions(monkeypatch, 1, kill)
    send(sender, chat % b"hello" * 400, form="openai-chat")
    with pytest.raises(KilledError):
        run(project)
    monkeypatch.undo()
    Import.unscoped.update(leased_until=timezone.now() - timedelta(seconds=1))

    row = run(project)

    assert (row.sessions, row.accepted, row.duplicates) == (400, 400, 0)
    assert project.sessions.count() == 400


def test_the_sweep_tells_of_imports_that_nobody_works_on(project, waiting, monkeypatch):
    told = []
    monkeypatch.setattr(sweeping.jobs, "send", lambda *words: told.append(words))
    now = timezone.now()
    assert sweeping.sweep_imports(now) == 0
    change(waiting, status="running", leased_until=now, touched_at=now - timedelta(minutes=2))

    sweeping.sweep_imports(now + timedelta(seconds=1))

    assert told == [("ingest.run_import", project.pk, str(waiting.pk))]
    assert sweeping.sweep_imports(now + timedelta(seconds=2)) == 0


def test_the_sweep_forgets_uploads_that_broke_off(project):
    row = project.imports.create(created_by="x")
    row.parts.create(project_id=project.pk, number=0, body=b"x")

    sweeping.sweep_imports(timezone.now() + timedelta(minutes=11))

    assert not project.imports.exists()
    assert not project.import_parts.exists()


def test_the_file_of_a_cancelled_import_is_deleted_after_a_day(project, sender, waiting):
    services.cancel_import(waiting, actor=SYSTEM)

    sweeping.sweep_imports(timezone.now() + timedelta(hours=25))

    assert not project.import_parts.exists()
    answer = sender.post(f"/api/v1/imports/{waiting.pk}/resume")
    assert answer.status_code == 409
    assert "Send it again" in answer.json()["detail"]


def test_an_import_that_is_done_cannot_be_cancelled_or_go_on(project, sender, waiting):
    run(project)

    answers = [sender.post(f"/api/v1/imports/{waiting.pk}/{act}") for act in ("cancel", "resume")]

    assert [answer.status_code for answer in answers] == [409, 409]


def test_cancelling_and_resuming_twice_change_nothing(project, sender, waiting):
    where = f"/api/v1/imports/{waiting.pk}"
    statuses = [
        sender.post(f"{where}/{act}").json()["status"]
        for act in ("cancel", "cancel", "resume", "resume")
    ]

    assert statuses == ["cancelled", "cancelled", "waiting", "waiting"]


def test_refusals_are_forgotten_with_the_account_of_their_time(project, sender):
    send(sender, make_lines(1) + b"{\n")
    row = run(project)

    assert sweeping.forget_refusals(timezone.now() + timedelta(days=89)) == 0
    assert sweeping.forget_refusals(timezone.now() + timedelta(days=91)) == 1
    row.refresh_from_db()
    assert (row.refused, row.refusals.count()) == (1, 0)
