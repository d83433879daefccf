"""The right to write about one session, which can be granted."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0010_terms_of_one_project"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="session",
            options={"permissions": [("annotate_session", "Can annotate session")]},
        ),
    ]
