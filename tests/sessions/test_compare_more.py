from __future__ import annotations

import pytest

from apps.annotations.models import Score
from apps.sessions.events import Usage
from tests.sessions.factories import at, make_call, make_event, make_session

COMPARE = "/api/v1/compare"
PAGE = "/o/acme/p/support-bot/compare/"
VERDICT = f"{PAGE}verdict/give/"


def steps(session, *words, lane=None):
    return [
        make_event(
            id=f"{word}-{number}", session=session, kind="tool", name="act", lane=lane,
            input={"what": word}, output={"done": word}, started_at=at(number),
        )
        for number, word in enumerate(words)
    ]  # fmt: skip


def event_of(session, seq):
    return session.project.events.filter(session=session).order_by("order_at")[seq - 1].id.hex


@pytest.fixture
def reads(project, key_client):
    return key_client(project, "read:content")


def compared(client, a, b):
    answer = client.get(COMPARE, {"a": a, "b": b})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_step_that_went_to_another_lane_is_found_there(project, reads, member_client):
    a = make_session(
        project, *steps("a", "look", "book", lane="0"), *steps("a", "send", "pay", lane="1")
    )
    b = make_session(
        project, *steps("b", "look", lane="0"), *steps("b", "send", "pay", "book", lane="1")
    )

    found = compared(reads, a.pk, b.pk)

    alone = [one for one in found["steps"] if one["status"] in ("only_a", "only_b")]
    assert [(one["status"], (one["a"] or one["b"])["lane"]) for one in alone] == [
        ("only_a", "0"),
        ("only_b", "1"),
    ]
    assert alone[0]["moved"] == alone[1]["b"]["seq"]
    assert alone[1]["moved"] == alone[0]["a"]["seq"]
    page = member_client.get(PAGE, {"a": a.pk, "b": b.pk}).content.decode()
    assert "moved: B does it in lane <bdi>1</bdi>" in page


def test_that_one_is_a_fork_is_not_where_they_first_part(project, reads):
    note = make_event(id="note", session="b", name="branch", output={"step": 2}, started_at=at(-1))
    a = make_session(project, *steps("a", "look", "book"))
    b = make_session(project, note, *steps("b", "look", "pay"))

    found = compared(reads, a.pk, b.pk)

    assert found["steps"][0]["status"] == "only_b"
    assert found["first_difference"]["a"] == 2


def test_sessions_are_compared_from_the_steps_that_are_named(project, reads, member_client):
    a = make_session(project, *steps("a", "one", "two", "three"))
    b = make_session(project, *steps("b", "zero", "two", "four"))
    named = [f"{session.pk}@{event_of(session, 2)}" for session in (a, b)]

    found = compared(reads, *named)

    assert [step["status"] for step in found["steps"]] == ["identical", "changed"]
    assert found["first_difference"] == {"a": 3, "b": 3}
    page = member_client.get(PAGE, {"a": named[0], "b": named[1]}).content.decode()
    assert "Compared from step 2 of A and step 2 of B on" in page


def test_one_named_step_opens_the_comparison_at_its_line(project, member_client):
    a = make_session(project, *steps("a", *map(str, range(60))))
    b = make_session(project, *steps("b", *(str(-number) for number in range(60))))

    answer = member_client.get(PAGE, {"a": f"{a.pk}@{event_of(a, 50)}", "b": b.pk})

    assert answer.context["at"].number == 50
    assert answer.context["total"] == 60


def test_a_step_that_is_not_there_is_said_with_the_way_to_ask_again(project, member_client):
    a, b = make_session(project, session="a"), make_session(project, session="b")

    answer = member_client.get(PAGE, {"a": f"{a.pk}@{'0' * 32}", "b": b.pk})

    assert answer.status_code == 404
    assert b"Session A has no step" in answer.content


def test_the_slider_knows_each_line_of_both_sessions(project, member_client):
    a = make_session(project, *steps("a", "one", "two"))
    b = make_session(project, *steps("b", "one", "two", "three"))

    answer = member_client.get(f"{PAGE}rows.json", {"a": a.pk, "b": b.pk})

    assert answer.json() == {"status": "==+", "a": [1, 2, None], "b": [1, 2, 3]}


