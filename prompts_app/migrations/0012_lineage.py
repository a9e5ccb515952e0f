from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0011_votes_and_failures")]

    operations = []  # type: ignore[var-annotated]  # filled before this is merged
