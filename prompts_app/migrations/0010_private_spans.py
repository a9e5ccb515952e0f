import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import prompts_app.models.ids
import prompts_app.models.text


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0009_pictures")]

    operations = [
        migrations.CreateModel(
            name="PrivateSpan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=prompts_app.models.ids.public_id, editable=False, max_length=12, unique=True),
                ),
                (
                    "label",
                    models.CharField(
                        max_length=40,
                        validators=[
                            prompts_app.models.text.refuse_invisible,
                            django.core.validators.RegexValidator(
                                "^[^\\W_](?:[^\\W_]|[ -]){0,38}\\Z",
                                "Use letters, digits, spaces and hyphens, a letter first.",
                            ),
                        ],
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        max_length=8000,
                        validators=[
                            django.core.validators.ProhibitNullCharactersValidator(
                                message="This text has a NUL character in it, which cannot be stored. Take it out and save again."
                            )
                        ],
                    ),
                ),
                ("salt", models.CharField(editable=False, max_length=32)),
                ("digest", models.CharField(db_index=True, editable=False, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="private_spans",
                        to="prompts_app.prompt",
                    ),
                ),
            ],
            options={"ordering": ["created_at", "pk"]},
        ),
    ]
