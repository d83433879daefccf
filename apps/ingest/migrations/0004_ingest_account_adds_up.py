from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("ingest", "0003_fill_ingest_account")]

    operations = [
        migrations.AddConstraint(
            model_name="ingestclient",
            constraint=models.CheckConstraint(
                condition=Q(sent=F("accepted") + F("duplicates") + F("rejected")),
                name="ingest_client_adds_up",
            ),
        ),
    ]
