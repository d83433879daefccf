"""The functions that read terms answer for no other project than the transaction's own.

The project stays an argument. Where the transaction names its project in the setting that
policies of row security read, too, any other gets no answer, like rows of another project.
"""

from django.db import migrations

FUNCTIONS = """
CREATE OR REPLACE FUNCTION agent_sessions_with_terms(project bigint, wanted integer[])
RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off AS $$
BEGIN
    {check}RETURN QUERY SELECT DISTINCT t.session_id FROM agent_sessions_chunkterms t
        WHERE t.project_id + 0 = project AND t.terms @> wanted;
END $$;
CREATE OR REPLACE FUNCTION agent_sessions_chunks_with_terms(
    project bigint, sessions uuid[], wanted integer[]
)
RETURNS TABLE (session uuid, number integer) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    {check}RETURN QUERY SELECT t.session_id, t.number FROM agent_sessions_chunkterms t
        WHERE t.project_id = project AND t.session_id = ANY(sessions) AND t.terms @> wanted;
END $$;
"""
CHECK = """IF project <> nullif(current_setting('playhead.project', true), '')::bigint THEN
        RETURN;
    END IF;
    """


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0009_saved_view")]

    operations = [
        migrations.RunSQL(FUNCTIONS.format(check=CHECK), FUNCTIONS.format(check="")),
    ]
