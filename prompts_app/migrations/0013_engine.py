from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0012_lineage")]

    operations = []  # type: ignore[var-annotated]  # filled before this is merged
