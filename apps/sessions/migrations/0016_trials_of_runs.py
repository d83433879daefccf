"""Sessions that runs of suites make by the hundred, which the list leaves out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0015_agent_versions"),
        ("tenants", "0008_inbox_beyond_sessions"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="session", name="session_by_start"),
        migrations.AddField(
            model_name="session",
            name="is_trial",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                "project",
                models.F("sort_started").desc(),
                models.F("id").desc(),
                condition=models.Q(is_listed=True, is_trial=False),
                name="session_by_start",
            ),
        ),
    ]
