"""Search over everything that was said: which sessions, which steps, which words.

The database finds chunks by terms without reading them; what it found is opened here, for
the step and the place, and because two words may share a term. All words of a search must
occur in the session, a phrase in one text. The work of a request is bounded; where it ends
before the page is full, the answer says so and the next page goes on.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q
from django.db.models.expressions import RawSQL

from apps.core.paging import Page
from apps.sessions import reader, sql
from apps.sessions.arrays import array
from apps.sessions.chunks import BODIES
from apps.sessions.content import unpack
from apps.sessions.filters import SessionFilters
from apps.sessions.keys import SessionCipher, project_keys
from apps.sessions.models import Session
from apps.sessions.queries import AFTER, BEFORE, Place, cursor_of, matching, place_of, read_place
from apps.sessions.search_places import Place as TextPlace
from apps.sessions.search_places import Segment, by_inner, excerpt, path_to, places_in
from apps.sessions.search_places import field as field_name
from apps.sessions.search_query import Item, SearchQuery, read_query
from apps.sessions.terms import terms_for
from apps.tenants.models import Project

# What one request looks into at most: sessions, and bytes of opened content.
MOST_SESSIONS = 200
BATCH = 50
MOST_OPENED = 32 * 1024 * 1024
# Hits that are shown of a session.
MOST_HITS = 3
# Contents with an item that are traced to their steps before the best are chosen.
MOST_PLACES = 12

WITH_TERMS = "SELECT agent_sessions_with_terms(%s, %s::int[])"
CHUNKS = """
SELECT uuid_send(session), number FROM agent_sessions_chunks_with_terms($1, $2, $3::int[])
"""
STEPS = """
SELECT uuid_send(id), input_digest, output_digest, extra_digest FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2 AND (input_digest = ANY($3::bytea[])
    OR output_digest = ANY($3::bytea[]) OR extra_digest = ANY($3::bytea[]))
