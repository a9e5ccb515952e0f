"""The model as readers are told it: told anew from where it was asked when a prompt's summary is rebuilt."""

from django.db import migrations, models
from django.db.models import F


def name_as_asked(apps, schema_editor):
    apps.get_model("prompts_app", "Run").objects.update(named=F("model"))


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0021_provider_failures")]

    operations = [
        migrations.AddField("run", "named", models.CharField(blank=True, editable=False, max_length=240)),
        migrations.RunPython(name_as_asked, migrations.RunPython.noop),
    ]
