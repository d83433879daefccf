"""A replay tells the server what it came to, and is looked at there as a session of its own."""

from __future__ import annotations

import logging
import socket
import time

import playhead
import pytest
from playhead import client
from playhead.environment import git_sha

from tests.sdk.sample import look_up, record
from tests.sdk.taking import serving


@playhead.agent
def work(city: str = "Oslo") -> list:
    playhead.record_decision("look")
    return [look_up(city), time.time() > 0]


@pytest.fixture
def path(tmp_path):
    record(tmp_path / "work.playhead", work)
    return tmp_path / "work.playhead"


@pytest.fixture
def to(monkeypatch):
    """Makes the client one of a server, which ends with the test."""
    monkeypatch.setattr(client, "_sender", None)
    monkeypatch.setattr(client, "_server", None)
    made = []

    def init(url, **options):
        playhead.init(url, "phk_test", **options)
        made.append(client._sender)

    yield init
    for sender in made:
        sender.close(1)


@pytest.fixture
def server():
    with serving() as found:
        yield found


def test_a_replay_is_reported_when_it_begins_and_when_it_ends(path, server, to):
    to(server.url)
    with playhead.replay(path) as run:
        work()
    assert playhead.flush(20)

    first, last = server.reports
    assert (first["status"], first["report"], last["status"]) == ("running", None, "ended")
    assert first["id"] == last["id"] == run.id
    assert (last["session"], last["name"], last["error"]) == ("sample", f"replay-{run.id}", None)
    assert (last["report"]["band"], last["report"]["fidelity"]) == ("identical", 1.0)
    assert last["plan"]["recorded_calls"] == 1
    assert playhead.counts().reports == 2
    assert client.reported(run)["url"] == "http://p/s"


def test_its_steps_are_a_session_in_which_served_ones_say_what_they_were(path, server, to):
    to(server.url)
    with playhead.replay(path):
        work()
    playhead.flush(20)

    [tool] = [event for event in server.events if event["kind"] == "tool"]
    [agent] = [event for event in server.events if event["kind"] == "agent"]
    assert tool["parent"] == agent["id"]
    assert (tool["lane"], tool["metadata"]["served"]) == ("0", True)
    assert tool["metadata"]["recorded"]["step"] == 5
    assert {event["agent"] for event in server.events} == {"forecast", "work"}
    assert {event["kind"] for event in server.events} >= {"random", "env", "time", "decision"}
    assert [event["name"] for event in server.events if event.get("ends_session")] == ["clock"]


def test_a_replay_of_what_a_replay_sent_is_faithful(path, tmp_path):
    again = tmp_path / "again.playhead"
    with playhead.replay(path, file=again):
        work()
    with playhead.replay(again) as run:
        work()

    run.report.assert_faithful()


def test_a_replay_that_stops_is_reported_with_its_error(path, server, to):
    to(server.url)
    with pytest.raises(playhead.Divergence), playhead.replay(path) as run:
        work("Rome")
    playhead.flush(20)

    last = server.reports[-1]
    assert last["error"]["type"].endswith("Divergence")
    first = last["report"]["divergences"][0]
    assert (first["kind"], first["step"]) == ("drifted-request", 5)
    stopped = next(one for one in server.events if (one.get("metadata") or {}).get("stopped"))
    assert first["made"] == stopped["id"]
    assert run.report.first.step == 5


def test_a_connection_that_was_refused_is_in_the_report(path, server, to):
    to(server.url)
    with pytest.raises(playhead.Divergence), playhead.replay(path):
        socket.create_connection(("127.0.0.1", 9))
    playhead.flush(20)

    says = [one["says"] for one in server.reports[-1]["report"]["divergences"]]
    assert any("127.0.0.1" in one and "was refused" in one for one in says)


def test_a_fork_is_reported_with_its_plan_and_place(path, server, to):
    to(server.url)
    with playhead.fork(path, 5, id="again", overrides={"tool:look_up": len}, tags=["trial"]):
        work()
    playhead.flush(20)

    last = server.reports[-1]
    assert (last["origin"], last["name"], last["forked_at"]["step"]) == ("fork", "again", 5)
    assert (last["plan"]["fork_at"], last["plan"]["overrides"]) == (5, {"tool:look_up": "len"})
    assert {event["session"] for event in server.events} == {"again"}
    assert {tuple(event["tags"]) for event in server.events} == {("trial",)}


def test_nothing_is_told_where_nobody_wants_it(path, server, to, monkeypatch):
    to(server.url)
    with playhead.replay(path, report=False):
        work()
    monkeypatch.setenv("PLAYHEAD_REPORT", "0")
    with playhead.replay(path), playhead.fork(path, 5):
        work()

    assert playhead.flush(20)
    assert server.paths == []


def test_reports_and_events_wait_on_disk_for_a_server_that_is_away(path, tmp_path, to):
    to("http://127.0.0.1:9", spool=tmp_path / "spool")
    with playhead.replay(path) as run:
        work()
    playhead.flush(20)
    assert playhead.counts().lost == playhead.counts().reports_lost == 0

    with serving() as server:
        to(server.url, spool=tmp_path / "spool")
        client._sender.put({"id": "later"})
        playhead.flush(20)
        assert [one["status"] for one in server.reports] == ["running", "ended"]
        assert {one["id"] for one in server.reports} == {run.id}
        assert len(server.events) > 5


def test_a_server_that_refuses_reports_breaks_nothing_and_it_is_counted(path, server, to, caplog):
    to(server.url)
    server.status = 404
    with caplog.at_level(logging.WARNING), playhead.replay(path) as run:
        work()
    playhead.flush(20)

    run.report.assert_faithful()
    assert playhead.counts().reports_lost == 2
    assert "refused replays/reports with status 404" in caplog.text


def test_the_commit_is_read_from_branches_packed_ones_and_second_trees(tmp_path):
    sha, git = "a" * 40, tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_sha(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{sha} refs/heads/main\n")
    assert git_sha(tmp_path) == sha
    (git / "refs" / "heads" / "main").write_text("b" * 40)
    second = tmp_path / "second"
    (second / "inner").mkdir(parents=True)
    (second / ".git").write_text("gitdir: ../.git/worktrees/second\n")
    (git / "worktrees" / "second").mkdir(parents=True)
    (git / "worktrees" / "second" / "HEAD").write_text("ref: refs/heads/main")
    (git / "worktrees" / "second" / "commondir").write_text("../..")
    assert git_sha(second / "inner") == "b" * 40
    (git / "HEAD").write_text("ref: ../second/.git")
    assert git_sha(tmp_path) is None
