import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import prompts_app.models.ids


class Migration(migrations.Migration):

    dependencies = [("prompts_app", "0010_private_spans")]

    operations = [
        migrations.CreateModel(
            name="BlindVote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("choice", models.CharField(choices=[("one", "The first of the pair"), ("other", "The second of the pair"), ("neither", "No difference")], max_length=7)),
                ("voter", models.CharField(max_length=32)),
                ("place", models.CharField(blank=True, max_length=5)),
                ("one", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="prompts_app.result")),
                ("other", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="prompts_app.result")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("one", "other", "voter"), name="one_blind_vote_per_visitor"),
                    models.UniqueConstraint(condition=models.Q(("place", ""), _negated=True), fields=("one", "other", "place"), name="one_blind_vote_per_network"),
                ],
            },
        ),
        migrations.CreateModel(
            name="KnownFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(default=prompts_app.models.ids.public_id, editable=False, max_length=12, unique=True)),
                ("case_index", models.PositiveIntegerField()),
                ("diagnosis", models.TextField(max_length=4000, validators=[django.core.validators.ProhibitNullCharactersValidator(message="This text has a NUL character in it, which cannot be stored. Take it out and save again.")])),
                ("position", models.PositiveIntegerField(default=0)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("fixed_in", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="prompts_app.version")),
                ("prompt", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="known_failures", to="prompts_app.prompt")),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="known_failures", to="prompts_app.run")),
            ],
            options={
                "ordering": ["position", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "case_index"), name="known_failure_once_per_case_of_a_run"),
                ],
            },
        ),
    ]
