"""Tags of any script; and the search's documents with runs of scripts without spaces in pairs of letters.

The triggers of ``0002_search`` (SQLite) and the generated columns (Postgres) follow each changed row.
"""

import unicodedata

import prompts_app.models.tags
import regex
from django.db import migrations, models

LONGEST = 60_000
FIELDS = ("title", "tags", "summary", "author", "body")
# As search.in_words was when this was written.
RUN = regex.compile(
    r"[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}"
    r"--[\p{P}\p{S}\p{N}\s]]+",
    regex.V1,
)


def pairs(run):
    return " " + " ".join(run[0][at : at + 2] for at in range(len(run[0]))) + " "


def in_words(text):
    return RUN.sub(pairs, unicodedata.normalize("NFKC", text))[:LONGEST]


def rewrite(apps, schema_editor):
    documents = apps.get_model("prompts_app", "SearchDocument").objects
    changed = []
    for document in documents.order_by("pk").iterator(chunk_size=200):
        was = [getattr(document, name) for name in FIELDS]
        words = [in_words(text) for text in was]
        if words != was:
            for name, text in zip(FIELDS, words, strict=True):
                setattr(document, name, text)
            changed.append(document)
        if len(changed) == 200:
            documents.bulk_update(changed, FIELDS)
            changed = []
    documents.bulk_update(changed, FIELDS)


class Migration(migrations.Migration):

    dependencies = [("prompts_app", "0016_who_answered")]

    operations = [
        migrations.AlterField(
            model_name="tag",
            name="name",
            field=models.CharField(
                max_length=40, unique=True, validators=[prompts_app.models.tags.refuse_odd_tag]
            ),
        ),
        migrations.RunPython(rewrite, migrations.RunPython.noop),
    ]
