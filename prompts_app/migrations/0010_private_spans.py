from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0009_pictures")]

    operations = []  # type: ignore[var-annotated]  # filled before this is merged
