"""Canned results of tools in cases, and why a result's calls were left unanswered."""

from django.db import migrations, models

from portfolio.added_columns import AddColumn


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0005_skills")]

    operations = [
        migrations.AddField("case", "most_steps", models.PositiveSmallIntegerField(blank=True, null=True)),
        AddColumn("case", "tool_results", models.JSONField(blank=True, default=list)),
        AddColumn(
            "result",
            "unanswered",
            models.CharField(
                blank=True,
                choices=[(why, why) for why in ("no_result", "most_steps", "too_much")],
                max_length=12,
            ),
        ),
    ]
