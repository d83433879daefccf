from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.sessions import store
from apps.tenants import grants
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_project
from tests.replays.reporting import SECRET, make_divergence, make_original, make_replay
from tests.sessions.factories import at, make_call, make_event

URL = "/o/acme/p/support-bot/"
FORK = {"origin": "fork", "forked_at": {"step": 2, "event": "tool", "trace": None}}
# With who asks, the frame of the page and the trail, which are ten of them.
QUERIES = 16


@pytest.fixture
def original(project):
    return make_original(project)


@pytest.fixture
def auditor_client(project, sign_in):
    return sign_in(make_membership(project.organization, role=Role.AUDITOR).user)


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def replays_of(session) -> str:
    return f"{URL}sessions/{session.pk}/replays/"


def test_a_session_lists_its_replays_with_the_first_divergence(member_client, project, original):
    replay = make_replay(project)

    page = text(member_client.get(replays_of(original)))

    assert "asks something else, step 1" in page
    assert "drifted" in page
    assert "90.0%" in page
    assert f"{URL}replays/{replay.pk}/against/" in page


def test_the_tree_shows_forks_of_forks_and_where_each_left_the_record(
    member_client, project, original
):
    make_replay(project, name="once-more")
    fork = make_replay(project, name="other-model", **FORK)
    make_replay(project, name="colder", session="other-model", **FORK)

    page = text(member_client.get(replays_of(original)))
    below = text(member_client.get(replays_of(fork.session)))

    tree = page[page.index("Tree of forks") :]
    assert tree.index("other-model") < tree.index("colder") < tree.index("once-more")
    assert "forks at step 2" in tree
    assert "leaves the record at step 1" in tree
    assert f"sessions/{original.pk}/?step=" in below[below.index("Where it comes from") :]


def test_many_replays_are_paged_and_the_tree_says_how_many_more(member_client, project, original):
    for number in range(23):
        make_replay(project, name=f"again-{number}")
    make_replay(project, **FORK)

    first = text(member_client.get(f"{replays_of(original)}?limit=20"))

    assert "and 4 more in the list above" in first
    assert "cursor=" in first


def test_a_list_of_replays_asks_as_little_for_many_as_for_one(
    member_client, project, original, django_assert_max_num_queries
):
    for number in range(12):
        make_replay(project, name=f"again-{number}", **FORK)

    for address in (replays_of(original), f"{URL}replays/"):
        # The first reading of a session writes more to the trail.
        member_client.get(address)
        with django_assert_max_num_queries(QUERIES):
            member_client.get(address)


def test_a_replay_opens_beside_its_original_where_it_first_left_it(
    member_client, project, original
):
    # The client numbers its lanes; the original came without any.
    same = {"lane": "0", "input": SECRET, "output": "hello", "started_at": at(0)}
    store.append(project, [make_call(id="made-call", session="replay-again", **same)])
    replay = make_replay(project, name="replay-again")

    answer = member_client.get(f"{URL}replays/{replay.pk}/against/", follow=True)
    beside = member_client.get(
        f"{URL}compare/replay/?a={original.pk}&b={replay.session_id}",
        headers={"X-Playhead-Part": "1"},
    )

    assert f"a={original.pk}@{replay.first_event.hex}" in answer.redirect_chain[0][0]
    assert "is-at" in text(answer)
    assert "<strong>1</strong> identical" in text(answer)
    assert "B is a replay of A" in text(beside)
    assert SECRET.replace("'", "&#x27;") in text(beside)


def test_one_replay_tells_each_difference_and_leads_to_both_steps(member_client, project, original):
    session = "replay-again"
    store.append(project, [make_event(id="made-call", session=session, started_at=at(0))])
    replay = make_replay(project, name=session)

    page = text(member_client.get(f"{URL}replays/{replay.pk}/"))

    assert "/input" in page
    assert "<del>" in page
    assert f"sessions/{original.pk}/?step={replay.first_event.hex}" in page
    assert f"sessions/{replay.session_id}/?step={replay.first_made.hex}" in page
    assert "a call that the record does not answer stops the replay" in page


def test_divergences_of_a_replay_are_paged(member_client, project, original):
    many = [make_divergence(step=step, says=f"place {step}.") for step in range(1, 46)]
    replay = make_replay(project, report={"divergences": many, "fidelity": 0.1})

    last = text(member_client.get(f"{URL}replays/{replay.pk}/?from=41"))

    assert "place 45." in last
    assert "place 40." not in last
    assert member_client.get(f"{URL}replays/{replay.pk}/?from=46").status_code == 400


def test_who_may_not_read_content_sees_numbers_and_no_words(auditor_client, project, original):
    replay = make_replay(project)

    for address in (f"{URL}replays/", f"{URL}replays/{replay.pk}/", replays_of(original)):
        page = text(auditor_client.get(address))
        assert "90.0%" in page
        assert "customer" not in page


def test_a_replay_that_runs_and_one_that_failed_say_so(member_client, project, original):
    running = make_replay(project, status="running", ended_at=None, report=None)
    failed = make_replay(project, error={"type": "KeyError", "message": "no such <order>"})

    assert "It is running." in text(member_client.get(f"{URL}replays/{running.pk}/"))
    page = text(member_client.get(f"{URL}replays/{failed.pk}/"))
    assert "KeyError" in page
    assert "no such &lt;order&gt;" in page


def test_a_replay_is_gone_with_the_session_that_it_made(member_client, project, original):
    replay = make_replay(project)
    store.erase(replay.session, actor=SYSTEM)

    assert member_client.get(f"{URL}replays/{replay.pk}/").status_code == 404
    assert "No replays yet" in text(member_client.get(replays_of(original)))


def test_a_project_shows_how_replays_went_and_narrows_them(member_client, project, original):
    assert "No replays yet" in text(member_client.get(f"{URL}replays/"))
    make_replay(project)

    page = text(member_client.get(f"{URL}replays/?period=14d"))
    none = text(member_client.get(f"{URL}replays/?band=identical"))

    assert "median coverage" in page
    assert "1 of 1 drifted" in page
    assert "No replay matches" in none
    assert member_client.get(f"{URL}replays/?colour=red").status_code == 400


def test_the_code_for_a_session_forks_at_the_step_that_was_looked_at(
    member_client, project, original
):
    step = project.events.get(session_id=original.pk, client_id="tool").id.hex

    page = text(member_client.get(f"{URL}sessions/{original.pk}/replay/?step={step}"))

    assert "playhead replay chat-1 -- python my_agent.py" in page
    assert "playhead fork chat-1 --at 2 -- python my_agent.py" in page
    assert "Fidelity class" in page


def test_a_fork_says_where_it_comes_from_but_not_to_a_guest(
    member_client, project, original, sign_in
):
    elsewhere = make_project(project.organization)
    guest = make_membership(project.organization, project=elsewhere).user
    fork = make_replay(project, name="other-model", **FORK)
    grants.grant_session(project, fork.session, person=guest, actor=SYSTEM)
    address = f"{URL}sessions/{fork.session_id}/"

    ours, theirs = text(member_client.get(address)), text(sign_in(guest).get(address))

    assert f"sessions/{original.pk}/?step=" in ours
    assert "Forks from" in ours
    assert str(original.pk) not in theirs
    assert replays_of(fork.session) not in theirs
    assert sign_in(guest).get(replays_of(fork.session)).status_code == 404
