"""Pictures in place of texts for the variables of cases."""

import django.db.models.deletion
from django.db import migrations, models

from portfolio.added_columns import AddColumn


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0011_streams")]

    operations = [
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
    ]
