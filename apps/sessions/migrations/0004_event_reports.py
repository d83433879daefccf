"""Find what reports the same call: calls of models with one answer, calls of tools passed on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0003_event_llm_parent")]

    operations = [
        migrations.RemoveIndex(model_name="event", name="event_llm_parent"),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "llm"), ("parent_id__isnull", False)),
                fields=["project", "session", "parent_id", "response_id"],
                name="event_llm_reported",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind", "tool"), ("name__contains", "tools/call ")),
                fields=["project", "session", "parent_id"],
                name="event_tool_passed_on",
            ),
        ),
    ]
