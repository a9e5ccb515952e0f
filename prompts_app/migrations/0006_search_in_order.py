"""The search's index in the order of evidence, and one more over what stands above the text.

SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters
SearchDocument has to run ``make_index`` again.
"""

from django.db import migrations, models

ALL = ("title", "tags", "summary", "author", "body", "of_author")
HEAD = ("title", "tags", "summary", "author", "of_author")
TOKENIZE = "tokenize='porter unicode61 remove_diacritics 2'"
TABLES = {"prompts_app_search": (ALL, "3 4"), "prompts_app_search_head": (HEAD, "3 4 5 6 7 8")}


def _forget(table, columns):
    old = ", ".join(f"old.{name}" for name in columns)
    return f"INSERT INTO {table}({table}, rowid, {', '.join(columns)}) VALUES ('delete', old.place, {old});"


def _learn(table, columns):
    new = ", ".join(f"new.{name}" for name in columns)
    return f"INSERT INTO {table}(rowid, {', '.join(columns)}) VALUES (new.place, {new});"


FORGET = " ".join(_forget(table, columns) for table, (columns, _) in TABLES.items())
LEARN = " ".join(_learn(table, columns) for table, (columns, _) in TABLES.items())
HAS_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in ("place", *ALL))
DROP_TRIGGERS = [f"DROP TRIGGER IF EXISTS prompts_app_search_{name}" for name in ("insert", "delete", "update")]

SQLITE = [
    *(
        f"""CREATE VIRTUAL TABLE {table} USING fts5(
            {", ".join(columns)}, content='prompts_app_searchdocument', content_rowid='place',
            {TOKENIZE}, prefix='{prefix}')"""
        for table, (columns, prefix) in TABLES.items()
    ),
    f"""CREATE TRIGGER prompts_app_search_insert AFTER INSERT ON prompts_app_searchdocument
        BEGIN {LEARN} END""",
    f"""CREATE TRIGGER prompts_app_search_delete AFTER DELETE ON prompts_app_searchdocument
        BEGIN {FORGET} END""",
    f"""CREATE TRIGGER prompts_app_search_update AFTER UPDATE ON prompts_app_searchdocument
        WHEN {HAS_CHANGED} BEGIN {FORGET} {LEARN} END""",
    *(f"INSERT INTO {table}({table}) VALUES ('rebuild')" for table in TABLES),
]
SQLITE_BACK = [*DROP_TRIGGERS, *(f"DROP TABLE {table}" for table in TABLES)]

# Of documents in the order of their places a tsvector is read after the other, so they stay in the row where
# they fit. Short lists of what is not yet in an index, which each search has to go through.
TITLES = " || ".join(f"setweight(to_tsvector('{config}', title), 'A')" for config in ("english", "simple"))
DOCUMENTS = "ALTER TABLE prompts_app_searchdocument"
POSTGRES = [
    f"{DOCUMENTS} ALTER head SET STORAGE MAIN, ALTER stems SET STORAGE MAIN, ALTER words SET STORAGE MAIN",
    f"{DOCUMENTS} ADD COLUMN titles tsvector GENERATED ALWAYS AS ({TITLES}) STORED",
    *(
        f"""CREATE INDEX prompts_app_search_{name} ON prompts_app_searchdocument
            USING gin ({name}) WITH (gin_pending_list_limit = 256)"""
        for name in ("titles", "head")
    ),
    *(
        f"ALTER INDEX prompts_app_search_{name} SET (gin_pending_list_limit = 256)"
        for name in ("stems", "words")
    ),
]
POSTGRES_BACK = [f"{DOCUMENTS} DROP COLUMN titles", "DROP INDEX prompts_app_search_head"]

# As search.place_of and search.author_key were when this was written.
PLACE = """
    UPDATE prompts_app_searchdocument SET (place, of_author) = (
        SELECT (((CASE WHEN p.evidence_judged THEN 8 ELSE 0 END + coalesce(p.evidence_level + 1, 0)) * 1024
                + CAST(floor(p.evidence_low * 1023) AS bigint)) * 1099511627776) + p.id
            - CASE WHEN p.visibility = 'public' AND u.is_active AND f.visibility = 'public'
                THEN 0 ELSE 1152921504606846976 END,
            '\ue000' || p.owner_id
        FROM prompts_app_prompt p
        JOIN prompts_app_user u ON u.id = p.owner_id JOIN prompts_app_profile f ON f.user_id = u.id
        WHERE p.id = prompts_app_searchdocument.prompt_id)
"""


def _run(schema_editor, on_postgres, on_sqlite):
    for statement in on_postgres if schema_editor.connection.vendor == "postgresql" else on_sqlite:
        schema_editor.execute(statement, params=None)


def drop_former_index(apps, schema_editor):
    _run(schema_editor, [], [*DROP_TRIGGERS, "DROP TABLE prompts_app_search"])


def place(apps, schema_editor):
    schema_editor.execute(PLACE, params=None)


def make_index(apps, schema_editor):
    _run(schema_editor, POSTGRES, SQLITE)


def drop_index(apps, schema_editor):
    _run(schema_editor, POSTGRES_BACK, SQLITE_BACK)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0005_listing_triggers")]

    operations = [
        migrations.RunPython(drop_former_index),
        migrations.AddField("searchdocument", "place", models.BigIntegerField(null=True)),
        migrations.AddField(
            "searchdocument", "of_author", models.CharField(max_length=24, default="", db_index=True)
        ),
        migrations.RunPython(place, migrations.RunPython.noop),
        migrations.AlterField("searchdocument", "place", models.BigIntegerField(unique=True)),
        migrations.AlterField("searchdocument", "of_author", models.CharField(max_length=24, db_index=True)),
        migrations.RunPython(make_index, drop_index),
    ]
