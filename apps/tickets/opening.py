"""The page on which tickets are opened: about a step, a session, or each of several."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.core.errors import DomainError, InvalidError
from apps.sessions import reader
from apps.sessions.filters import refuse_unknown
from apps.sessions.list_views import read_ids
from apps.sessions.listing import short_id
from apps.sessions.models import Event, Session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tickets import queries, services
from apps.tickets.fields import FIELDS
from apps.tickets.forms import TicketForm, people_of
from apps.tickets.models import LONGEST_TITLE, Severity, Ticket
from apps.tickets.rows import rows_of
from apps.tickets.views import address_of

MOST_SESSIONS = 20
NAME_ONE = "Open a ticket from a session or from one of its steps: the address names neither."
TOO_MANY = f"At most {MOST_SESSIONS} sessions get a ticket at once."
ONE_STEP = "event belongs to one session; here are several."
# What a new ticket is asked for; it is open.
ASKED = tuple(name for name in FIELDS if name != "status")


@dataclass(frozen=True)
class Subject:
    """What the tickets will be about."""

    sessions: list[Session]
    titles: dict[UUID, str]
    event: Event | None

    @property
    def named(self) -> list[tuple[Session, str]]:
        """Sessions with what they are called."""
        return [
            (session, self.titles.get(session.pk) or session.external_id or short_id(session))
            for session in self.sessions
        ]

    @property
    def first_title(self) -> str:
        """A title to start from: what failed, or how the session begins."""
        if self.event is not None:
            if self.event.status != "error":
                return ""
            name = " ".join((self.event.name or self.event.kind).split())
            error = f": {self.event.error_type}" if self.event.error_type else ""
            return f"{name} failed{error}"[:LONGEST_TITLE]
        if len(self.sessions) == 1:
            return " ".join(self.titles.get(self.sessions[0].pk, "").split())[:LONGEST_TITLE]
        return ""

    @property
    def first_severity(self) -> Severity:
        is_bad = self.event is not None and self.event.status == "error"
        return Severity.HIGH if is_bad else Severity.MEDIUM


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.ANNOTATE)
def new_ticket(request: SignedInRequest, project: Project) -> HttpResponse:
    """Ask what is to be done, and open a ticket for each session that the address names."""
    refuse_unknown(request.GET.dict(), frozenset({"session", "event"}))
    subject = find_subject(request, project)
    people = people_of(project)
    if request.method != "POST":
        return ask(request, project, subject, first_form(people, subject))
    form = TicketForm(people, request.POST, only=ASKED)
    if form.is_valid():
        try:
            opened = open_tickets(subject, form, request)
        except DomainError as error:
            tell(form, error)
        else:
            return after(request, project, opened)
    return ask(request, project, subject, form, status=400)


@require_POST
@project_view(Permission.ANNOTATE)
def from_selection(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send on from the selected sessions to the form that opens a ticket for each."""
    ids = read_ids(request.POST.getlist("session"), "session")
    if not 1 <= len(ids) <= MOST_SESSIONS:
        raise InvalidError(f"Select 1 to {MOST_SESSIONS} sessions.", "session")
    query = QueryDict(mutable=True)
    query.setlist("session", [str(session_id) for session_id in ids])
    place = (project.organization.slug, project.slug)
    return HttpResponseRedirect(f"{reverse('tickets:new', args=place)}?{query.urlencode()}")


def find_subject(request: SignedInRequest, project: Project) -> Subject:
    """Return what the address names, or say which part of it names nothing."""
    ids = read_ids(request.GET.getlist("session"), "session")
    if not ids:
        raise InvalidError(NAME_ONE, "session")
    if len(ids) > MOST_SESSIONS:
        raise InvalidError(TOO_MANY, "session")
    found = {row.pk: row for row in project.sessions.filter(pk__in=ids, is_listed=True)}
    if len(found) < len(ids):
        raise InvalidError("There is no such session in this project (any more).", "session")
    sessions = [found[session_id] for session_id in ids]
    for session in sessions:
        session.project = project
    event = find_event(project, sessions, request.GET.get("event", ""))
    may_read = Permission.READ_CONTENT in request.permissions
    return Subject(sessions, reader.titles(sessions) if may_read else {}, event)


def find_event(project: Project, sessions: list[Session], event_id: str) -> Event | None:
    if not event_id:
        return None
    if len(sessions) > 1:
        raise InvalidError(ONE_STEP, "event")
    [key] = read_ids([event_id], "event")
    event = project.events.filter(session_id=sessions[0].pk, id=key).first()
    if event is None:
        raise InvalidError(services.NO_STEP, "event")
    return event


def first_form(people: list[User], subject: Subject) -> TicketForm:
    form = TicketForm(people, only=ASKED)
    form.initial = {"title": subject.first_title, "severity": subject.first_severity.word}
    return form


@transaction.atomic
def open_tickets(subject: Subject, form: TicketForm, request: SignedInRequest) -> list[Ticket]:
    """Open all or none."""
    event_id = subject.event.id if subject.event else None
    # In the order of ids, as everybody locks sessions.
    return [
        services.open_ticket(session, draft=form.draft, event_id=event_id, actor=request.actor)
        for session in sorted(subject.sessions, key=lambda session: session.pk)
    ]


def ask(
    request: SignedInRequest,
    project: Project,
    subject: Subject,
    form: TicketForm,
    status: int = 200,
) -> HttpResponse:
    others = queries.tickets_about(project, [session.pk for session in subject.sessions])
    content = Permission.READ_CONTENT in request.permissions
    context = {
        "project": project,
        "subject": subject,
        "form": form,
        "others": rows_of(project, others, content=content),
    }
    return render(request, "tickets/new.html", context, status=status)


def after(request: SignedInRequest, project: Project, opened: list[Ticket]) -> HttpResponse:
    if len(opened) == 1:
        messages.success(request, f"Ticket {opened[0].number} was opened.")
        return redirect(address_of(project, opened[0]))
    numbers = ", ".join(str(ticket.number) for ticket in opened)
    messages.success(request, f"{len(opened)} tickets were opened: {numbers}.")
    return redirect("tickets:list", project.organization.slug, project.slug)
