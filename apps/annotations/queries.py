"""What was said about a session, opened for whoever may read its content."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.models import User
from apps.annotations import sealing
from apps.annotations.mentions import told_mentions
from apps.annotations.models import Comment, Score
from apps.annotations.places import Range, is_there
from apps.annotations.steps import read_events
from apps.core.markdown import render_markdown
from apps.core.paging import Page, decode_position, encode_cursor
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session

Json = Any
# Scores that the head of a session tells.
MOST_TOLD = 6


@dataclass
class Said:
    """One comment, as it is shown."""

    row: Comment
    # As its writer edits it; empty once deleted.
    text: str
    people: Mapping[int, User]
    chosen: Range | None
    # The step's number, where it is in the session.
    seq: int | None = None
    # Whether the range still holds what was chosen; None where there is no range.
    is_there: bool | None = None
    replies: list[Said] = field(default_factory=list)
    # Whether who looks at it wrote it, and whether they may delete it.
    is_own: bool = False
    may_delete: bool = False

    @property
    def html(self) -> SafeString:
        """Return the comment's markup, with people by the names that they have now."""
        return show_mentions(render_markdown(self.text), self.people)

    @property
    def source(self) -> str:
        return told_mentions(self.text, self.people)

    @property
    def edit_id(self) -> str:
        """What names the field in which it is edited, apart from that of an answer."""
        return f"edit-{self.row.pk}"

    @property
    def event(self) -> str | None:
        return self.row.event_id.hex if self.row.event_id else None


def show_mentions(html: SafeString, people: Mapping[int, User]) -> SafeString:
    """Put names for the ids of people; the markup is escaped already, so are they."""
    shown = html
    for pk, person in people.items():
        name = format_html('<span class="mention">@<bdi>{}</bdi></span>', str(person))
        shown = mark_safe(shown.replace(f"&lt;@{pk}&gt;", name))  # noqa: S308
    return shown


def comments_page(
    session: Session, *, event: UUID | None, cursor: str | None, limit: int
) -> Page[Said]:
    """Return comments in the order in which they were written, replies among them."""
    rows = _rows(session)
    if event is not None:
        rows = rows.filter(event_id=event)
    if cursor is not None:
        rows = rows.filter(pk__gt=decode_position(cursor))
    found = list(rows[: limit + 1])
    more = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
    return Page(opened(session, found[:limit]), next=more)


def threads_page(
    session: Session, *, event: UUID | None, cursor: str | None, limit: int
) -> Page[Said]:
    """Return threads with their replies, the oldest first."""
    rows = _rows(session)
    if event is not None:
        rows = rows.filter(event_id=event)
    first = rows.filter(thread=None)
    if cursor is not None:
        first = first.filter(pk__gt=decode_position(cursor))
    found = list(first[: limit + 1])
    more = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
    replies = list(rows.filter(thread__in=found[:limit]))
    by_id = {said.row.pk: said for said in opened(session, [*found[:limit], *replies])}
    for reply in replies:
        by_id[reply.thread_id].replies.append(by_id[reply.pk])
    return Page([by_id[row.pk] for row in found[:limit]], next=more)


def one_comment(session: Session, comment_id: int) -> Said | None:
    found = list(_rows(session).filter(pk=comment_id))
    return opened(session, found)[0] if found else None


def _rows(session: Session) -> QuerySet[Comment, Any]:
    people = Prefetch("mentions", session.project.comment_mentions.select_related("person"))
    rows = session.project.comments.filter(session=session).order_by("pk")
    return rows.prefetch_related(people).annotate(edit_count=Count("edits"))


def opened(session: Session, rows: Sequence[Comment]) -> list[Said]:
    """Open comments of one session, and look whether the text that they are on is still there."""
    cipher = reader.ciphers([session]).get(session.pk) if rows else None
    if cipher is None:
        return []
    found = [_opened(row, cipher) for row in rows]
    wanted = {said.row.event_id for said in found if said.row.event_id}
    ranged = {said.row.event_id for said in found if said.chosen and said.row.event_id}
    events = read_events(session, ranged) if ranged else {}
    places = _numbers(session, wanted)
    for said in found:
        said.seq = places.get(said.row.event_id)
        if said.chosen is not None and said.row.event_id is not None:
            _, event = events.get(said.row.event_id, (0, {}))
            said.is_there = is_there(event, said.chosen)
    return found


def _opened(row: Comment, cipher: SessionCipher) -> Said:
    text = (
        ""
        if row.sealed_text is None
        else sealing.open_text(cipher, row.sealed_text, sealing.COMMENT)
    )
    chosen = None
    if row.sealed_range is not None:
        chosen = Range(**orjson.loads(cipher.open(bytes(row.sealed_range), sealing.RANGE)))
    people = {mention.person_id: mention.person for mention in row.mentions.all()}
    return Said(row, text, people, chosen)


