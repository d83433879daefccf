from django.apps import AppConfig

# Teaches psycopg the record's arrays before the first connection is made.
from apps.sessions import arrays  # noqa: F401


class SessionsConfig(AppConfig):
    name = "apps.sessions"
    # Django owns the label "sessions".
    label = "agent_sessions"
