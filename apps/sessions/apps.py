from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "apps.sessions"
    # Django owns the label "sessions".
    label = "agent_sessions"
