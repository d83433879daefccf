"""URLs of the read API."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from apps.sessions.api import revealing, tagging, views
from apps.sessions.api.comparing import Compare


class EventIdConverter(StringConverter):
    """An event's id: 32 hexadecimal digits."""

    regex = "[0-9a-f]{32}"


register_converter(EventIdConverter, "event_id")

app_name = "sessions_api"

SESSION = "api/v1/sessions/<uuid:session_id>"

urlpatterns = [
    path("api/v1/sessions", views.SessionCollection.as_view(), name="sessions"),
    path("api/v1/compare", Compare.as_view(), name="compare"),
    path(SESSION, views.SessionDetail.as_view(), name="session"),
    path(f"{SESSION}/events", views.EventCollection.as_view(), name="events"),
    path(f"{SESSION}/events/<event_id:event_id>", views.EventDetail.as_view(), name="event"),
    path(f"{SESSION}/state", views.StateDetail.as_view(), name="state"),
    path(f"{SESSION}/tags", tagging.SessionTags.as_view(), name="tags"),
    path(f"{SESSION}/reveal", revealing.Reveal.as_view(), name="reveal"),
]
