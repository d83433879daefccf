"""Pages of tickets: the list and the board, one ticket."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.audit.services import record_reading
from apps.core.errors import ConflictError, InvalidError
from apps.core.paging import read_limit
from apps.sessions.filters import refuse_unknown
from apps.tenants import inbox
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tickets import queries, services
from apps.tickets.conflicts import Conflict, conflict_of
from apps.tickets.fields import FIELDS, LABELS, PLAIN
from apps.tickets.forms import TicketForm, people_of
from apps.tickets.inbox_rows import OF_TICKETS
from apps.tickets.models import Severity, Status, Ticket
from apps.tickets.queries import TicketFilters, find_ticket
from apps.tickets.rows import rows_of
from apps.tickets.services import StaleError, holder_name

COOKIE = "playhead_tickets"
ONE_YEAR = 365 * 24 * 3600
PARAMETERS = frozenset({"board", "cursor", "limit"})
LONGEST_QUERY = 4_000
MOST_DIGITS = 9
NOTHING_FREE = "Nothing is waiting: every open ticket is given to somebody or being looked at."


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def ticket_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show tickets as a list, or as a board; which of them is remembered once it was chosen."""
    board = request.GET.get("board")
    if board not in {None, "on", "off"}:
        raise InvalidError("board must be on or off.", "board")
    is_board = (board or request.COOKIES.get(COOKIE)) == "on"
    context = list_context(request, project)
    context |= board_context(request, project) if is_board else page_context(request, project)
    response = render(request, "tickets/list.html", context)
    if board:
        response.set_cookie(COOKIE, board, max_age=ONE_YEAR, samesite="Lax", httponly=True)
    return response


def list_context(request: SignedInRequest, project: Project) -> dict[str, Any]:
    """Return what the list and the board have in common."""
    filters = read_filters(request)
    kept = request.GET.copy()
    for name in PARAMETERS:
        kept.pop(name, None)
    return {
        "project": project,
        "filters": filters,
        "people": people_of(project),
        "statuses": Status.choices,
        "severities": [(severity.word, severity.label) for severity in reversed(Severity)],
        "may_annotate": Permission.ANNOTATE in request.permissions,
        "may_read": Permission.READ_CONTENT in request.permissions,
        "kept_query": kept.urlencode(),
        "holder": holder_name(request.actor),
    }


def read_filters(request: SignedInRequest) -> TicketFilters:
    query = {name: value for name, value in request.GET.dict().items() if value}
    return TicketFilters.from_query(query, also=PARAMETERS)


def page_context(request: SignedInRequest, project: Project) -> dict[str, Any]:
    page = queries.ticket_page(
        project,
        read_filters(request),
        person_id=request.user.pk,
        cursor=request.GET.get("cursor"),
        limit=read_limit(request.GET.get("limit")),
    )
    content = Permission.READ_CONTENT in request.permissions
    return {"page": page, "rows": rows_of(project, page.rows, content=content)}


def board_context(request: SignedInRequest, project: Project) -> dict[str, Any]:
    filters = read_filters(request)
    found = queries.filtered(project, filters, person_id=request.user.pk)
    content = Permission.READ_CONTENT in request.permissions
    rows = rows_of(project, queries.cards(found), content=content)
    counts = queries.counts(found)
    return {
        "is_board": True,
        "columns": [
            {
                "status": status,
                "rows": [row for row in rows if row.ticket.status == status],
                "count": counts[status],
                "key": place,
            }
            for place, status in enumerate(Status, start=1)
        ],
        "has_any": any(counts.values()),
    }


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def ticket_detail(request: SignedInRequest, project: Project, number: int) -> HttpResponse:
    refuse_unknown(request.GET.dict(), frozenset())
    ticket = find_ticket(project, number)
    inbox.mark_subject_read(request.user, project, OF_TICKETS, ticket.number)
    return show_ticket(request, ticket)


def show_ticket(
    request: SignedInRequest, ticket: Ticket, form: TicketForm | None = None, status: int = 200
) -> HttpResponse:
    """Draw the page of a ticket, with a form that was refused or a fresh one."""
    project = ticket.project
    content = Permission.READ_CONTENT in request.permissions
    if content:
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(ticket.session_id)],
        )
    [row] = rows_of(project, [ticket], content=content)
    context = {
        "project": project,
        "ticket": ticket,
        "row": row,
        "step_number": queries.step_number(ticket),
        "history": queries.history(ticket, content=content),
        "labels": LABELS,
        "holder": holder_name(request.actor),
        "others": queries.others_of(ticket),
        "may_annotate": Permission.ANNOTATE in request.permissions,
    }
    if context["may_annotate"]:
        context["form"] = form or ticket_form(request, ticket)
    return render(request, "tickets/ticket.html", context, status=status)


