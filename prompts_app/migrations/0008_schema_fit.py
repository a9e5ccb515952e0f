"""How the answers of a run kept to the JSON Schema that was asked for; nothing is known of runs before."""

from django.db import migrations, models

from portfolio.added_columns import AddColumn


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0007_run_settings")]

    operations = [AddColumn("run", "schema_fit", models.JSONField(blank=True, default=dict))]
