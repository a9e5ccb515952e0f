from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0008_first_runs")]

    operations = []  # type: ignore[var-annotated]  # filled before this is merged
