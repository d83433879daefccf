"""Replays that go on by themselves, and why each came to its end."""

from __future__ import annotations

from django.db import migrations, models

MODES = [
    ("teacher_forced", "Each step after the recorded ones before it"),
    ("prefix_then_free", "As recorded up to a step, then on its own"),
    ("free_running", "On its own from the first call on"),
]
STOPS = [
    ("ended", "It ended where a turn ends, and nobody spoke after that in the record"),
    ("departed", "It departed from the record, so that no user's answer fits"),
    ("tool", "It called a tool that nothing answers"),
    ("steps", "It made as many calls as it may"),
    ("time", "Its calls took as long as they may"),
    ("failed", "A call of a model failed"),
    ("unsupported", "The target cannot be asked what came"),
]


class Migration(migrations.Migration):
    dependencies = [("replays", "0007_schedules")]

    operations = [
        migrations.AlterField(
            "serverreplay", "mode", models.CharField(choices=MODES, max_length=20)
        ),
        migrations.AddField(
            "serverreplay",
            "stop",
            models.CharField(blank=True, choices=STOPS, default="", max_length=11),
            preserve_default=False,
        ),
    ]
