"""How the answers of a run kept to the JSON Schema that was asked for; nothing is known of runs before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0007_run_settings")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="schema_fit",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
