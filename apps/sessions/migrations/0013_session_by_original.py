"""Sessions by what they are replays of: few are, so the index holds only those."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0012_session_by_outcome"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                "project",
                "replay_of",
                models.F("sort_started").desc(),
                models.F("id").desc(),
                condition=models.Q(is_listed=True, replay_of__isnull=False),
                name="session_by_original",
            ),
        ),
    ]
