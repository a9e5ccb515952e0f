from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0008_first_runs")]

    operations = [
        migrations.AddField(
            model_name="result", name="picture", field=models.JSONField(blank=True, default=dict)
        ),
        migrations.AddField(
            model_name="run",
            name="asks",
            field=models.CharField(
                choices=[
                    ("chat", "Chat Completions: the outputs are texts"),
                    ("images", "The images API: the outputs are pictures"),
                ],
                default="chat",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="profile", name="face_digest", field=models.CharField(blank=True, max_length=64)
        ),
        migrations.CreateModel(
            name="PictureFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("data", models.BinaryField()),
                ("small", models.BinaryField()),
                (
                    "result",
                    models.OneToOneField(
                        on_delete=models.CASCADE, related_name="picture_file", to="prompts_app.result"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Face",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("data", models.BinaryField()),
                (
                    "profile",
                    models.OneToOneField(
                        on_delete=models.CASCADE, related_name="face", to="prompts_app.profile"
                    ),
                ),
            ],
        ),
    ]
