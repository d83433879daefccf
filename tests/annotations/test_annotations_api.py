"""Saying things over HTTP."""

from __future__ import annotations

import pytest

from apps.annotations import commenting
from apps.tenants.idempotency_models import AnsweredRequest
from tests.annotations.factories import actor, event_of, make_talk

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(project):
    return make_talk(project)


@pytest.fixture
def url(session):
    return f"/api/v1/sessions/{session.pk}"


@pytest.fixture
def client(key_client, project):
    return key_client(project, "annotate", "read:content")


def send(client, url, body, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, body, content_type="application/json", headers=headers)


def test_a_comment_on_a_range_goes_in_and_comes_out(client, url, session):
    event = event_of(session)
    chosen = {"place": "input[1][0]", "start": 0, "end": 5, "quote": "Where"}

    made = send(client, f"{url}/comments", {"text": "Hm.", "event": event, "range": chosen})

    assert made.status_code == 201
    [listed] = client.get(f"{url}/comments?event={event}").json()["results"]
    assert listed == made.json()
    assert listed["range"] == {**chosen, "is_there": True}
    assert (listed["seq"], listed["html"]) == (1, "<p>Hm.</p>\n")


def test_comments_are_read_page_by_page(client, url):
    for number in range(3):
        send(client, f"{url}/comments", {"text": str(number)})

    first = client.get(f"{url}/comments?limit=2").json()
    second = client.get(f"{url}/comments?limit=2&cursor={first['next']}").json()

    texts = [row["text"] for row in first["results"] + second["results"]]
    assert (texts, second["next"]) == (["0", "1", "2"], None)


def test_a_comment_is_edited_resolved_and_deleted(client, url):
    path = f"{url}/comments/{send(client, f'{url}/comments', {'text': 'One'}).json()['id']}"
    body = {"text": "Two", "is_resolved": True}

    changed = client.patch(path, body, content_type="application/json").json()

    assert (changed["text"], changed["edits"], changed["resolved_by"] is None) == ("Two", 1, False)
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [({"text": " "}, "text"), ({}, "text"), ({"text": "x" * 10_001}, "text"),
     ({"text": "x", "event": "nothex"}, "event"), ({"text": "x", "event": "0" * 32}, "event"),
     ({"text": "x", "range": {"place": "input", "start": 0, "end": 1}}, "event"),
     ({"text": "x", "range": {"place": "input", "start": -1, "end": 1}}, "range.start"),
     ({"text": "x", "thread": 10**30}, "thread"), ({"text": "x", "thread": 77}, "thread"),
     ({"text": "@a @b @c @d @e @f @g @h @i @j @k @l @m @n @o @p @q @r @s @t @u"}, "text")],
)  # fmt: skip
def test_a_bad_comment_is_refused_by_the_name_of_its_field(client, url, body, path):
    answer = send(client, f"{url}/comments", body)

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


@pytest.mark.parametrize("text", [b"a\\ud800b", b"a\\u0000b"])
def test_what_is_no_text_is_refused(client, url, text):
    body = b'{"text": "' + text + b'"}'

    answer = client.post(f"{url}/comments", body, content_type="application/json")

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("value", "shown"), [(1, 1.0), (0.25, 0.25), (True, True), ("good", "good"), (-3, -3.0)]
)
def test_a_score_keeps_what_kind_of_value_it_is(client, url, value, shown):
    made = send(client, f"{url}/scores", {"name": "fit", "value": value, "comment": "since"})

    assert made.status_code == 201
    [listed] = client.get(f"{url}/scores").json()["results"]
    assert (listed["value"], type(listed["value"])) == (shown, type(shown))
    assert (listed["source"], listed["comment"]) == ("code", "since")


@pytest.mark.parametrize(
    ("body", "path"),
    [({"name": "x", "value": None}, "value"), ({"name": "x", "value": [1]}, "value"),
     ({"name": "x", "value": 10**18}, "value"), ({"name": "x", "value": "y" * 65}, "value"),
     ({"name": "\u200b", "value": 1}, "name"), ({"name": "x", "value": 1, "source": "z"}, "source"),
     ({"name": "x", "value": 1, "event": "0" * 32}, "event")],
)  # fmt: skip
def test_a_bad_score_is_refused_by_the_name_of_its_field(client, url, body, path):
    answer = send(client, f"{url}/scores", body)

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_a_verdict_that_replaces_leaves_one(client, url):
    for value in ("better", "worse"):
        send(client, f"{url}/scores", {"name": "verdict", "value": value, "replaces": True})

    assert [row["value"] for row in client.get(f"{url}/scores").json()["results"]] == ["worse"]


