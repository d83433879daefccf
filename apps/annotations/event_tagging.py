"""Tags on steps, by the rules of tags on sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.annotations import sealing
from apps.annotations.models import EventTag
from apps.annotations.steps import find_event
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.sessions.models import Session
from apps.sessions.tagging import MOST_TAGS, read_tags

# Tagged steps of one session.
MOST_TAGGED = 20_000


@dataclass(frozen=True, slots=True)
class TaggedStep:
    """What one act changed on a step."""

    added: frozenset[str]
    removed: frozenset[str]


@transaction.atomic
def tag_event(
    session: Session,
    event_id: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    actor: Actor,
) -> TaggedStep:
    """Give a step tags and take tags from it; asking for what is so already changes nothing."""
    to_add, to_remove = read_tags(add, "add"), read_tags(remove, "remove")
    if both := sorted(to_add & to_remove):
        raise InvalidError(f"{both[0]!r} is to be added and removed at once.", "remove")
    session, _ = sealing.hold_session(session)
    event = find_event(session, event_id)
    rows = session.project.event_tags.filter(session_id=session.pk, event_id=event)
    held = set(rows.values_list("tag", flat=True))
    tagged = TaggedStep(frozenset(to_add - held), frozenset(to_remove & held))
    _check_number(session, held, tagged)
    rows.filter(tag__in=tagged.removed).delete()
    by = actor.label or actor.kind
    session.project.event_tags.bulk_create(
        EventTag(project=session.project, session=session, event_id=event, tag=tag, given_by=by)
        for tag in sorted(tagged.added)
    )
    if tagged.added or tagged.removed:
        _record(session, event, tagged, actor)
    return tagged


def tags_of_event(session: Session, event: UUID) -> list[EventTag]:
    rows = session.project.event_tags.filter(session_id=session.pk, event_id=event)
    return list(rows.order_by("tag"))


def _check_number(session: Session, held: set[str], tagged: TaggedStep) -> None:
    if tagged.added and len((held | tagged.added) - tagged.removed) > MOST_TAGS:
        raise InvalidError(f"A step holds at most {MOST_TAGS} tags.", "add")
    rows = session.project.event_tags.filter(session_id=session.pk)
    if tagged.added and not held and rows.count() >= MOST_TAGGED:
        raise InvalidError(f"A session holds at most {MOST_TAGGED:,} tags of steps.", "add")


def _record(session: Session, event: UUID, tagged: TaggedStep, actor: Actor) -> None:
    audit.record(
        actor,
        "step.tag",
        organization_id=session.project.organization_id,
        project_id=session.project_id,
        objects=[str(session.pk)],
        detail={
            "event": event.hex,
            "added": sorted(tagged.added),
            "removed": sorted(tagged.removed),
        },
    )
