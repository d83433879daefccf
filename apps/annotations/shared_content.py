"""What the pages behind a share link show: a window of the record, and only what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404

from apps.annotations.share_models import ShareLink
from apps.audit.actors import Actor
from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.sessions import player, reader
from apps.sessions.filters import refuse_unknown
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.places import find_step
from apps.sessions.transcript import tell

Json = Any

VIEWS = ("transcript", "steps")
# Steps on one page of the list.
ROWS = 100
KNOWN = frozenset({"view", "step", "at"})


def session_context(link: ShareLink, query: Mapping[str, str], *, actor: Actor) -> dict[str, Json]:
    """Return a page of the transcript or of the steps."""
    refuse_unknown(query, KNOWN)
    view = query.get("view", VIEWS[0])
    if view not in VIEWS:
        raise InvalidError(f"view must be one of {', '.join(VIEWS)}.", "view")
    head, layout = _opened(link, actor)
    context = _frame(link) | {"view": view, "views": VIEWS, "title": head.title}
    if not len(layout):
        return context | {"count": 0}
    at = find_step(layout, query.get("step", ""), query.get("at", ""))
    context |= {"at": player.playhead_at(layout, at), "count": len(layout)}
    if view == "steps":
        return context | _rows(layout, at)
    return context | _turns(link.session, layout, at, head)


def step_context(link: ShareLink, event_id: str, *, actor: Actor) -> dict[str, Json]:
    """Return one step; a link to a step has that one only."""
    own = link.event_id.hex if link.event_id else ""
    if own and event_id not in ("", own):
        raise Http404("This link shows one step, and not this one.")
    head, layout = _opened(link, actor)
    at = find_step(layout, own or event_id, "")
    read = reader.read_at(link.session, layout, [at], content=True, cipher=head.cipher)
    [(step, event)] = read
    context = _frame(link) | {"step": step, "turn": tell([], [event])[0], "event": event}
    return context | ({} if own else {"at": player.playhead_at(layout, at)})


def _opened(link: ShareLink, actor: Actor) -> tuple[reader.Head, Layout]:
    """Read where everything stands, and write down that it was read."""
    session = link.session
    record_reading(
        actor,
        organization_id=link.project.organization_id,
        project_id=link.project_id,
        session_ids=[str(session.pk)],
    )
    return reader.head(session), layout_of(session)


def _frame(link: ShareLink) -> dict[str, Json]:
    return {"link": link, "session": link.session}


def _rows(layout: Layout, at: int) -> dict[str, Json]:
    """Return the window of steps, in the order of the tree, that holds the one asked for."""
    start = layout.positions[at] - layout.positions[at] % ROWS
    end = start + ROWS
    return {
        "rows": [layout.place(index) for index in layout.order[start:end]],
        "earlier": layout.id(layout.order[start - ROWS]) if start else None,
        "later": layout.id(layout.order[end]) if end < len(layout) else None,
    }


def _turns(session: Session, layout: Layout, at: int, head: reader.Head) -> dict[str, Json]:
    window, before = player.transcript_window(layout, at)
    indexes = [*before, *window]
    read = reader.read_at(session, layout, indexes, content=True, cipher=head.cipher)
    events = [event for _, event in read]
    return {
        "turns": tell(events[: len(before)], events[len(before) :]),
        "earlier": layout.id(window[0] - 1) if window[0] else None,
        "later": layout.id(window[-1] + 1) if window[-1] + 1 < len(layout) else None,
    }
