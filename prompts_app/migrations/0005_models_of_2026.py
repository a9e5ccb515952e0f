"""What is known of models and tasks of 2026: skills, tools with canned results, effort, schemas, what a server
refuses, streams, pictures in cases, the Responses API.
"""

import django.db.models.deletion
from django.db import migrations, models

from portfolio.added_columns import AddColumn, WidenColumn


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0004_search_costs")]

    operations = [
        migrations.AlterField(
            model_name='listing',
            name='task',
            field=models.CharField(choices=[('extraction', 'Extraction'), ('classification', 'Classification'), ('summarising', 'Summarising'), ('rewriting', 'Rewriting'), ('writing', 'Writing'), ('translation', 'Translation'), ('dialogue', 'Dialogue and role-play'), ('questions', 'Question answering'), ('planning', 'Planning'), ('reasoning', 'Reasoning'), ('code', 'Code and SQL'), ('agent', 'Agents and tools'), ('skill', 'Agent skill'), ('image', 'Image'), ('other', 'Other')], max_length=20),
        ),
        migrations.AlterField(
            model_name='prompt',
            name='task',
            field=models.CharField(choices=[('extraction', 'Extraction'), ('classification', 'Classification'), ('summarising', 'Summarising'), ('rewriting', 'Rewriting'), ('writing', 'Writing'), ('translation', 'Translation'), ('dialogue', 'Dialogue and role-play'), ('questions', 'Question answering'), ('planning', 'Planning'), ('reasoning', 'Reasoning'), ('code', 'Code and SQL'), ('agent', 'Agents and tools'), ('skill', 'Agent skill'), ('image', 'Image'), ('other', 'Other')], default='other', max_length=20),
        ),
        AddColumn("case", "most_steps", models.PositiveSmallIntegerField(blank=True, null=True)),
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
        AddColumn(
            model_name='run',
            name='settings',
            field=models.JSONField(blank=True, default=dict),
        ),
        AddColumn("run", "schema_fit", models.JSONField(blank=True, default=dict)),
        AddColumn(
            model_name='endpoint',
            name='learned',
            field=models.JSONField(blank=True, default=dict),
        ),
        AddColumn(
            model_name='run',
            name='adapted',
            field=models.JSONField(blank=True, default=list),
        ),
        AddColumn(
            model_name='run',
            name='judges_after_thinking',
            field=models.BooleanField(default=False),
        ),
        AddColumn(
            model_name='result',
            name='first_token_ms',
            field=models.FloatField(blank=True, null=True),
        ),
        AddColumn(
            model_name='run',
            name='first_token_median_ms',
            field=models.FloatField(blank=True, null=True),
        ),
        AddColumn(
            model_name='run',
            name='stream',
            field=models.BooleanField(default=False),
        ),
        AddColumn("case", "pictures", models.JSONField(blank=True, default=list)),
        migrations.CreateModel(
            name="CasePictureFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("data", models.BinaryField()),
                ("small", models.BinaryField()),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="case_picture_files",
                        to="prompts_app.prompt",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("prompt", "sha256"), name="case_picture_once")
                ],
            },
        ),
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
