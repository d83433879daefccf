"""URLs of tickets and of the inbox."""

from __future__ import annotations

from django.urls import path

from apps.tickets import api, inbox_api, inbox_views, opening, views

app_name = "tickets"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/tickets/"
TICKET = f"{PROJECT}<int:number>/"
API = "api/v1/tickets"

urlpatterns = [
    path(PROJECT, views.ticket_list, name="list"),
    path(f"{PROJECT}new/", opening.new_ticket, name="new"),
    path(f"{PROJECT}from-sessions/", opening.from_selection, name="from-selection"),
    path(f"{PROJECT}next/", views.claim_next, name="next"),
    path(TICKET, views.ticket_detail, name="ticket"),
    path(f"{TICKET}change/", views.change, name="change"),
    path(f"{TICKET}claim/", views.claim, name="claim"),
    path("inbox/", inbox_views.inbox_list, name="inbox"),
    path("inbox/open/", inbox_views.open_entry, name="inbox-open"),
    path("inbox/read/", inbox_views.mark, name="inbox-read"),
    path(API, api.TicketCollection.as_view(), name="api-tickets"),
    path(f"{API}/next", api.NextTicket.as_view(), name="api-next"),
    path(f"{API}/<int:number>", api.TicketDetail.as_view(), name="api-ticket"),
    path(f"{API}/<int:number>/claim", api.TicketClaim.as_view(), name="api-claim"),
    path("api/v1/inbox", inbox_api.Inbox.as_view(), name="api-inbox"),
    path("api/v1/inbox/read", inbox_api.InboxRead.as_view(), name="api-inbox-read"),
]
