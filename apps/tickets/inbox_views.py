"""The page of a person's inbox."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.sessions.filters import read_flag, refuse_unknown
from apps.tenants import inbox
from apps.tenants.doors import SignedInRequest, signed_in_view
from apps.tickets.inbox_rows import find_row, inbox_page

CLOSED = "What this was about is no longer open to you, or is gone."


@require_safe
@gzip_page
@signed_in_view
def inbox_list(request: SignedInRequest) -> HttpResponse:
    """Show what the person was told, in all their projects."""
    refuse_unknown(request.GET.dict(), frozenset({"unread", "cursor", "limit"}))
    only_unread = read_flag("unread", request.GET.get("unread") or "false")
    page = inbox_page(
        request.user,
        unread=only_unread,
        cursor=request.GET.get("cursor"),
        limit=read_limit(request.GET.get("limit")),
    )
    newest = max((row.entry.pk for row in page), default=0)
    context = {"page": page, "rows": page.rows, "only_unread": only_unread, "newest": newest}
    return render(request, "tickets/inbox.html", context)


@require_safe
@signed_in_view
def open_entry(request: SignedInRequest) -> HttpResponse:
    """Go to what an entry is about; it is read from then on."""
    entry_id = read_entry(request.GET.get("entry", ""))
    row = find_row(request.user, entry_id)
    inbox.mark_read(request.user, [entry_id])
    if row is None or not row.url:
        messages.error(request, CLOSED)
        return redirect("tickets:inbox")
    return HttpResponseRedirect(row.url)


@require_POST
@signed_in_view
def mark(request: SignedInRequest) -> HttpResponse:
    """Mark one entry as read or unread, or all that the page showed as read."""
    if "until" in request.POST:
        inbox.mark_all_read(request.user, until=read_entry(request.POST["until"]))
    else:
        entry_id = read_entry(request.POST.get("entry", ""))
        is_read = request.POST.get("is_read") != "0"
        inbox.mark_read(request.user, [entry_id], is_read=is_read)
    only_unread = "?unread=true" if request.POST.get("unread") == "true" else ""
    return HttpResponseRedirect(f"{request.path.removesuffix('read/')}{only_unread}")


def read_entry(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidError("entry must be the number of an entry.", "entry")
    return int(text)
