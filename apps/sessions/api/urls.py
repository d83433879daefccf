"""URLs of the read API."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from apps.sessions.agents import api as agents
from apps.sessions.api import revealing, views
from apps.sessions.api.comparing import Compare
from apps.sessions.api.exporting import Export
from apps.sessions.api.graphing import SessionGraph


class EventIdConverter(StringConverter):
    """An event's id: 32 hexadecimal digits."""

    regex = "[0-9a-f]{32}"


register_converter(EventIdConverter, "event_id")

app_name = "sessions_api"

SESSION = "api/v1/sessions/<uuid:session_id>"
# A name may have slashes of its own.
VERSIONS = "api/v1/agents/<path:agent_name>/versions"

urlpatterns = [
    path("api/v1/sessions", views.SessionCollection.as_view(), name="sessions"),
    path("api/v1/compare", Compare.as_view(), name="compare"),
    path("api/v1/agents", agents.AgentCollection.as_view(), name="agents"),
    path(VERSIONS, agents.AgentVersionCollection.as_view(), name="agent-versions"),
    path(f"{VERSIONS}/<int:number>", agents.AgentVersionDetail.as_view(), name="agent-version"),
    path(SESSION, views.SessionDetail.as_view(), name="session"),
    path(f"{SESSION}/events", views.EventCollection.as_view(), name="events"),
    path(f"{SESSION}/events/<event_id:event_id>", views.EventDetail.as_view(), name="event"),
    path(f"{SESSION}/state", views.StateDetail.as_view(), name="state"),
    path(f"{SESSION}/graph", SessionGraph.as_view(), name="graph"),
    path(f"{SESSION}/export", Export.as_view(), name="export"),
    path(f"{SESSION}/reveal", revealing.Reveal.as_view(), name="reveal"),
]
