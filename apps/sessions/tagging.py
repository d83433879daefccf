"""Tags that people and keys give to sessions, one or hundreds at once.

A tag is a value of the facet index, whoever set it; ``SessionTag`` says which ones were given
here, by whom. What has no such row came with the events of the application, and stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.audit import queries as trail
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.models import Facet, Session, SessionFacet, SessionTag
from apps.tenants.models import Project

Json = Any
Pairs = set[tuple[UUID, str]]

ACT = "session.tag"
LONGEST_TAG = 64
MOST_TAGS = 50
MOST_SESSIONS = 500
MOST_AT_ONCE = 20
UNDO_WITHIN = timedelta(hours=1)

DROP = (
    """
    DELETE FROM agent_sessions_sessiontag WHERE project_id = $1 AND session_id = ANY($2::uuid[])
        AND (session_id, tag) IN (SELECT * FROM unnest($2::uuid[], $3::text[]))
    """,
    f"""
    DELETE FROM agent_sessions_sessionfacet WHERE project_id = $1 AND session_id = ANY($2::uuid[])
        AND facet = '{Facet.TAG.value}'
        AND (session_id, value) IN (SELECT * FROM unnest($2::uuid[], $3::text[]))
    """,  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Tagged:
    """What one act changed."""

    # Its number in the trail, by which it can be undone; None where nothing changed.
    entry: int | None
    added: Pairs
    removed: Pairs
    # Asked to be removed, but sent by the application.
    kept: Pairs
    # Sessions that are not there (any more).
    missing: int

    @property
    def sessions(self) -> int:
        """The number of sessions that changed."""
        return len({session_id for session_id, _ in self.added | self.removed})


@transaction.atomic
def tag_sessions(
    project: Project,
    session_ids: Collection[UUID],
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    actor: Actor,
) -> Tagged:
    """Give sessions tags and take tags from them; asking for what is so already changes nothing.

    The number of statements does not depend on the number of sessions.
    """
    to_add, to_remove = read_tags(add, "add"), read_tags(remove, "remove")
    if both := sorted(to_add & to_remove):
        raise InvalidError(f"{both[0]!r} is to be added and removed at once.", "remove")
    if not 1 <= len(session_ids) <= MOST_SESSIONS:
        raise InvalidError(f"Name 1 to {MOST_SESSIONS} sessions at once.", "session")
    added = {(session_id, tag) for session_id in session_ids for tag in to_add}
    removed = {(session_id, tag) for session_id in session_ids for tag in to_remove}
    return _change(project, added, removed, actor)


@transaction.atomic
def undo_tagging(project: Project, entry_id: int, *, actor: Actor) -> Tagged:
    """Take back what an act of the same actor changed, as far as it still stands."""
    entry = trail.recent_act(project.pk, entry_id, act=ACT, actor=actor, within=UNDO_WITHIN)
    if entry is None:
        raise ConflictError("This can no longer be undone.")
    added, removed = (_pairs(entry.detail[name], entry.object_ids) for name in ("added", "removed"))
    return _change(project, removed, added, actor, {"undoes": entry.pk})


def read_tags(tags: Iterable[str], path: str) -> set[str]:
    """Return the tags as they are kept: white space made one space; refuse what is no tag."""
    clean = {" ".join(tag.split()) for tag in tags}
    if len(clean) > MOST_AT_ONCE:
        raise InvalidError(f"At most {MOST_AT_ONCE} tags at once.", path)
    for tag in clean:
        if not 1 <= len(tag) <= LONGEST_TAG or not tag.isprintable():
            message = f"A tag has 1 to {LONGEST_TAG} characters, none of them invisible."
            raise InvalidError(message, path)
    return clean


def _change(
    project: Project,
    add: Pairs,
    remove: Pairs,
    actor: Actor,
    reason: Mapping[str, Json] | None = None,
) -> Tagged:
    wanted = {session_id for session_id, _ in add | remove}
    sessions = _locked(project, wanted)
    held, given = _held(project, sessions), _given(project, sessions)
    added = {pair for pair in add if pair[0] in sessions} - held
    removed = remove & given
    _check_number((held | added) - removed, {session_id for session_id, _ in added})
    _write(project, sessions, added, removed, actor)
    entry = _audit(project, added, removed, actor, reason or {}) if added or removed else None
    missing = len(wanted) - len(sessions)
    return Tagged(entry, added, removed, kept=(remove & held) - given, missing=missing)


def _locked(project: Project, session_ids: Collection[UUID]) -> dict[UUID, Session]:
    # In the order of ids, as every writer locks sessions, so that none waits for another's.
    rows = project.sessions.select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk__in=session_ids, is_listed=True).order_by("pk")
    return {session.pk: session for session in found.only("project_id", "sort_started")}


def _held(project: Project, session_ids: Collection[UUID]) -> Pairs:
    rows = project.session_facets.filter(session_id__in=session_ids, facet=Facet.TAG)
    return set(rows.values_list("session_id", "value"))


def _given(project: Project, session_ids: Collection[UUID]) -> Pairs:
    rows = project.session_tags.filter(session_id__in=session_ids)
    return set(rows.values_list("session_id", "tag"))


def _check_number(pairs: Pairs, growing: set[UUID]) -> None:
    counts = Counter(session_id for session_id, _ in pairs if session_id in growing)
    too_many = [session_id for session_id, count in counts.items() if count > MOST_TAGS]
    if too_many:
        where = f"{len(too_many)} of the sessions would have more"
        raise InvalidError(f"A session holds at most {MOST_TAGS} tags; {where}.", "add")


def _write(
    project: Project,
    sessions: Mapping[UUID, Session],
    added: Pairs,
    removed: Pairs,
    actor: Actor,
) -> None:
    by = actor.label or actor.kind
    project.session_tags.bulk_create(
        SessionTag(project=project, session_id=session_id, tag=tag, given_by=by)
        for session_id, tag in sorted(added)
    )
    project.session_facets.bulk_create(
        SessionFacet(
            project=project,
            session_id=session_id,
            facet=Facet.TAG,
            value=tag,
            started_at=sessions[session_id].sort_started,
        )
        for session_id, tag in sorted(added)
    )
    ids = array("uuid", [session_id.bytes for session_id, _ in removed])
    tags = array("text", [tag for _, tag in removed])
    for statement in DROP if removed else ():
        sql.run(statement, project.pk, ids, tags)


def _audit(
    project: Project, added: Pairs, removed: Pairs, actor: Actor, reason: Mapping[str, Json]
) -> int:
    """Write which sessions got and lost which tags: sessions by their places in the entry."""
    changed = sorted({session_id for session_id, _ in added | removed})
    place = {session_id: at for at, session_id in enumerate(changed)}
    detail = {"added": _places(added, place), "removed": _places(removed, place), **reason}
    entry = audit.record(
        actor,
        ACT,
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(session_id) for session_id in changed],
        detail=detail,
    )
    return entry.pk


def _places(pairs: Pairs, place: Mapping[UUID, int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for session_id, tag in sorted(pairs):
        found[tag].append(place[session_id])
    return found


def _pairs(places: Mapping[str, Sequence[int]], session_ids: Sequence[str]) -> Pairs:
    return {(UUID(session_ids[at]), tag) for tag, found in places.items() for at in found}


def tags_of(session: Session) -> list[dict[str, Json]]:
    """Return the session's tags, and who gave each; None where the application sent it."""
    facets = session.project.session_facets.filter(session_id=session.pk, facet=Facet.TAG)
    rows = session.project.session_tags.filter(session_id=session.pk)
    given = {row.tag: row for row in rows}
    names = facets.order_by("value").values_list("value", flat=True)
    return [_told(name, given.get(name)) for name in names]


def _told(name: str, row: SessionTag | None) -> dict[str, Json]:
    return {
        "tag": name,
        "given_by": row.given_by if row else None,
        "given_at": row.given_at if row else None,
    }
