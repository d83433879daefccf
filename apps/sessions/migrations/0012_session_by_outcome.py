"""Sessions by their outcome: most have none, so the index holds only those that do."""

from django.db import migrations

from apps.sessions.models import largest_first


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0011_session_annotate_permission"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="session",
            index=largest_first("sort_started", of="outcome", name="session_by_outcome"),
        ),
    ]
