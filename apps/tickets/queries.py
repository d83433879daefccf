"""Reading tickets: one by its number, a list with filters, the board, and their history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, F, Q, QuerySet, Value, Window
from django.db.models.functions import Coalesce, RowNumber
from django.db.models.lookups import Exact, GreaterThan
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.sessions.filters import refuse_unknown
from apps.tenants.models import Project
from apps.tickets.fields import LAST_DAY
from apps.tickets.models import Severity, Status, Ticket, TicketChange, TicketQuerySet
from apps.tickets.words import ciphers_of, open_changes

NEWEST, URGENT = "newest", "urgent"
SORTS = (NEWEST, URGENT)
UNFINISHED = "unfinished"
NOBODY, ME = "none", "me"
# Cards of a column of the board; the list has the others.
MOST_CARDS = 30
LARGEST_NUMBER = 2**31 - 1
# What is due on no day is due last.
DUE = Coalesce("due_on", Value(LAST_DAY, DateField()))


@dataclass(frozen=True)
class TicketFilters:
    """Filters as asked for; None or empty means not narrowed."""

    status: str = ""
    severity: Severity | None = None
    # An e-mail address, or one of the words above.
    assignee: str = ""
    session: UUID | None = None
    unclaimed: bool = False
    sort: str = NEWEST

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], *, also: frozenset[str] = frozenset()
    ) -> TicketFilters:
        """Read filters from a query string; ``also`` holds the view's own parameters."""
        names = {"status", "severity", "assignee", "session", "unclaimed", "sort"}
        refuse_unknown(query, frozenset(names) | also)
        severity, session = query.get("severity"), query.get("session")
        return cls(
            status=_one_of("status", query.get("status", ""), (*Status.values, UNFINISHED)),
            severity=read_severity(severity) if severity else None,
            assignee=_short("assignee", query.get("assignee", "")),
            session=_read_uuid("session", session) if session else None,
            unclaimed=_one_of("unclaimed", query.get("unclaimed", ""), ("true", "false")) == "true",
            sort=_one_of("sort", query.get("sort", ""), SORTS) or NEWEST,
        )

    @property
    def is_narrowed(self) -> bool:
        return self != TicketFilters(sort=self.sort)


def find_ticket(project: Project, number: int) -> Ticket:
    """Return a ticket by the number that people call it by."""
    rows = project.tickets.select_related("assignee", "author", "session")
    # A larger number is no number of this database.
    ticket = rows.filter(number=number).first() if number <= LARGEST_NUMBER else None
    if ticket is None:
        raise Http404(f"This project has no ticket {number}.")
    ticket.project = project
    return ticket


def filtered(project: Project, filters: TicketFilters, *, person_id: int | None) -> TicketQuerySet:
    """Return the tickets that match; ``person_id`` says who "me" is."""
    rows = project.tickets.select_related("assignee")
    if filters.unclaimed:
        rows = rows.unclaimed()
    if filters.status == UNFINISHED:
        rows = rows.unfinished()
    elif filters.status:
        rows = rows.filter(status=filters.status)
    if filters.severity:
        rows = rows.filter(severity=filters.severity)
    if filters.session:
        rows = rows.filter(session_id=filters.session)
    return rows.filter(_assigned(filters.assignee, person_id))


def _assigned(assignee: str, person_id: int | None) -> Q:
    if not assignee:
        return Q()
    if assignee == NOBODY:
        return Q(assignee=None)
    if assignee == ME:
        if person_id is None:
            raise InvalidError("A key is nobody, so nothing is assigned to it.", "assignee")
        return Q(assignee=person_id)
    return Q(assignee__email=assignee.lower())


def ticket_page(
    project: Project,
    filters: TicketFilters,
    *,
    person_id: int | None,
    cursor: str | None,
    limit: int,
) -> Page[Ticket]:
    """Return tickets: the newest first, or the most urgent."""
    rows = filtered(project, filters, person_id=person_id)
    by_urgency = filters.sort == URGENT
    rows = _urgent_from(rows, cursor) if by_urgency else _newest_from(rows, cursor)
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return Page(found)
    last = found[limit - 1]
    key = (-last.severity, _due(last), last.number) if by_urgency else (last.number,)
    return Page(found[:limit], next=encode_cursor(*key))


def _newest_from(rows: TicketQuerySet, cursor: str | None) -> TicketQuerySet:
    if cursor:
        rows = rows.filter(number__lt=min(decode_position(cursor), LARGEST_NUMBER))
    return rows.order_by("-number")


def _urgent_from(rows: TicketQuerySet, cursor: str | None) -> TicketQuerySet:
    if cursor:
        severity, due, number = _place(cursor)
        later = Q(GreaterThan(DUE, due)) | Q(Exact(DUE, due)) & Q(number__gt=number)
        rows = rows.filter(Q(severity__lt=severity) | Q(severity=severity) & later)
    return rows.order_by("-severity", DUE, "number")


