"""One run of a batch can be ended alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0012_lineage")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="cancel_requested",
            field=models.BooleanField(default=False),
        ),
    ]
