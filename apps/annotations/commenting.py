"""Every change to comments.

A comment is on a session, on one of its steps or on a range of text in it; replies answer the
comment that began a thread, one level deep. What is written lies under the session's key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.annotations import sealing
from apps.annotations.mentions import take_mentions
from apps.annotations.models import Comment
from apps.annotations.places import Range, choose_range
from apps.annotations.signing import is_own, signature
from apps.annotations.steps import find_event, read_events
from apps.annotations.words import read_words
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session
from apps.tenants.access import people_who_may_see, permissions_in_project
from apps.tenants.inbox import tell_person
from apps.tenants.permissions import Permission

LONGEST_COMMENT = 10_000
MOST_COMMENTS = 2_000
MOST_EDITS = 100

GONE = "This comment was deleted in the meantime."
NOT_YOURS = "Only who wrote a comment changes it."
NOT_A_THREAD = "Only the comment that began a thread is resolved."


@transaction.atomic
def add_comment(
    session: Session,
    *,
    text: str,
    actor: Actor,
    event_id: str = "",
    chosen: Range | None = None,
    thread: Comment | None = None,
) -> Comment:
    """Say something about a session, a step, or a range of its text; or answer a comment."""
    session, cipher = sealing.hold_session(session)
    _check_number(session)
    text, people = take_mentions(session, _read(text))
    place = _place_of_thread(thread) if thread else _place(session, cipher, event_id, chosen)
    comment = session.project.comments.create(
        session=session,
        sealed_text=sealing.seal(cipher, text, sealing.COMMENT),
        **place,
        **signature(actor),
    )
    _mention(comment, people)
    _tell(comment, people, actor)
    told = {"thread": thread.pk if thread else None, "mentions": [person.pk for person in people]}
    _record(actor, "comment.add", comment, told)
    return comment


@transaction.atomic
def edit_comment(comment: Comment, *, text: str, actor: Actor) -> Comment:
    """Let a comment say something else; what it said before is kept beside it."""
    comment, cipher = _held(comment)
    _check_own(comment, actor)
    text, people = take_mentions(comment.session, _read(text))
    before = bytes(comment.sealed_text or b"")
    if text == sealing.open_text(cipher, before, sealing.COMMENT):
        return comment
    _keep_edit(comment, before)
    comment.sealed_text, comment.edited_at = (
        sealing.seal(cipher, text, sealing.COMMENT),
        timezone.now(),
    )
    comment.save(update_fields=["sealed_text", "edited_at"])
    known = set(comment.mentions.values_list("person_id", flat=True))
    comment.mentions.exclude(person__in=people).delete()
    fresh = [person for person in people if person.pk not in known]
    _mention(comment, fresh)
    _tell_mentioned(comment, fresh, actor)
    _record(actor, "comment.edit", comment, {"mentions": [person.pk for person in fresh]})
    return comment


@transaction.atomic
def delete_comment(comment: Comment, *, actor: Actor) -> None:
    """Destroy what a comment says, and said; an empty place stays where it was answered."""
    comment, _ = _held(comment)
    allowed = permissions_in_project(actor, comment.project)
    if not is_own(comment, actor) and Permission.MANAGE_PROJECT not in allowed:
        raise ConflictError(NOT_YOURS)
    _record(actor, "comment.delete", comment)
    comment.edits.all().delete()
    comment.mentions.all().delete()
    if comment.replies.exists():
        comment.sealed_text, comment.sealed_range = None, None
        comment.deleted_at = timezone.now()
        comment.save(update_fields=["sealed_text", "sealed_range", "deleted_at"])
        return
    thread = comment.thread
    comment.delete()
    if thread is not None and thread.deleted_at and not thread.replies.exists():
        thread.delete()


@transaction.atomic
def resolve_thread(comment: Comment, *, is_resolved: bool = True, actor: Actor) -> Comment:
    """Say that nothing is left to do about a comment, or that there is after all."""
    comment, _ = _held(comment, is_deleted_too=True)
    if comment.thread_id is not None:
        raise InvalidError(NOT_A_THREAD, "is_resolved")
    if is_resolved == (comment.resolved_at is not None):
        return comment
    comment.resolved_at = timezone.now() if is_resolved else None
    comment.resolved_by = (actor.label or actor.kind) if is_resolved else ""
    comment.save(update_fields=["resolved_at", "resolved_by"])
    _record(actor, "comment.resolve" if is_resolved else "comment.reopen", comment)
    return comment


def _read(text: str) -> str:
    return read_words(text, path="text", longest=LONGEST_COMMENT)


def _check_number(session: Session) -> None:
    if session.comments.filter(project=session.project).count() >= MOST_COMMENTS:
        raise InvalidError(f"A session holds at most {MOST_COMMENTS:,} comments.", "text")


def _place_of_thread(thread: Comment) -> dict[str, Any]:
    if thread.thread_id is not None:
        raise InvalidError("A reply answers the comment that began the thread.", "thread")
    # Held until the end, so that it is not deleted below its answer.
    held = thread.project.comments.select_for_update(of=("self",)).filter(pk=thread.pk)
    if (current := held.first()) is None:
        raise ConflictError(GONE)
    return {"thread": current, "event_id": current.event_id}


def _place(
    session: Session, cipher: SessionCipher, event_id: str, chosen: Range | None
) -> dict[str, Any]:
    if not event_id:
        if chosen is not None:
            raise InvalidError("A range of text is in a step: name the event.", "event")
        return {}
    event = find_event(session, event_id)
    if chosen is None:
        return {"event_id": event}
    _, step = read_events(session, [event])[event]
    found = choose_range(step, chosen)
    told = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {"event_id": event, "sealed_range": cipher.seal(orjson.dumps(told), sealing.RANGE)}


def _held(comment: Comment, *, is_deleted_too: bool = False) -> tuple[Comment, SessionCipher]:
    session, cipher = sealing.hold_session(comment.session)
    current = session.project.comments.select_for_update(of=("self",)).filter(pk=comment.pk).first()
    if current is None or (current.deleted_at and not is_deleted_too):
        raise ConflictError(GONE)
    current.session, current.project = session, session.project
    return current, cipher


def _check_own(comment: Comment, actor: Actor) -> None:
    if not is_own(comment, actor):
        raise ConflictError(NOT_YOURS)


def _keep_edit(comment: Comment, sealed: bytes) -> None:
    if comment.edits.count() >= MOST_EDITS:
        raise InvalidError(f"A comment is edited at most {MOST_EDITS} times.", "text")
    said_at = comment.edited_at or comment.created_at
    comment.edits.create(project=comment.project, sealed_text=sealed, said_at=said_at)


def _mention(comment: Comment, people: Collection[User]) -> None:
    rows = [{"comment": comment, "person": person} for person in people]
    kept = comment.project.comment_mentions
    kept.bulk_create([kept.model(project=comment.project, **row) for row in rows])


def _tell(comment: Comment, mentioned: Collection[User], actor: Actor) -> None:
    _tell_mentioned(comment, mentioned, actor)
    if comment.thread is None:
        return
    # Whoever spoke in the thread, if they may still see the session.
    spoke = Q(pk=comment.thread.person_id) | Q(
        pk__in=comment.thread.replies.filter(person__isnull=False).values("person")
    )
    people = people_who_may_see(comment.project, comment.session).filter(spoke)
    for person in people.exclude(pk__in=[one.pk for one in mentioned]):
        _tell_person(comment, person, "reply", actor)


def _tell_mentioned(comment: Comment, people: Collection[User], actor: Actor) -> None:
    for person in people:
        _tell_person(comment, person, "mention", actor)


def _tell_person(comment: Comment, person: User, kind: str, actor: Actor) -> None:
    tell_person(
        person,
        comment.project,
        kind=kind,
        actor=actor,
        session_id=comment.session.pk,
        event_id=comment.event_id,
        subject_id=comment.pk,
    )


def _record(
    actor: Actor, act: str, comment: Comment, more: Mapping[str, Any] | None = None
) -> None:
    # Ids alone: what was said would stay in the trail for good.
    audit.record(
        actor,
        act,
        organization_id=comment.project.organization_id,
        project_id=comment.project_id,
        objects=[str(comment.session_id), f"comment:{comment.pk}"],
        detail={"event": comment.event_id and comment.event_id.hex, **(more or {})},
    )
