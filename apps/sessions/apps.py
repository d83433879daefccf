from django.apps import AppConfig

# Teaches psycopg the record's arrays before the first connection is made.
from apps.sessions import arrays  # noqa: F401


class SessionsConfig(AppConfig):
    name = "apps.sessions"
    # Django owns the label "sessions".
    label = "agent_sessions"

    def ready(self) -> None:
        # Models are ready only now.
        from apps.sessions import adoption, erasure
        from apps.sessions.agents import following
        from apps.tenants import grants

        adoption.register(grants.follow_session)
        erasure.register(grants.forget_session)
        adoption.register(following.join_sessions)
        erasure.register(following.forget_session)
