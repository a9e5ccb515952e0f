"""The draft of an import becomes the import itself: it is kept, goes on after a kill, and can be undone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STATES = [
    ("preview", "Not imported yet"), ("queued", "Waiting"), ("running", "Being imported"), ("done", "Imported"),
    ("failed", "Not imported"), ("undoing", "Being undone"), ("undone", "Undone"),
]


class Migration(migrations.Migration):

    dependencies = [("prompts_app", "0022_named_models")]

    operations = [
        migrations.RenameModel("ImportDraft", "Import"),
        migrations.AlterModelOptions("import", {"ordering": ["-created_at", "-pk"]}),
        migrations.AlterField(
            "import",
            "owner",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="imports", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField("import", "kind", models.CharField(blank=True, max_length=20, default=""), False),
        migrations.AddField("import", "options", models.JSONField(blank=True, default=dict)),
        migrations.AddField(
            "import", "state", models.CharField(choices=STATES, default="preview", max_length=8)
        ),
        migrations.AddField("import", "total", models.PositiveIntegerField(default=0)),
        migrations.AddField("import", "done", models.PositiveIntegerField(default=0)),
        migrations.AddField("import", "report", models.JSONField(blank=True, default=dict)),
        migrations.AddField("import", "made", models.JSONField(blank=True, default=dict)),
        migrations.AddField("import", "problem", models.CharField(blank=True, max_length=500, default=""), False),
        migrations.AddField("import", "claim", models.CharField(blank=True, max_length=36, default=""), False),
        migrations.AddField("import", "lease_until", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("import", "finished_at", models.DateTimeField(blank=True, null=True)),
    ]
