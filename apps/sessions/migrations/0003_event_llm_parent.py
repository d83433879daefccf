"""Find the nested calls of a call. Made after partitioning, so that partitions get it too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0002_keys_and_partitions")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "llm"), ("parent_id__isnull", False)),
                fields=["project", "session", "parent_id"],
                name="event_llm_parent",
            ),
        ),
    ]
