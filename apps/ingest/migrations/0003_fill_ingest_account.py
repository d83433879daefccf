"""What was sent follows from what became of it, in rows from before it was counted apart."""

from django.db import migrations

FILL = """
UPDATE ingest_ingestclient SET sent = accepted + duplicates + rejected, first_seen_at = hour
WHERE first_seen_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0002_ingest_account")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