def ticket_form(request: SignedInRequest, ticket: Ticket) -> TicketForm:
    """Return the form of a ticket, with its words where they are there and may be read."""
    has_words = ticket.sealed_title is not None
    may_read = Permission.READ_CONTENT in request.permissions
    only = FIELDS if has_words and may_read else PLAIN
    return TicketForm(people_of(ticket.project), values=services.values(ticket), only=only)


@require_POST
@project_view(Permission.ANNOTATE)
def change(request: SignedInRequest, project: Project, number: int) -> HttpResponse:
    """Change the fields that were sent; those of which the other's value was chosen stay."""
    ticket, seen = find_ticket(project, number), read_version(request.POST)
    sent = [name for name in FIELDS if name in request.POST]
    only = [name for name in sent if request.POST.get(f"choose-{name}") != "now"]
    now = services.values(ticket)
    form = TicketForm(people_of(project), request.POST, values=now, only=only)
    if not form.is_valid():
        return refuse(request, ticket, form)
    try:
        changed = services.change_ticket(
            ticket, changes=form.changes, seen_version=seen, actor=request.actor
        )
    except StaleError as error:
        return ask_which(request, _conflict(request, error, form, seen))
    except ConflictError as error:
        messages.error(request, str(error))
        return back(request, ticket)
    except InvalidError as error:
        tell(form, error)
        return refuse(request, ticket, form)
    say_changed(request, changed, seen)
    return back(request, changed)


def _conflict(request: SignedInRequest, error: StaleError, form: TicketForm, seen: int) -> Conflict:
    content = Permission.READ_CONTENT in request.permissions
    since = queries.history(error.ticket, content=content)
    return conflict_of(
        error, form.changes, [act for act in since if act.version > seen], request.POST
    )


def refuse(request: SignedInRequest, ticket: Ticket, form: TicketForm) -> HttpResponse:
    """Show what was refused, at its field, with all that was typed."""
    if set(form.fields) == set(ticket_form(request, ticket).fields):
        return show_ticket(request, ticket, form, status=400)
    # A button, not the whole form.
    told = [message for found in form.errors.values() for message in found]
    messages.error(request, " ".join(str(message) for message in told))
    return back(request, ticket)


def ask_which(request: SignedInRequest, conflict: Conflict) -> HttpResponse:
    """Show both values side by side, where two people changed one ticket at once."""
    context = {
        "project": conflict.ticket.project,
        "ticket": conflict.ticket,
        "conflict": conflict,
        "labels": LABELS,
        "query": request.POST.get("query", ""),
        "goes_back": request.POST.get("back", ""),
    }
    return render(request, "tickets/conflict.html", context, status=409)


@require_POST
@project_view(Permission.ANNOTATE)
def claim_next(request: SignedInRequest, project: Project) -> HttpResponse:
    """Open the most urgent ticket that nobody works on, and hold it for a while."""
    ticket = services.claim_next_ticket(project, actor=request.actor)
    if ticket is None:
        messages.success(request, NOTHING_FREE)
        return to_list(request, project)
    return redirect(address_of(project, ticket))


@require_POST
@project_view(Permission.ANNOTATE)
def claim(request: SignedInRequest, project: Project, number: int) -> HttpResponse:
    """Hold a ticket, or let it go."""
    ticket = find_ticket(project, number)
    act = services.release_ticket if "release" in request.POST else services.claim_ticket
    try:
        act(ticket, actor=request.actor)
    except ConflictError as error:
        messages.error(request, str(error))
    return redirect(address_of(project, ticket))


def read_version(sent: QueryDict) -> int:
    """Return which version of the ticket its form was about."""
    text = sent.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidError("version must be the number that the form came with.", "version")
    return int(text)


def say_changed(request: SignedInRequest, ticket: Ticket, seen: int) -> None:
    if ticket.version == seen:
        messages.success(request, "Nothing to change.")
    else:
        messages.success(request, f"Ticket {ticket.number} was changed.")


def back(request: SignedInRequest, ticket: Ticket) -> HttpResponse:
    """Return to where the person was: the ticket, or its place in the list or on the board."""
    if request.POST.get("back") == "list":
        return to_list(request, ticket.project, f"#ticket-{ticket.number}")
    return redirect(address_of(ticket.project, ticket))


def to_list(request: SignedInRequest, project: Project, place: str = "") -> HttpResponse:
    root = reverse("tickets:list", args=(project.organization.slug, project.slug))
    query = QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])
    return HttpResponseRedirect(f"{root}?{query.urlencode()}{place}" if query else root + place)


def address_of(project: Project, ticket: Ticket) -> str:
    return reverse("tickets:ticket", args=(project.organization.slug, project.slug, ticket.number))
