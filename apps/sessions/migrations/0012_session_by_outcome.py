"""Sessions by their outcome: most have none, so the index holds only those that do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0011_session_annotate_permission"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                "project",
                "outcome",
                models.F("sort_started").desc(),
                models.F("id").desc(),
                condition=models.Q(is_listed=True, outcome__isnull=False),
                name="session_by_outcome",
            ),
        ),
    ]
