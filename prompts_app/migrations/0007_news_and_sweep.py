"""A prompt's newest entry in a feed, kept in its narrow row; and the runs that are under way, by themselves.

The column may be null, so that SQLite adds it in place: it drops the triggers of a table it rebuilds.
"""

from django.db import migrations, models


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
                condition=models.Q(("state__in", ["queued", "running"])),
                name="run_under_way",
            ),
        ),
    ]
