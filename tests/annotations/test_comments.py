"""Comments: on what, by whom, and what stays of them."""

from __future__ import annotations

import pytest

from apps.annotations import commenting, queries
from apps.annotations.places import Range
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.tenants.permissions import Role
from tests.annotations.factories import actor, event_of, make_talk
from tests.factories import make_membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(project):
    return make_talk(project)


def say(session, person, text="Look here.", **fields):
    return commenting.add_comment(session, text=text, actor=actor(person), **fields)


def said(session):
    return queries.threads_page(session, event=None, cursor=None, limit=50).rows


def colleague(project, email, role=Role.REVIEWER):
    made = make_membership(project.organization, role=role).user
    made.email = email
    made.save()
    return made


def test_a_comment_on_a_session_is_shown_with_its_markdown(session, member):
    say(session, member, "It is **wrong** <script>x</script>")

    [thread] = said(session)
    assert "<strong>wrong</strong> &lt;script&gt;" in thread.html
    assert thread.row.by == member.email


def test_an_answer_stands_under_the_comment_and_is_where_that_is(session, member, owner):
    thread = say(session, member, event_id=event_of(session))

    say(session, owner, "Seen.", thread=thread)

    [shown] = said(session)
    assert [(one.text, one.event, one.seq) for one in shown.replies] == [
        ("Seen.", event_of(session), 1)
    ]


def test_an_answer_to_an_answer_is_refused(session, member):
    answer = say(session, member, thread=say(session, member))

    with pytest.raises(InvalidError, match="began the thread"):
        say(session, member, thread=answer)


def test_a_range_is_of_code_points_of_the_text_as_it_is_shown(session, member):
    chosen = Range("output[0][0]", 18, 23, "🚚 and")

    say(session, member, event_id=event_of(session), chosen=chosen)

    [thread] = said(session)
    assert (thread.chosen.quote, thread.is_there) == ("🚚 and", True)


@pytest.mark.parametrize(
    ("place", "start", "end", "quote"),
    [("output[0][0]", 0, 900, ""), ("output[0][0]", 5, 5, ""), ("output[7][0]", 0, 1, ""),
     ("output/none", 0, 1, ""), ("output[0][0]", 0, 2, "No"), ("x" * 2000, 0, 1, "")],
)  # fmt: skip
def test_a_range_that_is_not_there_is_refused(session, member, place, start, end, quote):
    with pytest.raises(InvalidError) as refused:
        say(session, member, event_id=event_of(session), chosen=Range(place, start, end, quote))

    assert refused.value.errors[0]["path"].startswith("range.")


def test_a_path_names_a_text_in_what_is_no_message(session, member):
    chosen = Range("output/carrier", 5, 9, "boat")

    say(session, member, event_id=event_of(session, "tool"), chosen=chosen)

    assert said(session)[0].is_there is True


def test_a_range_whose_text_has_changed_is_shown_as_such(session, member):
    say(session, member, event_id=event_of(session), chosen=Range("output[0][0]", 0, 7))
    assert said(session)[0].is_there is True
    session.project.events.filter(session_id=session.pk).update(output_digest=None)

    [thread] = said(session)

    assert (thread.chosen.quote, thread.is_there) == ("It left", False)


def test_only_those_with_access_are_mentioned_and_told(session, member, project, stranger):
    ann = colleague(project, "ann@acme.example")
    auditor = colleague(project, "aud@acme.example", Role.AUDITOR)

    comment = say(session, member, f"@ann and @aud, {stranger.email} @{stranger.email} @nobody.")

    told = project.inbox_entries.values_list("person", "kind", "subject_id")
    assert list(told) == [(ann.pk, "mention", comment.pk)]
    assert str(auditor) not in said(session)[0].people
    assert f"<@{ann.pk}> and @aud" in said(session)[0].text


def test_a_name_that_two_have_is_no_mention_until_it_is_written_out(session, member, project):
    colleague(project, "ann@one.example")
    wanted = colleague(project, "ann@two.example")

    say(session, member, "@ann or @ann@two.example?")

    assert set(said(session)[0].people) == {wanted.pk}


def test_who_spoke_in_a_thread_is_told_of_an_answer_once(session, member, owner, project):
    thread = say(session, member)

    answer = say(session, owner, f"@{member.email} yes", thread=thread)
    say(session, owner, "And no.", thread=thread)

    kinds = project.inbox_entries.filter(person=member).values_list("kind", "subject_id")
    assert sorted(kinds)[0] == ("mention", answer.pk)
    assert [kind for kind, _ in sorted(kinds)] == ["mention", "reply"]


def test_an_edit_keeps_what_was_said_and_tells_only_the_newly_named(session, member, project):
    ann, bob = (colleague(project, f"{name}@acme.example") for name in ("ann", "bob"))
    comment = say(session, member, "First, @ann")

    commenting.edit_comment(comment, text="Then, @ann and @bob", actor=actor(member))

    told = project.inbox_entries.values_list("person", "times")
    assert sorted(told) == sorted([(ann.pk, 1), (bob.pk, 1)])
    [(_, before)] = queries.earlier_texts(session, said(session)[0].row)
    assert "First" in before


def test_only_its_writer_edits_a_comment_and_a_manager_may_delete_it(session, member, owner):
    comment = say(session, member)

    with pytest.raises(ConflictError, match="Only who wrote"):
        commenting.edit_comment(comment, text="Mine now", actor=actor(owner))
    commenting.delete_comment(comment, actor=actor(owner))

    assert said(session) == []


def test_a_deleted_comment_that_was_answered_leaves_an_empty_place(session, member, owner):
    comment = say(session, member)
    answer = say(session, owner, "Seen.", thread=comment)

    commenting.delete_comment(comment, actor=actor(member))

    [thread] = said(session)
    assert (thread.text, len(thread.replies)) == ("", 1)
    commenting.delete_comment(answer, actor=actor(owner))
    assert said(session) == []


def test_a_thread_is_resolved_and_opened_again(session, member, owner):
    comment = say(session, member)

    resolved = commenting.resolve_thread(comment, actor=actor(owner))
    assert resolved.resolved_by == owner.email
    commenting.resolve_thread(comment, is_resolved=False, actor=actor(owner))

    assert said(session)[0].row.resolved_at is None


def test_a_comment_deleted_meanwhile_is_a_conflict(session, member):
    comment = say(session, member)
    commenting.delete_comment(comment, actor=actor(member))

    with pytest.raises(ConflictError):
        commenting.edit_comment(comment, text="Too late", actor=actor(member))


def test_the_trail_says_who_commented_and_never_what(session, member):
    say(session, member, "secretquark")

    entry = AuditEntry.unscoped.get(act="comment.add")
    assert entry.actor_id == str(member.pk)
    assert "secretquark" not in str(entry.detail)


def test_the_number_of_queries_does_not_grow_with_the_comments(
    session, member, django_assert_max_num_queries
):
    for _ in range(3):
        thread = say(
            session, member, event_id=event_of(session), chosen=Range("output[0][0]", 0, 2)
        )
        say(session, member, thread=thread)
    said(session)

    with django_assert_max_num_queries(11):
        said(session)
