"""Keys that start with the project, partitions by month, references that stay in the project.

Django knows a session by its id alone and has neither composite foreign keys nor
partitions. Row-level security would not help with references: PostgreSQL checks them
with policies switched off.
"""

from django.db import migrations

SESSION_KEY = """
ALTER TABLE agent_sessions_session DROP CONSTRAINT agent_sessions_session_pkey;
ALTER TABLE agent_sessions_session
    ADD CONSTRAINT agent_sessions_session_pkey PRIMARY KEY (project_id, id);
"""
SESSION_KEY_BACK = """
ALTER TABLE agent_sessions_session DROP CONSTRAINT agent_sessions_session_pkey;
ALTER TABLE agent_sessions_session
    ADD CONSTRAINT agent_sessions_session_pkey PRIMARY KEY (id);
"""

# Bodies and digests are random bytes: trying to compress them again costs time only.
STORAGE = """
ALTER TABLE agent_sessions_chunk
    ALTER COLUMN body SET STORAGE EXTERNAL,
    ALTER COLUMN digests SET STORAGE EXTERNAL;
"""

# What a sender says a call cost is kept to the digit.
COST = "ALTER TABLE agent_sessions_event ALTER COLUMN cost TYPE numeric;"

# The ids of sessions are UUIDv7, so a range of ids is a range of beginnings.
PARTITION = """
ALTER TABLE agent_sessions_{table} RENAME TO agent_sessions_{table}_plain;
CREATE TABLE agent_sessions_{table}
    (LIKE agent_sessions_{table}_plain INCLUDING DEFAULTS INCLUDING STORAGE)
    PARTITION BY RANGE (session_id);
DROP TABLE agent_sessions_{table}_plain;
ALTER TABLE agent_sessions_{table}
    ADD CONSTRAINT agent_sessions_{table}_pkey PRIMARY KEY (project_id, session_id, {last});
CREATE TABLE agent_sessions_{table}_default PARTITION OF agent_sessions_{table} DEFAULT;
"""
PARTITION_BACK = """
CREATE TABLE agent_sessions_{table}_plain (LIKE agent_sessions_{table} INCLUDING ALL);
INSERT INTO agent_sessions_{table}_plain SELECT * FROM agent_sessions_{table};
DROP TABLE agent_sessions_{table};
ALTER TABLE agent_sessions_{table}_plain RENAME TO agent_sessions_{table};
"""

OF_SESSION = ["event", "chunk", "eventinput", "sessionkey", "sessionfacet", "trace"]

REFERENCE = """
ALTER TABLE agent_sessions_{table} ADD CONSTRAINT {table}_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE agent_sessions_{table} DROP CONSTRAINT {table}_same_project_session;
"""

MERGED = """
ALTER TABLE agent_sessions_session ADD CONSTRAINT session_same_project_merged_into
    FOREIGN KEY (project_id, merged_into_id) REFERENCES agent_sessions_session (project_id, id);
"""
MERGED_BACK = """
ALTER TABLE agent_sessions_session DROP CONSTRAINT session_same_project_merged_into;
"""


def partition(table: str, last: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        PARTITION.format(table=table, last=last), PARTITION_BACK.format(table=table)
    )


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0001_initial")]

    operations = [
        migrations.RunSQL(SESSION_KEY, SESSION_KEY_BACK),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(COST, migrations.RunSQL.noop),
        partition("event", "id"),
        partition("chunk", "number"),
        *[
            migrations.RunSQL(REFERENCE.format(table=table), REFERENCE_BACK.format(table=table))
            for table in OF_SESSION
        ],
        migrations.RunSQL(MERGED, MERGED_BACK),
    ]
