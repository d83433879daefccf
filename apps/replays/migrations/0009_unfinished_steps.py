"""Steps that are left are found without reading those that are done."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("replays", "0008_modes_of_replays")]

    operations = [
        migrations.AddIndex(
            "serverstep",
            models.Index(
                fields=["project", "run", "seq"],
                condition=models.Q(("state__in", ("queued", "leased"))),
                name="server_step_unfinished",
            ),
        ),
    ]