def test_the_state_of_both_is_compared_at_a_line(project, member_client):
    def told(session, paid):
        patch = [{"op": "add", "path": "/paid", "value": paid}]
        first = make_event(session=session, kind="state", state={"order": 1}, started_at=at(0))
        return [
            first,
            make_event(session=session, kind="state", state_patch=patch, started_at=at(1)),
        ]

    a, b = (make_session(project, *told(name, paid)) for name, paid in (("a", True), ("b", False)))
    query = {"a": a.pk, "b": b.pk, "mode": "state"}

    last = member_client.get(PAGE, query)
    first = member_client.get(PAGE, query | {"at": 1})

    assert [change.path for change in last.context["told"].changes] == ["shared.paid"]
    assert b"The states are the same" in first.content


def test_changes_of_code_are_set_side_by_side_by_file(project, member_client):
    def change(session, path, after, seconds=0):
        made = {"path": path, "before": "x = 1\n", "after": after}
        return make_event(
            session=session, kind="code_change", code_change=made, started_at=at(seconds)
        )

    a = make_session(project, change("a", "app.py", "x = 2\n"), change("a", "gone.py", "y\n", 1))
    b = make_session(project, change("b", "app.py", "x = 3\n"))

    files = member_client.get(PAGE, {"a": a.pk, "b": b.pk, "mode": "code"}).context["files"]

    assert [(file.path, file.word) for file in files] == [
        ("app.py", "differs"),
        ("gone.py", "only in A"),
    ]
    assert [piece.text for piece in files[0].change.pieces if piece.kind != "same"] == [
        "2\n",
        "3\n",
    ]


def test_what_a_changed_step_took_is_told_and_unknown_is_a_dash(project, member_client):
    def call(session, tokens, lasts):
        usage = tokens and Usage(input=tokens, output=1)
        return make_call(
            session=session, input=session, usage=usage, started_at=at(0), ended_at=at(lasts)
        )

    a, b = make_session(project, call("a", 10, 2)), make_session(project, call("b", None, 3))

    line = member_client.get(PAGE, {"a": a.pk, "b": b.pk}).context["first"]
    [entry] = member_client.get(PAGE, {"a": a.pk, "b": b.pk}).context["entries"]

    assert line.number == 1
    told = {one.name: (one.a, one.b, one.sign, one.size) for one in entry.amounts}
    assert told["time"] == (2000, 3000, "+", 1000)
    assert told["tokens"] == (11, None, "", None)


def test_a_verdict_is_a_score_on_both_sessions_and_changes_with_ones_mind(project, member_client):
    a, b = make_session(project, session="a"), make_session(project, session="b")

    member_client.post(VERDICT, {"a": a.pk, "b": b.pk, "choice": "b"})
    answer = member_client.post(VERDICT, {"a": a.pk, "b": b.pk, "choice": "a", "note": "shorter"})
    shown = member_client.get(f"{PAGE}verdict/", {"a": b.pk, "b": a.pk})

    assert answer.status_code == 302
    scores = Score.unscoped.values_list("session_id", "label", "against")
    assert set(scores) == {(a.pk, "better", b.pk), (b.pk, "worse", a.pk)}
    [told] = shown.context["verdicts"]
    assert (told.choice, told.note, told.is_own) == ("b", "shorter", True)


def test_a_verdict_can_be_taken_back(project, member_client):
    a, b = make_session(project, session="a"), make_session(project, session="b")
    member_client.post(VERDICT, {"a": a.pk, "b": b.pk, "choice": "tie"})

    member_client.post(VERDICT, {"a": a.pk, "b": b.pk, "choice": "none"})

    assert not Score.unscoped.exists()


def test_a_verdict_that_there_is_not_is_refused(project, member_client):
    a, b = make_session(project, session="a"), make_session(project, session="b")

    answer = member_client.post(VERDICT, {"a": a.pk, "b": b.pk, "choice": "c"})

    assert answer.status_code == 400
    assert not Score.unscoped.exists()