def _place(cursor: str) -> tuple[int, date, int]:
    severity, due, number = decode_cursor(cursor, 3)
    try:
        place = -int(severity), date.fromisoformat(due), int(number)
    except (TypeError, ValueError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None
    if place[0] not in Severity.values or not 0 < place[2] <= LARGEST_NUMBER:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return place


def _due(ticket: Ticket) -> str:
    return (ticket.due_on or LAST_DAY).isoformat()


def cards(rows: TicketQuerySet) -> list[Ticket]:
    """Return the first tickets of each column: the most urgent, and of those done the latest."""
    urgency = Window(
        RowNumber(),
        partition_by="status",
        order_by=[
            F("severity").desc(),
            DUE,
            F("number").asc(),
        ],
    )
    first = rows.unfinished().annotate(place=urgency).filter(place__lte=MOST_CARDS)
    done = rows.filter(status=Status.DONE).order_by("-changed_at", "-number")
    return [*first.order_by("place"), *done[:MOST_CARDS]]


def counts(rows: TicketQuerySet) -> dict[str, int]:
    """Return how many tickets are in each status."""
    found = rows.order_by().values_list("status").annotate(number=Count("pk"))
    return dict.fromkeys(Status.values, 0) | dict(found)


@dataclass(frozen=True)
class StepName:
    """What a step is called where its session is not laid out."""

    kind: str
    name: str


def step_names(project: Project, tickets: Sequence[Ticket]) -> dict[tuple[UUID, UUID], StepName]:
    """Return what the steps of tickets are, from one query over narrow columns."""
    places = {(ticket.session_id, ticket.event_id) for ticket in tickets if ticket.event_id}
    if not places:
        return {}
    sessions, steps = zip(*places, strict=True)
    rows = project.events.filter(session_id__in=set(sessions), id__in=set(steps))
    columns = rows.values_list("session_id", "id", "kind", "name")
    return {(pk, step): StepName(kind, name or "") for pk, step, kind, name in columns}


def step_number(ticket: Ticket) -> int | None:
    """Return which step of its session the ticket is about: 1, 2, ... in replay order."""
    if ticket.event_id is None:
        return None
    steps = ticket.project.events.filter(session_id=ticket.session_id)
    place = steps.filter(id=ticket.event_id).values_list("order_at", "position", "id").first()
    if place is None:
        return None
    order_at, position, step = place
    same = Q(order_at=order_at)
    before = Q(order_at__lt=order_at) | same & Q(position__lt=position)
    return steps.filter(before | same & Q(position=position, id__lte=step)).count()


def others_of(ticket: Ticket) -> list[Ticket]:
    """Return other unfinished tickets about the same session."""
    others = ticket.project.tickets.filter(session_id=ticket.session_id).unfinished()
    return list(others.exclude(pk=ticket.pk).order_by("number")[:20])


def tickets_about(project: Project, session_ids: Collection[UUID]) -> list[Ticket]:
    """Return unfinished tickets about sessions, so that nobody opens the same twice."""
    rows = project.tickets.select_related("assignee").filter(session_id__in=session_ids)
    return list(rows.unfinished().order_by("number")[:20])


@dataclass(frozen=True)
class ToldChange:
    """One act of a ticket's history."""

    version: int
    changed_by: str
    changed_at: Any
    # {field: [before, after]}; None stands for words that the reader may not see.
    fields: Mapping[str, Sequence[str]]
    hides_words: bool


def history(ticket: Ticket, *, content: bool) -> list[ToldChange]:
    """Return what was changed, the latest first."""
    rows: QuerySet[TicketChange] = ticket.project.ticket_changes.filter(ticket=ticket)
    cipher = ciphers_of([ticket]).get(ticket.session_id) if content else None
    return [
        ToldChange(
            change.version,
            change.changed_by,
            change.changed_at,
            open_changes(cipher, ticket.number, change) | change.fields,
            hides_words=_hides(change, is_open=cipher is not None),
        )
        for change in rows.order_by("-version")
    ]


def _hides(change: TicketChange, *, is_open: bool) -> bool:
    has_words = change.sealed_words is not None or not change.fields
    return has_words and not (is_open and change.sealed_words is not None)


def read_severity(word: str) -> Severity:
    """Return the severity that a word of the API stands for."""
    words = {severity.word: severity for severity in Severity}
    if word not in words:
        raise InvalidError(f"severity must be one of {', '.join(words)}.", "severity")
    return words[word]


def _one_of(name: str, text: str, choices: Sequence[str]) -> str:
    if text and text not in choices:
        raise InvalidError(f"{name} must be one of {', '.join(choices)}.", name)
    return text


def _short(name: str, text: str) -> str:
    if len(text) > 254 or "\x00" in text:
        raise InvalidError(f"{name} must be an e-mail address, {ME} or {NOBODY}.", name)
    return text


def _read_uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"{name} must be the id of a session.", name) from None