def _numbers(session: Session, events: Iterable[UUID]) -> dict[UUID | None, int]:
    wanted = list(events)
    if not wanted:
        return {}
    layout = layout_of(session)
    found = {event: layout.find(event.hex) for event in wanted}
    return {event: at + 1 for event, at in found.items() if at is not None}


def ranges_of(session: Session, event: UUID) -> list[dict[str, Json]]:
    """Return the ranges of a step's texts that are commented on and still there."""
    rows = session.project.comments.filter(
        session=session, event_id=event, thread=None, deleted_at=None, sealed_range__isnull=False
    )
    rows = rows.annotate(edit_count=Count("edits")).prefetch_related("mentions__person")
    return [
        {
            "id": said.row.pk,
            "place": said.chosen.place,
            "start": said.chosen.start,
            "end": said.chosen.end,
            "is_resolved": said.row.resolved_at is not None,
        }
        for said in opened(session, list(rows.order_by("pk")))
        if said.chosen and said.is_there
    ]


def earlier_texts(session: Session, comment: Comment) -> list[tuple[datetime, SafeString]]:
    """Return what a comment said before it was edited, the oldest first."""
    cipher = sealing.cipher_of(session)
    people = {mention.person_id: mention.person for mention in comment.mentions.all()}
    return [
        (
            edit.said_at,
            show_mentions(
                render_markdown(sealing.open_text(cipher, edit.sealed_text, sealing.COMMENT)),
                people,
            ),
        )
        for edit in comment.edits.all()
    ]


@dataclass
class Given:
    """A score, with its words where they may be read."""

    row: Score
    comment: str | None
    # Whether who looks at it gave it.
    is_own: bool = False

    @property
    def shown(self) -> str:
        """The value as people write it."""
        value = self.row.value
        if isinstance(value, bool):
            return "yes" if value else "no"
        return value if isinstance(value, str) else f"{value:g}"


def scores_of(
    session: Session,
    *,
    event: UUID | None = None,
    whole: bool = False,
    after: UUID | None = None,
    content: bool,
    limit: int = 500,
) -> list[Given]:
    """Return scores, the newest first: of a step, of the session as a whole, or all."""
    rows = session.project.scores.filter(session=session).order_by("-pk")
    if event is not None or whole:
        rows = rows.filter(event_id=event)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return given(session, list(rows[:limit]), content=content)


def given(session: Session, rows: Sequence[Score], *, content: bool) -> list[Given]:
    needs_key = content and any(row.sealed_comment is not None for row in rows)
    cipher = reader.ciphers([session]).get(session.pk) if needs_key else None
    return [Given(row, _why(row, cipher)) for row in rows]


def _why(row: Score, cipher: SessionCipher | None) -> str | None:
    if row.sealed_comment is None or cipher is None:
        return None
    return sealing.open_text(cipher, row.sealed_comment, sealing.WHY)


def marks_of(session: Session) -> dict[str, Json]:
    """Return which steps something hangs on, by their ids: for the overview and the rows.

    Numbers and tags alone: what was said is content.
    """
    rows = session.project.comments.filter(session=session, deleted_at=None)
    counted = rows.exclude(event_id=None).values_list("event_id").annotate(Count("pk"))
    comments = {event.hex: number for event, number in counted.order_by("event_id")}
    tags: defaultdict[str, list[str]] = defaultdict(list)
    tagged = session.project.event_tags.filter(session_id=session.pk)
    for event, tag in tagged.order_by("event_id", "tag").values_list("event_id", "tag"):
        tags[event.hex].append(tag)
    scored = session.project.scores.filter(session=session).exclude(event_id=None)
    scores = Counter(event.hex for event in scored.values_list("event_id", flat=True) if event)
    return {"comments": comments, "tags": tags, "scores": scores, "about": _is_told(session)}


def _is_told(session: Session) -> bool:
    """Tell whether anything is said about the session as a whole."""
    of_whole = {"session": session, "event_id": None}
    project = session.project
    return (
        project.examples.filter(session=session).exists()
        or project.scores.filter(**of_whole).exists()
        or project.comments.filter(**of_whole, deleted_at=None).exists()
    )


@dataclass(frozen=True)
class About:
    """What is said about a session as a whole."""

    scores: list[Given]
    # Threads on the session itself, and on it and all of its steps, that are not resolved.
    comments: int
    open_threads: int


def about(session: Session) -> About:
    rows = session.project.comments.filter(session=session, deleted_at=None)
    counts = rows.aggregate(
        comments=Count("pk"), open_threads=Count("pk", filter=Q(thread=None, resolved_at=None))
    )
    scores = scores_of(session, whole=True, content=False, limit=MOST_TOLD)
    return About(scores, **counts)
