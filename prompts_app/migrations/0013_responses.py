"""Texts may be asked for at the Responses API, whose answers have more in them than their output."""

from django.db import migrations, models

from portfolio.added_columns import AddColumn, WidenColumn


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0012_case_pictures")]

    operations = [
        AddColumn(
            "endpoint",
            "api",
            models.CharField(
                choices=[("chat", "Chat Completions"), ("responses", "Responses")],
                default="chat",
                max_length=12,
            ),
        ),
        WidenColumn(
            "run",
            "api",
            models.CharField(
                choices=[
                    ("chat", "Chat Completions"),
                    ("responses", "the Responses API"),
                    ("images", "the images API"),
                ],
                default="chat",
                max_length=12,
            ),
        ),
        AddColumn("result", "trace", models.JSONField(blank=True, default=list)),
    ]
