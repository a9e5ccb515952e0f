"""What is sent to a judge besides the question."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0013_engine")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="judge_parameters",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="run",
            name="judge_parameters",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
