"""What was parsed of a file is kept beside its import: preview, save and a worker that goes on read that.

A row may be given the moment it was made: nothing of that is in the database, so no table is rebuilt.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0007_news_and_sweep")]
    operations = [
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="prompts_app.import"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "importpart", models.UniqueConstraint(fields=("of", "number"), name="import_part_unique")
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model,
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                )
                for model in ("prompt", "version", "case")
            ]
        ),
    ]
