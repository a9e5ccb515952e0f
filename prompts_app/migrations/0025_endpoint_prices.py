"""An endpoint has a time limit and prices of its own; a run says where its costs are from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0024_recorded_not_judged")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="cost_sources",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="time_limit_s",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="prices",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
