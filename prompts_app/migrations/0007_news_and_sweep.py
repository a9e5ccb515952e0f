"""A prompt's newest entry in a feed, kept in its narrow row; and the runs that are under way, by themselves.

The column may be null, so that SQLite adds it in place: it drops the triggers of a table it rebuilds.
"""

from django.db import migrations, models


def drop_visibility_index(apps, schema_editor):
    """By itself: for an altered field SQLite would rebuild the table, without its triggers."""
    table = apps.get_model("prompts_app", "Prompt")._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, table)
    for name, about in found.items():
        if about["columns"] == ["visibility"] and about["index"]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def make_visibility_index(apps, schema_editor):
    schema_editor.execute("CREATE INDEX prompts_app_prompt_visibility ON prompts_app_prompt (visibility)")


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0006_search_in_order")]

    operations = [
        migrations.AddField("listing", "by_news", models.BigIntegerField(null=True)),
        migrations.AddIndex(
            "listing",
            models.Index(
                fields=["-by_news", "-prompt"],
                condition=models.Q(("is_listed", True)),
                name="listing_news_first",
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["state", "created_at"],
                condition=models.Q(("finished_at", None)),
                name="run_under_way",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(drop_visibility_index, make_visibility_index)],
            [
                migrations.AlterField(
                    "prompt",
                    "visibility",
                    models.CharField(
                        choices=[("private", "Private"), ("unlisted", "Unlisted"), ("public", "Public")],
                        default="private",
                        max_length=8,
                    ),
                )
            ],
        ),
    ]
