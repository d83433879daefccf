"""What the role of the web server and the workers may do in the database."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

APP_ROLE = "playhead_app"
# The trail is added to and never changed; a trigger refuses it as well.
APPEND_ONLY = ("audit_auditentry",)
# Tables whose rows may be written and dropped by their key, and are read by functions alone.
BLIND = {"agent_sessions_chunkterms": "project_id, session_id, number"}
FUNCTIONS = (
    "agent_sessions_with_terms(bigint, integer[])",
    "agent_sessions_chunks_with_terms(bigint, uuid[], integer[])",
)
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"


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
        for table, key in BLIND.items():
            _blind(cursor, table, key)
        for function in FUNCTIONS:
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP_ROLE}")


def _blind(cursor: CursorWrapper, table: str, key: str) -> None:
    cursor.execute(PARTITIONS, [table])
    for name in (table, *(row[0] for row in cursor.fetchall())):
        cursor.execute(f"REVOKE ALL ON {name} FROM {APP_ROLE}")
    # To drop a row by its key, the key must be readable.
    cursor.execute(f"GRANT INSERT, DELETE, SELECT ({key}) ON {table} TO {APP_ROLE}")
