"""What a fork keeps of where it came from when that is gone."""

from django.db import migrations, models

LICENCES = [
    ("CC-BY-4.0", "CC BY 4.0"),
    ("CC-BY-SA-4.0", "CC BY-SA 4.0"),
    ("CC0-1.0", "CC0 1.0 (public domain)"),
    ("MIT", "MIT"),
    ("reserved", "All rights reserved"),
]


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0011_votes_and_failures")]

    operations = [
        migrations.AddField(
            model_name="prompt",
            name="forked_licence",
            field=models.CharField(blank=True, choices=LICENCES, default="", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="prompt",
            name="forked_credit",
            field=models.CharField(blank=True, default="", max_length=500),
            preserve_default=False,
        ),
    ]
