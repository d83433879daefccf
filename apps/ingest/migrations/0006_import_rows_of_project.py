"""What belongs to an import belongs to its project, and encrypted pieces are stored as they are."""

from __future__ import annotations

from django.db import migrations

REFERENCE = """
ALTER TABLE ingest_{table} ADD CONSTRAINT {table}_same_project_import
    FOREIGN KEY (project_id, of_import_id) REFERENCES ingest_import (project_id, id);
"""
REFERENCE_BACK = "ALTER TABLE ingest_{table} DROP CONSTRAINT {table}_same_project_import;"

# They are random bytes: trying to compress them costs time only.
STORAGE = "ALTER TABLE ingest_importpart ALTER COLUMN body SET STORAGE EXTERNAL;"

OF_IMPORT = ["importpart", "importrefusal", "importedsession"]


class Migration(migrations.Migration):
    dependencies = [("ingest", "0005_imports")]

    operations = [
        *[
            migrations.RunSQL(REFERENCE.format(table=table), REFERENCE_BACK.format(table=table))
            for table in OF_IMPORT
        ],
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
