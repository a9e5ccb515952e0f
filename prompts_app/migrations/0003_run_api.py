"""``Run.asks`` is ``Run.api``: it names the API that a run's calls go to. Sealed records and bundles keep the
key "asks", which is a promise to their readers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0002_squashed_search")]
    operations = [migrations.RenameField("run", "asks", "api")]
