"""Prompts that are archived, and those whose deletion can still be undone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0005_models_of_2026")]

    operations = [
        migrations.AddField("prompt", "archived_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("prompt", "deleted_at", models.DateTimeField(blank=True, null=True)),
    ]
