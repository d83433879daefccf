"""What the role of the web server and the workers may do in the database."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

APP_ROLE = "playhead_app"
# The trail is added to and never changed; a trigger refuses it as well.
APPEND_ONLY = ("audit_auditentry",)


def grant_app_role(connection: BaseDatabaseWrapper) -> None:
    """Give the app role the rights on rows that it needs, and none on the schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is None:
            raise RuntimeError(f"The role {APP_ROLE} does not exist: CREATE ROLE {APP_ROLE} LOGIN.")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
        cursor.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}"
        )
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}")
        for table in APPEND_ONLY:
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE}")
