"""How many calls each session has, and how many with an answer: its fidelity follows from it."""

from django.db import migrations

FILL = """
WITH counted AS (
    SELECT project_id, session_id, count(*) AS calls, count(*) FILTER (
        WHERE CASE
            WHEN output_digest IS NOT NULL OR status = 'error'
                THEN kind <> 'llm' OR input_digest IS NOT NULL
            ELSE ended_at IS NOT NULL AND (
                (kind IN ('tool', 'memory') AND input_digest IS NOT NULL)
                OR (kind = 'memory' AND extra_digest IS NOT NULL)
            )
        END
    ) AS answers
    FROM agent_sessions_event
    WHERE kind IN ('llm', 'tool', 'retriever', 'embedding', 'reranker', 'guardrail', 'memory',
        'http') AND (is_counted OR kind NOT IN ('llm', 'tool'))
    GROUP BY project_id, session_id
)
UPDATE agent_sessions_session s
SET known = known || jsonb_build_object('calls', c.calls)
    || CASE WHEN c.answers > 0 THEN jsonb_build_object('answers', c.answers) ELSE '{}' END
FROM counted c WHERE c.project_id = s.project_id AND c.session_id = s.id
"""
# A seed of the Playhead client says that readings of the clock are recorded, too.
SEEDS = """
UPDATE agent_sessions_session s SET features = features | 16
FROM agent_sessions_event e
WHERE e.project_id = s.project_id AND e.session_id = s.id AND e.kind = 'random' AND e.name = 'seed'
"""
CLASSES = """
UPDATE agent_sessions_session SET fidelity = CASE
    WHEN COALESCE((known ->> 'calls')::bigint, 0) = 0
        OR COALESCE((known ->> 'answers')::bigint, 0) < (known ->> 'calls')::bigint THEN 0
    WHEN features & 2 = 0 THEN 1
    WHEN features & 60 = 60 THEN 3
    ELSE 2
END
WHERE erased_at IS NULL AND merged_into_id IS NULL
"""
BACK = "UPDATE agent_sessions_session SET known = known - 'calls' - 'answers'"


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0013_session_by_original"),
    ]

    operations = [
        migrations.RunSQL(FILL, BACK),
        migrations.RunSQL(SEEDS, migrations.RunSQL.noop),
        migrations.RunSQL(CLASSES, migrations.RunSQL.noop),
    ]
