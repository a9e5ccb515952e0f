"""What no model describes: the full-text index over SearchDocument, FTS5 with triggers on SQLite, generated
tsvectors on Postgres; and the table of the default cache, so that nobody has to know of createcachetable.

SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters
SearchDocument has to run ``make_index`` again.
"""

from django.core.management import call_command
from django.db import migrations

CACHE_TABLE = "proofsheet_cache"  # settings.CACHE_TABLE

COLUMNS = ("title", "tags", "summary", "author", "body")
NAMES = ", ".join(COLUMNS)
NEW = ", ".join(f"new.{name}" for name in COLUMNS)
OLD = ", ".join(f"old.{name}" for name in COLUMNS)
FORGET = f"INSERT INTO prompts_app_search(prompts_app_search, rowid, {NAMES}) VALUES ('delete', old.id, {OLD});"
LEARN = f"INSERT INTO prompts_app_search(rowid, {NAMES}) VALUES (new.id, {NEW});"

SQLITE = [
    f"""CREATE VIRTUAL TABLE prompts_app_search USING fts5(
        {NAMES}, content='prompts_app_searchdocument', content_rowid='id',
        tokenize='porter unicode61 remove_diacritics 2', prefix='2 3')""",
    f"""CREATE TRIGGER prompts_app_search_insert AFTER INSERT ON prompts_app_searchdocument
        BEGIN {LEARN} END""",
    f"""CREATE TRIGGER prompts_app_search_delete AFTER DELETE ON prompts_app_searchdocument
        BEGIN {FORGET} END""",
    f"""CREATE TRIGGER prompts_app_search_update AFTER UPDATE ON prompts_app_searchdocument
        BEGIN {FORGET} {LEARN} END""",
    "INSERT INTO prompts_app_search(prompts_app_search) VALUES ('rebuild')",
]
SQLITE_BACK = [
    "DROP TRIGGER prompts_app_search_insert",
    "DROP TRIGGER prompts_app_search_delete",
    "DROP TRIGGER prompts_app_search_update",
    "DROP TABLE prompts_app_search",
]


def _vector(config: str, columns: str, weights: str) -> str:
    parts = zip(columns.split(), weights, strict=True)
    return " || ".join(f"setweight(to_tsvector('{config}', {column}), '{weight}')" for column, weight in parts)


# Found by stems ("invoices" finds "invoice") or by words as they stand (a product's odd name). They are
# two columns because a phrase must not begin in one and end in the other. "head" only ranks: everything
# but the long text, each part with a weight of its own.
ALL, ALL_WEIGHTS = "title tags summary author body", "ABCDD"
HEAD = f"{_vector('english', 'title tags summary author', 'ABCD')} || {_vector('simple', 'title tags summary author', 'ABCD')}"
POSTGRES = [
    f"""ALTER TABLE prompts_app_searchdocument
        ADD COLUMN head tsvector GENERATED ALWAYS AS ({HEAD}) STORED,
        ADD COLUMN stems tsvector GENERATED ALWAYS AS ({_vector("english", ALL, ALL_WEIGHTS)}) STORED,
        ADD COLUMN words tsvector GENERATED ALWAYS AS ({_vector("simple", ALL, ALL_WEIGHTS)}) STORED""",
    "CREATE INDEX prompts_app_search_stems ON prompts_app_searchdocument USING gin (stems)",
    "CREATE INDEX prompts_app_search_words ON prompts_app_searchdocument USING gin (words)",
]
POSTGRES_BACK = ["ALTER TABLE prompts_app_searchdocument DROP COLUMN stems, DROP COLUMN words, DROP COLUMN head"]


def make_index(apps, schema_editor):
    for statement in POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement, params=None)


def drop_index(apps, schema_editor):
    for statement in POSTGRES_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK:
        schema_editor.execute(statement, params=None)


def make_cache_table(apps, schema_editor):
    call_command("createcachetable", CACHE_TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop_cache_table(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(CACHE_TABLE)}")


class Migration(migrations.Migration):
    replaces = [("prompts_app", "0002_search")]
    dependencies = [("prompts_app", "0001_squashed")]

    operations = [
        migrations.RunPython(make_index, drop_index),
        migrations.RunPython(make_cache_table, drop_cache_table),
    ]