def test_without_the_right_to_content_a_score_comes_without_its_words(url, client, key_client,
                                                                     project):  # fmt: skip
    send(client, f"{url}/scores", {"name": "fit", "value": 1, "comment": "since"})

    [listed] = key_client(project, "read:meta").get(f"{url}/scores").json()["results"]

    assert (listed["value"], listed["comment"]) == (1.0, None)


def test_a_step_is_tagged_by_the_rules_of_sessions(client, url, session):
    body = {"add": [" slow   one ", "odd"], "event": event_of(session)}

    send(client, f"{url}/tags", body)
    again = send(client, f"{url}/tags", {"remove": ["odd"], "event": event_of(session)}).json()

    assert (again["removed"], [row["tag"] for row in again["tags"]]) == (["odd"], ["slow one"])
    assert send(client, f"{url}/tags", body | {"add": ["\n\u202e"]}).status_code == 400


def test_the_same_post_again_acts_once_and_answers_the_same(client, url):
    first = send(client, f"{url}/comments", {"text": "Once"}, key="k1")
    again = send(client, f"{url}/comments", {"text": "Once"}, key="k1")
    other = send(client, f"{url}/comments", {"text": "Twice"}, key="k1")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, len(client.get(f"{url}/comments").json()["results"])) == (422, 1)
    assert b"Once" not in bytes(AnsweredRequest.unscoped.get().sealed)


def test_a_post_that_was_refused_can_be_sent_again_with_its_key(client, url):
    refused = send(client, f"{url}/scores", {"name": "x", "value": None}, key="k2")
    mended = send(client, f"{url}/scores", {"name": "x", "value": 1}, key="k2")

    assert (refused.status_code, mended.status_code) == (400, 201)


def test_keys_of_two_callers_are_apart(client, url, key_client, project):
    send(client, f"{url}/comments", {"text": "Mine"}, key="k3")

    theirs = send(key_client(project, "annotate"), f"{url}/comments", {"text": "Theirs"}, key="k3")

    assert theirs.json()["text"] == "Theirs"


def test_an_example_is_marked_found_and_taken_out(client, url, project, session):
    body = {"title": "Paid twice", "notes": "We **refund** one."}
    marked = client.put(f"{url}/example", body, content_type="application/json")
    assert marked.status_code == 200

    [found] = client.get("/api/v1/examples?q=REFUND%20twice").json()["results"]
    assert (found["session"], found["title"]) == (str(session.pk), "Paid twice")
    assert client.get("/api/v1/examples?q=refund+never").json()["results"] == []
    assert client.delete(f"{url}/example").status_code == 204
    assert client.get(f"{url}/example").status_code == 404


def test_a_viewer_reads_comments_and_writes_none(viewer_client, url, session, member, project):
    commenting.add_comment(session, text="For all", actor=actor(member))
    query = f"?project=acme/{project.slug}"

    assert len(viewer_client.get(f"{url}/comments{query}").json()["results"]) == 1
    assert send(viewer_client, f"{url}/comments{query}", {"text": "No"}).status_code == 403


def test_a_comment_of_another_session_is_not_found_below_this_one(client, url, project, member):
    other = make_talk(project, session="chat-2")
    comment = commenting.add_comment(other, text="There", actor=actor(member))

    assert client.get(f"{url}/comments/{comment.pk}").status_code == 404
    assert client.delete(f"{url}/comments/{comment.pk}").status_code == 404


def test_a_session_is_found_by_its_scores_until_they_are_taken_back(client, url):
    made = send(client, f"{url}/scores", {"name": "fit", "value": True}).json()

    def found(query):
        return len(client.get(f"/api/v1/sessions?score={query}").json()["results"])

    assert [found(query) for query in ("fit", "fit=yes", "fit=no", "odd")] == [1, 1, 0, 0]
    assert client.delete(f"{url}/scores/{made['id']}").status_code == 204
    assert found("fit") == 0
