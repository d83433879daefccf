"""Pages of comments, scores, tags of steps and examples."""

from __future__ import annotations

import pytest

from apps.annotations import commenting, exemplifying, library, queries, scoring
from apps.tenants.permissions import Role
from tests.annotations.factories import actor, event_of, make_talk
from tests.factories import make_membership

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"


@pytest.fixture
def session(project):
    return make_talk(project)


@pytest.fixture
def root(project):
    return f"/o/acme/p/{project.slug}/"


@pytest.fixture
def page(root, session):
    return f"{root}sessions/{session.pk}/"


def threads(session):
    return queries.threads_page(session, event=None, cursor=None, limit=9).rows


def test_a_comment_is_written_without_scripts(member_client, page, session):
    event = event_of(session)
    form = {"text": HOSTILE, "about": event, "event": event}

    answer = member_client.post(f"{page}comments/add/", form, follow=True)

    [said] = threads(session)
    assert answer.redirect_chain == [(f"{page}comments/?event={event}#comment-{said.row.pk}", 302)]
    assert "&lt;img src=x onerror=alert(1)&gt;" in answer.text
    assert "javascript:" not in answer.text.replace("[x](javascript:alert(1))", "")


def test_a_script_gets_the_part_and_no_page(member_client, page, session):
    form = {"text": "Hm", "about": event_of(session), "event": event_of(session), "fragment": "1"}

    answer = member_client.post(f"{page}comments/add/", form)

    assert "Hm" in answer.text
    assert "<html" not in answer.text


def test_what_was_typed_is_kept_where_it_was_refused(member_client, page, session):
    form = {"text": "Mine", "about": event_of(session), "place": "output[0][0]", "start": "3",
            "end": "9999", "quote": "left"}  # fmt: skip

    answer = member_client.post(f"{page}comments/add/", form)

    assert answer.status_code == 422
    assert "start and end must be numbers with" in answer.text
    assert ">Mine</textarea>" in answer.text


@pytest.mark.parametrize(
    ("name", "value"), [("thread", "x"), ("start", "-1"), ("thread", "9" * 30)]
)
def test_what_is_no_number_is_refused(member_client, page, name, value):
    form = {"text": "x", "place": "input", "end": "1", name: value}

    assert member_client.post(f"{page}comments/add/", form).status_code == 422


def test_an_answer_an_edit_and_an_end(member_client, page, session, member):
    thread = commenting.add_comment(session, text="One", actor=actor(member))
    url = f"{page}comments/{thread.pk}/"

    member_client.post(f"{page}comments/add/", {"text": "Two", "thread": thread.pk})
    member_client.post(f"{url}edit/", {"text": "Three"})
    member_client.post(f"{url}resolve/", {"is_resolved": "1"})

    shown = member_client.get(f"{page}comments/").text
    assert [word in shown for word in ("Three", "Two", "Resolved by")] == [True] * 3
    assert "One" in member_client.get(f"{url}edits/").text
    member_client.post(f"{url}delete/")
    assert "This comment was deleted." in member_client.get(f"{page}comments/").text


def test_a_viewer_reads_and_is_shown_no_form(viewer_client, page, session, member):
    commenting.add_comment(session, text="For all", actor=actor(member))

    shown = viewer_client.get(f"{page}comments/").text

    assert ("For all" in shown, "<textarea" in shown) == (True, False)
    assert viewer_client.post(f"{page}comments/add/", {"text": "x"}).status_code == 403


def test_people_are_offered_by_name_and_only_with_access(member_client, page, project, stranger):
    ann = make_membership(project.organization, role=Role.VIEWER).user
    ann.name, ann.email = "Ann Lee", "ann.lee@acme.example"
    ann.save()
    make_membership(project.organization, role=Role.AUDITOR)

    found = member_client.get(f"{page}comments/people/?prefix=LEE").json()["offered"]
    everybody = member_client.get(f"{page}comments/people/").json()["offered"]

    assert found == [{"text": "ann.lee", "says": "Ann Lee"}]
    assert len(everybody) == 2


def test_marks_tell_where_something_was_said_and_not_what(member_client, page, session, member):
    event = event_of(session)
    for text in ("One", "Two"):
        commenting.add_comment(session, text=text, event_id=event, actor=actor(member))
    member_client.post(f"{page}step-tags/", {"event": event, "add": "slow, odd"})
    member_client.post(f"{page}scores/add/", {"about": event, "name": "fit", "value": "yes"})

    told = member_client.get(f"{page}marks.json").json()

    assert told == {
        "comments": {event: 2},
        "tags": {event: ["odd", "slow"]},
        "scores": {event: 1},
        "about": False,
    }


def test_a_tag_is_taken_off_a_step(member_client, page, session):
    form = {"event": event_of(session)}
    member_client.post(f"{page}step-tags/", form | {"add": "slow"})

    member_client.post(f"{page}step-tags/", form | {"remove": "slow"})

    assert queries.marks_of(session)["tags"] == {}


@pytest.mark.parametrize(("typed", "value"), [("Yes", True), ("0.5", 0.5), ("good", "good")])
def test_a_score_typed_by_hand_replaces_the_persons_last(member_client, page, session, typed,
                                                         value):  # fmt: skip
    for text in ("1", typed):
        member_client.post(f"{page}scores/add/", {"name": "fit", "value": text})

    [given] = queries.scores_of(session, content=False)
    assert (given.row.value, given.row.source) == (value, "human")


def test_a_session_becomes_an_example_and_is_found_in_the_library(member_client, page, root):
    form = {"title": "Paid twice", "notes": "We **refund** one.", "version": "0"}

    assert member_client.post(f"{page}example/", form).status_code == 302

    assert "Paid twice" in member_client.get(f"{root}examples/?q=refund").text
    assert "No example matches" in member_client.get(f"{root}examples/?q=never").text
    assert "<strong>refund</strong>" in member_client.get(f"{page}about/").text


def test_two_who_change_an_example_at_once_are_told(member_client, page, session, member):
    exemplifying.mark_example(session, title="First", notes="", actor=actor(member))
    form = {"title": "Second", "notes": "mine", "version": "0"}

    answer = member_client.post(f"{page}example/", form)

    assert (answer.status_code, library.example_of(session).title) == (422, "First")
    assert "Somebody else changed this example" in answer.text
    assert "mine</textarea>" in answer.text


def test_the_library_is_read_page_by_page(member_client, root, project, member):
    for number in range(3):
        one = make_talk(project, session=f"chat-{number}")
        exemplifying.mark_example(one, title=f"No {number}", notes="", actor=actor(member))

    first = library.example_page(project, library.ExampleFilters(), cursor=None, limit=2)
    second = library.example_page(project, library.ExampleFilters(), cursor=first.next, limit=2)

    assert [shown.title for shown in (*first.rows, *second.rows)] == ["No 2", "No 1", "No 0"]
    assert member_client.get(f"{root}examples/?cursor=nonsense").status_code == 400


def test_only_what_is_of_the_session_as_a_whole_stands_in_its_head(session, member):
    scoring.add_score(session, name="fit", value=1, actor=actor(member))
    scoring.add_score(session, name="odd", value=1, event_id=event_of(session), actor=actor(member))

    assert [given.row.name for given in queries.about(session).scores] == ["fit"]
    assert queries.marks_of(session)["about"] is True
