from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0003_seals")]

    operations = [
        migrations.CreateModel(
            name="SampleBundle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("handle", models.CharField(max_length=30, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("prompts", models.JSONField(default=dict)),
                ("loaded_at", models.DateTimeField(auto_now=True)),
            ],
        ),
    ]
