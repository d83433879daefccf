"""Finding words inside one session: every place in which they stand, in the order of its steps.

The database names the chunks whose words match without reading them. They are opened one
after the other, and what stands in them is traced to the first step that said it: what is
sent again with each later call is not a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from apps.core.errors import InvalidError
from apps.core.paging import decode_cursor, encode_cursor
from apps.sessions import reader, sql
from apps.sessions.arrays import array
from apps.sessions.chunks import BODIES
from apps.sessions.content import unpack
from apps.sessions.keys import SessionCipher, project_keys
from apps.sessions.layout import Layout, Place
from apps.sessions.models import Session
from apps.sessions.search import CHUNKS, MOST_OPENED
from apps.sessions.search_places import Place as TextPlace
from apps.sessions.search_places import Segment, by_inner, excerpt, path_to, places_in
from apps.sessions.search_places import field as field_name
from apps.sessions.search_query import Item, SearchQuery, read_query
from apps.sessions.terms import terms_for

Json = Any

LONGEST = 500
# Places that one answer names (a page has room for few elements), and those of one chunk that
# are looked at.
MOST_PLACES = 60
MOST_OF_A_CHUNK = 5_000
# Places that one content may have: a list of ten thousand equal words tells nothing more.
MOST_OF_A_CONTENT = 50

STEPS = """
SELECT uuid_send(id), input_digest, output_digest, extra_digest FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2 AND (input_digest = ANY($3::bytea[])
    OR output_digest = ANY($3::bytea[]) OR extra_digest = ANY($3::bytea[]))