ORDER BY order_at, position, id LIMIT 50
"""
SEQS = """
SELECT uuid_send(r.session_id), uuid_send(r.id), n.seq
FROM unnest($2::uuid[], $3::uuid[]) AS r(session_id, id)
CROSS JOIN LATERAL (
    SELECT count(*) AS seq FROM agent_sessions_event e, agent_sessions_event at
    WHERE at.project_id = $1 AND at.session_id = r.session_id AND at.id = r.id
        AND e.project_id = $1 AND e.session_id = r.session_id
        AND (e.order_at, e.position, e.id) <= (at.order_at, at.position, at.id)
    OFFSET 0
) n
"""


@dataclass(frozen=True)
class Hit:
    """A step that holds what was searched for, and where."""

    event: str
    seq: int
    field: str
    excerpt: list[Segment]


class Spot(NamedTuple):
    """A hit whose step is known by its id alone."""

    event: bytes
    field: str
    excerpt: list[Segment]


@dataclass(frozen=True)
class Found:
    """A page of sessions with their hits."""

    page: Page[Session]
    hits: Mapping[uuid.UUID, list[Hit]]
    # False: the request had done its share before the page was full.
    is_complete: bool = True


def find(project: Project, filters: SessionFilters, *, cursor: str | None, limit: int) -> Found:
    """Return the sessions that hold all of ``filters.q``, in the order asked for."""
    query = read_query(filters.q)
    place = read_place(cursor, filters.sort) if cursor else None
    return Search(project, filters, query).page(place, limit)


class Search:
    """One request: candidates of the database are looked into until the page is full."""

    def __init__(self, project: Project, filters: SessionFilters, query: SearchQuery) -> None:
        self.project = project
        self.filters = filters
        self.items = query.items
        terms = terms_for(project_keys(project.pk))
        self.terms = [sorted(terms.of_words(item.words)) for item in query.items]
        self.opened = 0
        self.checked = 0
        self.is_cut = False
        self.spots: dict[uuid.UUID, list[Spot]] = {}

    def page(self, place: Place | None, limit: int) -> Found:
        rows: list[Session] = []
        last: Session | None = None
        goes_back = place is not None and place.side == BEFORE
        side = BEFORE if goes_back else AFTER
        for session, has_more in self._candidates(place, side):
            last = session
            if self._look_into(session):
                rows.append(session)
            if has_more and (len(rows) == limit or self._has_done_its_share()):
                break
        else:
            has_more = False
        is_complete = not self.is_cut and (len(rows) == limit or not has_more)
        ends = self._cursors(rows, last if has_more else None, place, side)
        ordered = rows[::-1] if goes_back else rows
        return Found(Page(ordered, *ends), self._hits(), is_complete)

    def _cursors(
        self, rows: Sequence[Session], last: Session | None, place: Place | None, side: str
    ) -> tuple[str | None, str | None]:
        """Return the cursors of the next and the previous page; ``last`` was looked into last."""
        sort = self.filters.sort
        onward = cursor_of(last, sort, side) if last else None
        if place is None:
            return onward, None
        other = BEFORE if side == AFTER else AFTER
        back = cursor_of(rows[0], sort, other) if rows else None
        return (back, onward) if side == BEFORE else (onward, back)

    def _hits(self) -> dict[uuid.UUID, list[Hit]]:
        """Return the hits of all sessions, with the numbers of their steps read at once."""
        pairs = [
            (session.bytes, spot.event) for session in self.spots for spot in self.spots[session]
        ]
        sessions, events = [session for session, _ in pairs], [event for _, event in pairs]
        arrays = array("uuid", sessions), array("uuid", events)
        rows = sql.rows(SEQS, self.project.pk, *arrays) if pairs else []
        seqs = {(session, event): seq for session, event, seq in rows}
        return {
            session: [
                Hit(spot.event.hex(), seqs[session.bytes, spot.event], spot.field, spot.excerpt)
                for spot in spots
            ]
            for session, spots in self.spots.items()
        }

    def _has_done_its_share(self) -> bool:
        return self.checked >= MOST_SESSIONS or self.opened >= MOST_OPENED

    def _candidates(self, place: Place | None, side: str) -> Iterator[tuple[Session, bool]]:
        """Yield sessions whose terms match, and whether there are more of them."""
        has_more, descends = True, self.filters.sort.startswith("-") != (side == BEFORE)
        while has_more:
            found = matching(
                self.project, self.filters, place, BATCH, descends=descends, also=self._condition()
            )
            batch, has_more = found[:BATCH], len(found) > BATCH
            self._prepare(batch)
            for at, session in enumerate(batch):
                yield session, has_more or at + 1 < len(batch)
            if has_more:
                place = place_of(batch[-1], self.filters.sort, side)

    def _condition(self) -> Q:
        texts = " INTERSECT ".join([WITH_TERMS] * len(self.terms))
        values = [value for terms in self.terms for value in (self.project.pk, terms)]
        return Q(pk__in=RawSQL(texts, values))  # noqa: S611

    def _prepare(self, batch: Sequence[Session]) -> None:
        """Read which chunks of the sessions hold which items, and what opens them."""
        self._numbers = self._chunks_of(batch)
        self._ciphers = reader.ciphers(batch)

    def _chunks_of(self, batch: Sequence[Session]) -> Mapping[bytes, Mapping[int, list[int]]]:
        ids = array("uuid", [session.pk.bytes for session in batch])
        found: dict[bytes, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for at, terms in enumerate(self.terms):
            text = f"{{{','.join(map(str, terms))}}}"
            for session, number in sql.rows(CHUNKS, self.project.pk, ids, text):
                found[session][number].append(at)
        return found

    def _look_into(self, session: Session) -> bool:
        self.checked += 1
        cipher = self._ciphers.get(session.pk)
        if cipher is None:
            return False
        look = Look(session, cipher, self.items)
        spots = look.spots(self._numbers[session.pk.bytes])
        if look.is_stale:
            look = Look(session, cipher, self.items)
            spots = look.spots(self._chunks_of([session])[session.pk.bytes])
        self.opened += look.opened
        self.is_cut |= look.is_cut and not spots
        if spots:
            self.spots[session.pk] = spots
        return bool(spots)


class Look:
    """A look into one session: its opened chunks, and what of them the items are in."""

    def __init__(self, session: Session, cipher: SessionCipher, items: Sequence[Item]) -> None:
        self.session = session
        self.cipher = cipher
        self.items = items
        self.opened = 0
        # True where the session holds more than one request may open.
        self.is_cut = False
        # True where compaction has merged a chunk since it was found.
        self.is_stale = False
        self._chunks: dict[int, dict[bytes, bytes]] = {}
        self._outer: dict[int, dict[bytes, list[bytes]]] = {}

    def spots(self, numbers: Mapping[int, Sequence[int]]) -> list[Spot]:
        """Return the best spots, at most one a step; none unless all items occur."""
        found: dict[bytes, tuple[int, str, TextPlace]] = {}
        for at in range(len(self.items)):
            # A chunk that holds more of the items tells more when it is opened.
            chunks = sorted(
                (number for number, held in numbers.items() if at in held),
                key=lambda number: (-len(numbers[number]), number),
            )
            steps = self._steps_with(self.items[at], chunks)
            if not steps:
                return []
            for event, (name, place) in steps.items():
                count = found[event][0] if event in found else 0
                first = found[event][1:] if event in found else (name, place)
                found[event] = (count + 1, *first)
        best = sorted(found.items(), key=lambda pair: -pair[1][0])[:MOST_HITS]
        return [Spot(event, name, excerpt(place, self.items)) for event, (_, name, place) in best]

    def _steps_with(self, item: Item, chunks: Sequence[int]) -> dict[bytes, tuple[str, TextPlace]]:
        for number in chunks:
            if self.opened >= MOST_OPENED:
                self.is_cut = True
                break
            contents = self._contents(number)
            places: dict[bytes, TextPlace] = {}
            for digest, content in contents.items():
                place = next(places_in(content, item), None)
                if place is not None:
                    places[digest] = place
                if len(places) == MOST_PLACES:
                    break
            steps = self._steps_of(number, places) if places else {}
            if steps:
                return steps
        return {}

    def _steps_of(
        self, number: int, places: Mapping[bytes, TextPlace]
    ) -> dict[bytes, tuple[str, TextPlace]]:
        """Return the steps whose content the places are in, first in replay order first."""
        outer = self._outer_of(number)
        by_skeleton: dict[bytes, bytes] = {}
        for digest in places:
            for skeleton in (digest, *outer.get(digest, ())):
                by_skeleton.setdefault(skeleton, digest)
        steps: dict[bytes, tuple[str, TextPlace]] = {}
        keys = (self.session.project_id, self.session.pk, array("bytea", list(by_skeleton)))
        for event, *digests in sql.rows(STEPS, *keys):
            for name, skeleton in zip(("input", "output", "extra"), digests, strict=True):
                if skeleton in by_skeleton and event not in steps:
                    digest = by_skeleton[skeleton]
                    path = self._path(number, skeleton, digest) + places[digest].path
                    steps[event] = field_name(name, path), places[digest]
        return steps

    def _path(self, number: int, skeleton: bytes, digest: bytes) -> tuple[str, ...]:
        if skeleton == digest:
            return ()
        return path_to(self._contents(number)[skeleton], digest) or ()

    def _contents(self, number: int) -> dict[bytes, bytes]:
        if number not in self._chunks:
            ids, numbers = array("uuid", [self.session.pk.bytes]), array("bigint", [number])
            rows = sql.rows(BODIES, self.session.project_id, ids, numbers)
            self.is_stale |= not rows
            self._chunks[number] = {}
            for _, _, codec, digests, body in rows:
                self._chunks[number] = unpack(self.cipher, number, codec, digests, body)
            self.opened += sum(map(len, self._chunks[number].values()))
        return self._chunks[number]

    def _outer_of(self, number: int) -> dict[bytes, list[bytes]]:
        if number not in self._outer:
            self._outer[number] = by_inner(self._contents(number))
        return self._outer[number]
