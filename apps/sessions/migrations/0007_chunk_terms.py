"""The search index: words of chunks as keyed hashes, in partitions like the chunks.

The role of the web server may write terms and not read them: two functions, which run with
the rights of the owner, find chunks of one project by terms.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

PARTITION = """
ALTER TABLE agent_sessions_chunkterms RENAME TO agent_sessions_chunkterms_plain;
CREATE TABLE agent_sessions_chunkterms
    (LIKE agent_sessions_chunkterms_plain INCLUDING DEFAULTS)
    PARTITION BY RANGE (session_id);
DROP TABLE agent_sessions_chunkterms_plain;
ALTER TABLE agent_sessions_chunkterms
    ADD CONSTRAINT agent_sessions_chunkterms_pkey PRIMARY KEY (project_id, session_id, number),
    ADD CONSTRAINT chunkterms_same_project_session
        FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id),
    -- Random numbers: trying to compress them costs time only.
    ALTER COLUMN terms SET STORAGE EXTERNAL;
CREATE TABLE agent_sessions_chunkterms_default PARTITION OF agent_sessions_chunkterms DEFAULT;
"""
PARTITION_BACK = """
CREATE TABLE agent_sessions_chunkterms_plain (LIKE agent_sessions_chunkterms INCLUDING ALL);
DROP TABLE agent_sessions_chunkterms;
ALTER TABLE agent_sessions_chunkterms_plain RENAME TO agent_sessions_chunkterms;
"""

# A plan for these terms and no others. The index of terms is always used where all of a
# project is looked through: reading the lists of terms themselves costs a hundred times as much,
# which the planner does not know of columns that are stored apart.
FUNCTIONS = """
CREATE FUNCTION agent_sessions_with_terms(project bigint, wanted integer[])
RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT t.session_id FROM agent_sessions_chunkterms t
        WHERE t.project_id + 0 = project AND t.terms @> wanted;
END $$;
CREATE FUNCTION agent_sessions_chunks_with_terms(
    project bigint, sessions uuid[], wanted integer[]
)
RETURNS TABLE (session uuid, number integer) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT t.session_id, t.number FROM agent_sessions_chunkterms t
        WHERE t.project_id = project AND t.session_id = ANY(sessions) AND t.terms @> wanted;
END $$;
REVOKE ALL ON FUNCTION agent_sessions_with_terms(bigint, integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION agent_sessions_chunks_with_terms(bigint, uuid[], integer[]) FROM PUBLIC;
"""
FUNCTIONS_BACK = """
DROP FUNCTION agent_sessions_with_terms(bigint, integer[]);
DROP FUNCTION agent_sessions_chunks_with_terms(bigint, uuid[], integer[]);
"""


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0006_trace_is_weak")]

    operations = [
        migrations.CreateModel(
            name="ChunkTerms",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.IntegerField()),
                (
                    "terms",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="chunk_terms",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="chunk_terms",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            managers=[("unscoped", django.db.models.manager.Manager())],
        ),
        migrations.RunSQL(PARTITION, PARTITION_BACK),
        migrations.AddIndex(
            model_name="chunkterms",
            index=django.contrib.postgres.indexes.GinIndex(fields=["terms"], name="chunk_terms"),
        ),
        migrations.RunSQL(FUNCTIONS, FUNCTIONS_BACK),
    ]