"""

# Which tab of the panel shows a field.
TABS = {
    "state": "state",
    "state_patch": "state",
    "code_change": "changes",
    "metadata": "raw",
    "consent": "raw",
    "replay": "raw",
    "tags": "raw",
    "user": "raw",
    "raw": "raw",
}


class Spot(NamedTuple):
    """A place in the session: where in replay order, and which field of the step."""

    at: int
    field: str
    place: TextPlace


@dataclass(frozen=True)
class Hit:
    """A place as a page shows it."""

    step: Place
    field: str
    excerpt: Sequence[Segment]

    @property
    def section(self) -> str:
        """The part of the panel that shows the place."""
        head = self.field.split(".")[0]
        return "extra" if head == "raw" else head

    @property
    def tab(self) -> str:
        return TABS.get(self.field.split(".")[0], "io")


@dataclass
class Hits:
    """The places that were found, and where to go on where these are not all."""

    hits: list[Hit] = field(default_factory=list)
    next: str | None = None
    # Opened chunks, of those whose words match.
    opened: int = 0
    chunks: int = 0


def read_find(text: str | None) -> SearchQuery | None:
    """Return what ``find`` asks for, None where it is empty; raises InvalidError."""
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST:
        raise InvalidError(f"find may have {LONGEST} characters.", "find")
    try:
        return read_query(text)
    except InvalidError as error:
        raise InvalidError(str(error).replace("q ", "find ", 1), "find") from error


def find_inside(
    session: Session, layout: Layout, query: SearchQuery, cursor: str | None = None
) -> Hits:
    """Return the places of one text that hold all words of a query, some hundred at once."""
    first, skip = _read_cursor(cursor)
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        return Hits()
    numbers = [number for number in _chunks(session, query) if number >= first]
    return Finder(session, layout, query, cipher).find(numbers, skip)


def _read_cursor(cursor: str | None) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    number, skip = decode_cursor(cursor, 2)
    if not (isinstance(number, int) and isinstance(skip, int) and min(number, skip) >= 0):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return number, skip


def _chunks(session: Session, query: SearchQuery) -> list[int]:
    """Return the chunks that may hold all words, in the order of their arrival."""
    made = terms_for(project_keys(session.project_id))
    terms = sorted({term for item in query.items for term in made.of_words(item.words)})
    ids, text = array("uuid", [session.pk.bytes]), f"{{{','.join(map(str, terms))}}}"
    return sorted(number for _, number in sql.rows(CHUNKS, session.project_id, ids, text))


@dataclass
class Finder:
    """One look through a session."""

    session: Session
    layout: Layout
    query: SearchQuery
    cipher: SessionCipher
    opened_bytes: int = 0
    # A content that arrived twice may lie in two chunks.
    told: set[tuple[int, str]] = field(default_factory=set)

    def find(self, numbers: Sequence[int], skip: int) -> Hits:
        hits = Hits(chunks=len(numbers))
        for number in numbers:
            if self.opened_bytes >= MOST_OPENED:
                hits.next = encode_cursor(number, 0)
                break
            spots = sorted(self._new(self._open(number)), key=lambda spot: spot.at)[skip:]
            room = MOST_PLACES - len(hits.hits)
            hits.hits += [self._hit(spot) for spot in spots[:room]]
            hits.opened += 1
            if len(spots) > room:
                hits.next = encode_cursor(number, skip + room)
                break
            skip = 0
        hits.hits.sort(key=lambda hit: hit.step.seq)
        return hits

    def _open(self, number: int) -> Mapping[bytes, bytes]:
        ids, numbers = array("uuid", [self.session.pk.bytes]), array("bigint", [number])
        contents: dict[bytes, bytes] = {}
        for _, _, codec, digests, body in sql.rows(BODIES, self.session.project_id, ids, numbers):
            contents = unpack(self.cipher, number, codec, digests, body)
        self.opened_bytes += sum(map(len, contents.values()))
        return contents

    def _new(self, contents: Mapping[bytes, bytes]) -> Iterator[Spot]:
        for spot in self._spots(contents):
            key = spot.at, spot.field
            if key not in self.told:
                self.told.add(key)
                yield spot

    def _hit(self, spot: Spot) -> Hit:
        return Hit(self.layout.place(spot.at), spot.field, excerpt(spot.place, self.query.items))

    def _spots(self, contents: Mapping[bytes, bytes]) -> Iterator[Spot]:
        """Yield the places of a chunk, each at the first step that said it."""
        found = dict(self._places(contents))
        if not found:
            return
        outer = by_inner(contents)
        skeletons = {skeleton for digest in found for skeleton in (digest, *outer.get(digest, ()))}
        steps = self._steps_of(skeletons)
        for digest, places in found.items():
            around = [one for one in (digest, *outer.get(digest, ())) if one in steps]
            if not around:
                continue
            skeleton = min(around, key=lambda one: steps[one][0])
            at, name = steps[skeleton]
            inner = () if skeleton == digest else path_to(contents[skeleton], digest) or ()
            for place in places:
                named = field_name(name, (*inner, *place.path))
                # Ids by which a client named other steps were said by nobody.
                if not named.startswith("inputs."):
                    yield Spot(at, named, place)

    def _places(self, contents: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, list[TextPlace]]]:
        left = MOST_OF_A_CHUNK
        for digest, content in contents.items():
            places = list(_all_in(content, self.query.items))[: min(left, MOST_OF_A_CONTENT)]
            left -= len(places)
            if places:
                yield digest, places
            if left <= 0:
                return

    def _steps_of(self, skeletons: set[bytes]) -> dict[bytes, tuple[int, str]]:
        """Return the first step that each of these bodies belongs to, and as what."""
        keys = (self.session.project_id, self.session.pk, array("bytea", sorted(skeletons)))
        first: dict[bytes, tuple[int, str]] = {}
        for event, *digests in sql.rows(STEPS, *keys):
            at = self.layout.find(event.hex())
            if at is None:
                continue
            for name, digest in zip(("input", "output", "extra"), digests, strict=True):
                if digest in skeletons and (digest not in first or at < first[digest][0]):
                    first[digest] = at, name
        return first


def _all_in(content: bytes, items: Sequence[Item]) -> Iterator[TextPlace]:
    """Yield the texts that hold all items, each where the first of them stands."""
    rest = [{place.path for place in places_in(content, item)} for item in items[1:]]
    for place in places_in(content, items[0]):
        if all(place.path in paths for paths in rest):
            yield place
