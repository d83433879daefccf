"""Every change to examples: sessions that others can learn from."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.annotations import sealing
from apps.annotations.models import Example
from apps.annotations.signing import signature
from apps.annotations.words import read_words
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions.models import Session

LONGEST_TITLE = 120
LONGEST_NOTES = 20_000
MOST_EXAMPLES = 1_000

CHANGED = (
    "Somebody else changed this example in the meantime. Nothing of yours was saved: look at "
    "it, and save again."
)


@transaction.atomic
def mark_example(
    session: Session, *, title: str, notes: str, actor: Actor, seen_version: int | None = None
) -> Example:
    """Put a session into the library of examples, or change what is said of it there.

    With the version that was seen, a change of somebody else's in the meantime is refused.
    """
    title = " ".join(read_words(title, path="title", longest=LONGEST_TITLE).split())
    notes = read_words(notes, path="notes", longest=LONGEST_NOTES, is_needed=False)
    session, cipher = sealing.hold_session(session)
    example = session.project.examples.filter(session=session).first()
    if seen_version is not None and seen_version != (example.version if example else 0):
        raise ConflictError(CHANGED)
    sealed = {
        "sealed_title": sealing.seal(cipher, title, sealing.TITLE),
        "sealed_notes": sealing.seal(cipher, notes, sealing.NOTES),
    }
    if example is None:
        _check_number(session)
        example = session.project.examples.create(session=session, **sealed, **signature(actor))
        _record(session, "example.mark", actor)
        return example
    for name, value in sealed.items():
        setattr(example, name, value)
    example.changed_at, example.version = timezone.now(), example.version + 1
    example.save(update_fields=[*sealed, "changed_at", "version"])
    _record(session, "example.change", actor)
    return example


@transaction.atomic
def unmark_example(session: Session, *, actor: Actor) -> None:
    """Take a session out of the library; its title and notes there are destroyed."""
    session, _ = sealing.hold_session(session)
    count, _ = session.project.examples.filter(session=session).delete()
    if not count:
        raise ConflictError("This session is no example any more.")
    _record(session, "example.unmark", actor)


def _check_number(session: Session) -> None:
    if session.project.examples.count() >= MOST_EXAMPLES:
        raise InvalidError(f"A project holds at most {MOST_EXAMPLES:,} examples.", "title")


def _record(session: Session, act: str, actor: Actor) -> None:
    audit.record(
        actor,
        act,
        organization_id=session.project.organization_id,
        project_id=session.project_id,
        objects=[str(session.pk)],
    )
