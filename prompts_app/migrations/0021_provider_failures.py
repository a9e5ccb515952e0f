"""Thinking is counted, and where a cost is from is told in full."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0020_heartbeats")]

    operations = [
        migrations.AddField(
            model_name="result",
            name="reasoning_chars",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="result",
            name="tokens_reasoning",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="result",
            name="cost_source",
            field=models.CharField(blank=True, max_length=160),
        ),
    ]
