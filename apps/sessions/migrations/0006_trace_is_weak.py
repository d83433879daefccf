"""Tell traces that name a session from such as only name a conversation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0005_pseudonym")]

    operations = [
        migrations.AddField(
            model_name="trace", name="is_weak", field=models.BooleanField(default=False)
        ),
    ]
