"""What came since the last release: the narrow rows by which lists show prompts, the search in the order of
evidence, and work in the background.

What the database keeps by itself of the narrow rows (models.listings), terms, counts and privacy, follows from
``Listing`` alone, however its rows come, change and go. A prompt that is made private, or whose author's page
or account is, loses its row in the same statement, whoever writes it.

SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters Listing, Prompt,
Profile or User has to run ``make_triggers`` again, and one that alters SearchDocument ``make_index``. A test
says which are missing.

It replaces eight migrations that came one by one between two releases. A database that has all of them is
taken as it is, and one that has none gets this. One that stopped at any of 0003 to 0009 cannot be upgraded from
there: ``migrate`` says so, and what to do (portfolio.release.what_is_half_done).
"""

import django.db.models.deletion
import django.utils.timezone
import prompts_app.models.ids
from django.conf import settings
from django.db import migrations, models


KEYS = "by_evidence, by_published, by_tested"
NEW_KEYS = ", ".join(f"NEW.{key}" for key in KEYS.split(", "))

# A pair counts where both are not of one kind: nobody asks how many of one tag have another.
SQLITE_PAIRS = """
    SELECT b.kind || '|' || a.term AS given, b.term AS term
    FROM (SELECT '' AS kind, '' AS term UNION ALL
          SELECT substr(value, 1, instr(value, ':') - 1), value FROM json_each({row}.terms)) AS a,
         (SELECT '' AS kind, '' AS term UNION ALL
          SELECT substr(value, 1, instr(value, ':') - 1), value FROM json_each({row}.terms)) AS b
    WHERE {row}.is_listed AND (a.term = '' OR b.term <> '' AND a.kind <> b.kind)
"""
SQLITE_LEARN = f"""
    INSERT INTO prompts_app_listingterm (listing_id, term, is_listed, {KEYS})
        SELECT NEW.prompt_id, value, NEW.is_listed, {NEW_KEYS} FROM json_each(NEW.terms);
    INSERT INTO prompts_app_listingcount (given, term, n, is_new)
        SELECT given, term, 1, 0 FROM ({SQLITE_PAIRS.format(row="NEW")}) WHERE true
        ON CONFLICT (given, term) DO UPDATE SET n = n + 1;
"""
SQLITE_FORGET = f"""
    DELETE FROM prompts_app_listingterm WHERE listing_id = OLD.prompt_id;
    UPDATE prompts_app_listingcount SET n = n - 1 WHERE (given, term) IN ({SQLITE_PAIRS.format(row="OLD")});
"""
CHANGED = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in ["terms", "is_listed", *KEYS.split(", ")])
SQLITE_TRIGGERS = [
    "CREATE UNIQUE INDEX count_of_term ON prompts_app_listingcount (given, term)",
    f"""CREATE TRIGGER prompts_app_listing_added AFTER INSERT ON prompts_app_listing
        BEGIN {SQLITE_LEARN} END""",
    f"""CREATE TRIGGER prompts_app_listing_removed AFTER DELETE ON prompts_app_listing
        BEGIN {SQLITE_FORGET} END""",
    f"""CREATE TRIGGER prompts_app_listing_changed AFTER UPDATE ON prompts_app_listing
        WHEN {CHANGED} BEGIN {SQLITE_FORGET} {SQLITE_LEARN} END""",
    """CREATE TRIGGER prompts_app_listing_prompt AFTER UPDATE OF visibility ON prompts_app_prompt
        WHEN NEW.visibility <> 'public'
        BEGIN DELETE FROM prompts_app_listing WHERE prompt_id = NEW.id; END""",
    """CREATE TRIGGER prompts_app_listing_profile AFTER UPDATE OF visibility ON prompts_app_profile
        WHEN NEW.visibility <> OLD.visibility
        BEGIN
            DELETE FROM prompts_app_listing WHERE owner_id = NEW.user_id AND NEW.visibility = 'private';
            UPDATE prompts_app_listing SET is_listed = (NEW.visibility = 'public') WHERE owner_id = NEW.user_id;
        END""",
    """CREATE TRIGGER prompts_app_listing_user AFTER UPDATE OF is_active ON prompts_app_user
        WHEN NOT NEW.is_active
        BEGIN DELETE FROM prompts_app_listing WHERE owner_id = NEW.id; END""",
]
TRIGGERS = {
    "prompts_app_listing_added": "prompts_app_listing",
    "prompts_app_listing_removed": "prompts_app_listing",
    "prompts_app_listing_changed": "prompts_app_listing",
    "prompts_app_listing_prompt": "prompts_app_prompt",
    "prompts_app_listing_profile": "prompts_app_profile",
    "prompts_app_listing_user": "prompts_app_user",
}

POSTGRES_PAIRS = """
    CREATE FUNCTION prompts_app_listing_pairs(terms jsonb) RETURNS TABLE (given text, term text)
    LANGUAGE sql IMMUTABLE AS $$
        WITH one AS (
            SELECT '' AS kind, '' AS term
            UNION ALL SELECT split_part(value, ':', 1), value FROM jsonb_array_elements_text(terms) AS value
        )
        SELECT b.kind || '|' || a.term, b.term FROM one AS a, one AS b
        WHERE a.term = '' OR b.term <> '' AND a.kind <> b.kind
    $$
"""
POSTGRES_COUNT = """
    INSERT INTO prompts_app_listingcount (given, term, n, is_new)
    SELECT given, term, sum(n), true FROM ({rows}) AS pairs GROUP BY given, term HAVING sum(n) <> 0;
"""
POSTGRES_PAIRS_OF = "SELECT pair.given, pair.term, {n} AS n FROM {rows} AS l, prompts_app_listing_pairs(l.terms) AS pair WHERE l.is_listed"
POSTGRES_TERMS = f"""
    INSERT INTO prompts_app_listingterm (listing_id, term, is_listed, {KEYS})
    SELECT l.prompt_id, t.term, l.is_listed, {", ".join(f"l.{key}" for key in KEYS.split(", "))}
    FROM {{rows}} AS l, jsonb_array_elements_text(l.terms) AS t(term);
"""
ADDED, REMOVED = (
    POSTGRES_PAIRS_OF.format(n=1, rows="added"),
    POSTGRES_PAIRS_OF.format(n=-1, rows="removed"),
)
NOTHING_FOR_EMPTY = "IF NOT EXISTS (SELECT 1 FROM {rows}) THEN RETURN NULL; END IF;"
# Who closes an account or its page waits for those who write its narrow rows at that moment, which hold their
# prompts (``evidence.listings``) in the order of their numbers. Else one who had read the author as open, and
# wrote the row after it was deleted, left it there for good. On SQLite one writes at a time.
WAIT = "PERFORM FROM prompts_app_prompt WHERE owner_id = {owner} ORDER BY id FOR NO KEY UPDATE;"
POSTGRES_FUNCTIONS = {
    "added": NOTHING_FOR_EMPTY.format(rows="added")
    + POSTGRES_TERMS.format(rows="added")
    + POSTGRES_COUNT.format(rows=ADDED),
    "removed": NOTHING_FOR_EMPTY.format(rows="removed")
    + "DELETE FROM prompts_app_listingterm AS t USING removed AS l WHERE t.listing_id = l.prompt_id;"
    + POSTGRES_COUNT.format(rows=REMOVED),
    "changed": f"""
        IF NOT EXISTS (
            SELECT 1 FROM removed AS o JOIN added AS n USING (prompt_id)
            WHERE (o.terms, o.is_listed, o.by_evidence, o.by_published, o.by_tested)
                IS DISTINCT FROM (n.terms, n.is_listed, n.by_evidence, n.by_published, n.by_tested)
        ) THEN RETURN NULL; END IF;
        DELETE FROM prompts_app_listingterm AS t USING removed AS l WHERE t.listing_id = l.prompt_id;
        {POSTGRES_TERMS.format(rows="added")}
        {POSTGRES_COUNT.format(rows=f"{REMOVED} UNION ALL {ADDED}")}
    """,
    "prompt": "DELETE FROM prompts_app_listing WHERE prompt_id = NEW.id;",
    "profile": f"""
        {WAIT.format(owner="NEW.user_id")}
        DELETE FROM prompts_app_listing WHERE owner_id = NEW.user_id AND NEW.visibility = 'private';
        UPDATE prompts_app_listing SET is_listed = (NEW.visibility = 'public') WHERE owner_id = NEW.user_id;
    """,
    "user": f"{WAIT.format(owner='NEW.id')} DELETE FROM prompts_app_listing WHERE owner_id = NEW.id;",
}
POSTGRES_WHEN = {
    "added": "INSERT ON prompts_app_listing REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
    "removed": "DELETE ON prompts_app_listing REFERENCING OLD TABLE AS removed FOR EACH STATEMENT",
    "changed": "UPDATE ON prompts_app_listing REFERENCING OLD TABLE AS removed NEW TABLE AS added"
    " FOR EACH STATEMENT",
    "prompt": "UPDATE OF visibility ON prompts_app_prompt FOR EACH ROW WHEN (NEW.visibility <> 'public')",
    "profile": "UPDATE OF visibility ON prompts_app_profile FOR EACH ROW"
    " WHEN (NEW.visibility <> OLD.visibility)",
    "user": "UPDATE OF is_active ON prompts_app_user FOR EACH ROW WHEN (NOT NEW.is_active)",
}


def _postgres():
    yield "CREATE INDEX count_of_term ON prompts_app_listingcount (given, term) INCLUDE (n)"
    yield POSTGRES_PAIRS
    for name, body in POSTGRES_FUNCTIONS.items():
        function = f"prompts_app_listing_{name}"
        yield (
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {body} RETURN NULL; END $$"
        )
        yield f"CREATE TRIGGER {function} AFTER {POSTGRES_WHEN[name]} EXECUTE FUNCTION {function}()"


def make_triggers(apps, schema_editor):
    for statement in _postgres() if schema_editor.connection.vendor == "postgresql" else SQLITE_TRIGGERS:
        schema_editor.execute(statement, params=None)


def drop_triggers(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for trigger, table in TRIGGERS.items():
        schema_editor.execute(f"DROP TRIGGER {trigger}{f' ON {table}' if is_postgres else ''}")
        if is_postgres:
            schema_editor.execute(f"DROP FUNCTION {trigger}()")
    if is_postgres:
        schema_editor.execute("DROP FUNCTION prompts_app_listing_pairs(jsonb)")
    schema_editor.execute("DROP INDEX count_of_term")


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

SQLITE_INDEX = [
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
SQLITE_INDEX_BACK = [*DROP_TRIGGERS, *(f"DROP TABLE {table}" for table in TABLES)]

# Of documents in the order of their places a tsvector is read after the other, so they stay in the row where
# they fit. Short lists of what is not yet in an index, which each search has to go through.
TITLES = " || ".join(f"setweight(to_tsvector('{config}', title), 'A')" for config in ("english", "simple"))
DOCUMENTS = "ALTER TABLE prompts_app_searchdocument"
POSTGRES_INDEX = [
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
POSTGRES_INDEX_BACK = [f"{DOCUMENTS} DROP COLUMN titles", "DROP INDEX prompts_app_search_head"]

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
    _run(schema_editor, POSTGRES_INDEX, SQLITE_INDEX)


def drop_index(apps, schema_editor):
    _run(schema_editor, POSTGRES_INDEX_BACK, SQLITE_INDEX_BACK)


class Migration(migrations.Migration):
    replaces = [
        ("prompts_app", "0003_run_api"),
        ("prompts_app", "0004_listings"),
        ("prompts_app", "0005_listing_triggers"),
        ("prompts_app", "0006_search_in_order"),
        ("prompts_app", "0007_news_and_sweep"),
        ("prompts_app", "0008_import_parts"),
        ("prompts_app", "0009_jobs"),
        ("prompts_app", "0010_listing_waits"),
    ]
    dependencies = [("prompts_app", "0002_squashed_search")]

    operations = [
        # It names the API that a run's calls go to. Sealed records and bundles keep the key "asks", which is a
        # promise to their readers.
        migrations.RenameField("run", "asks", "api"),
        # Only lists of the site sorted prompts, and looked for public ones.
        migrations.RemoveIndex(model_name="prompt", name="prompt_best_first"),
        migrations.RemoveIndex(model_name="prompt", name="prompt_newest_first"),
        migrations.AlterField(
            "prompt",
            "visibility",
            models.CharField(
                choices=[("private", "Private"), ("unlisted", "Unlisted"), ("public", "Public")],
                default="private",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="Listing",
            fields=[
                (
                    "prompt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="listing",
                        serialize=False,
                        to="prompts_app.prompt",
                    ),
                ),
                ("is_listed", models.BooleanField()),
                ("handle", models.CharField(max_length=30)),
                ("author", models.CharField(max_length=80)),
                ("is_sample", models.BooleanField(default=False)),
                ("slug", models.SlugField(db_index=False, max_length=80)),
                ("title", models.TextField()),
                ("summary", models.TextField(blank=True)),
                (
                    "task",
                    models.CharField(
                        choices=[
                            ("extraction", "Extraction"),
                            ("classification", "Classification"),
                            ("summarising", "Summarising"),
                            ("rewriting", "Rewriting"),
                            ("writing", "Writing"),
                            ("translation", "Translation"),
                            ("dialogue", "Dialogue and role-play"),
                            ("questions", "Question answering"),
                            ("planning", "Planning"),
                            ("reasoning", "Reasoning"),
                            ("code", "Code and SQL"),
                            ("agent", "Agents and tools"),
                            ("image", "Image"),
                            ("other", "Other"),
                        ],
                        max_length=20,
                    ),
                ),
                ("pin_position", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField()),
                ("terms", models.JSONField(default=list)),
                ("by_evidence", models.BigIntegerField()),
                ("by_published", models.BigIntegerField()),
                ("by_tested", models.BigIntegerField()),
                ("by_news", models.BigIntegerField(null=True)),
                ("level", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("judged", models.BooleanField(default=False)),
                ("passed", models.PositiveIntegerField(default=0)),
                ("cases", models.PositiveIntegerField(default=0)),
                ("outputs", models.PositiveIntegerField(default=0)),
                ("errors", models.PositiveIntegerField(default=0)),
                ("low", models.FloatField(default=0.0)),
                ("is_outdated", models.BooleanField(default=False)),
                ("frames", models.TextField(blank=True)),
                ("version", models.PositiveIntegerField(default=0)),
                ("is_current", models.BooleanField(default=True)),
                ("main_model", models.CharField(blank=True, max_length=240)),
                ("on_models", models.JSONField(default=list)),
                ("cost_call", models.CharField(blank=True, max_length=40)),
                ("latency_ms", models.FloatField(blank=True, null=True)),
                ("tested_at", models.DateTimeField(blank=True, null=True)),
                ("base_version", models.PositiveIntegerField(default=0)),
                ("base_passed", models.PositiveIntegerField(default=0)),
                ("base_cases", models.PositiveIntegerField(default=0)),
                ("base_run", models.CharField(blank=True, max_length=12)),
                ("longer_version", models.PositiveIntegerField(default=0)),
                ("saved_percent", models.FloatField(default=0.0)),
                ("recorded_runs", models.PositiveIntegerField(default=0)),
                ("unanswered_runs", models.PositiveIntegerField(default=0)),
                ("deleted_runs", models.PositiveIntegerField(default=0)),
                ("ended_early", models.PositiveIntegerField(default=0)),
                ("endpoints", models.JSONField(default=list)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ListingCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("given", models.CharField(blank=True, max_length=250)),
                ("term", models.CharField(blank=True, max_length=250)),
                ("n", models.BigIntegerField()),
                ("is_new", models.BooleanField(default=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_new", True)), fields=["given", "term"], name="count_to_fold"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ListingTerm",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "listing_id", "term", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("term", models.CharField(max_length=250)),
                ("is_listed", models.BooleanField()),
                ("by_evidence", models.BigIntegerField()),
                ("by_published", models.BigIntegerField()),
                ("by_tested", models.BigIntegerField()),
                (
                    "listing",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="prompts_app.listing",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["-by_evidence", "prompt"],
                name="listing_best_first",
            ),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["-by_published", "-prompt"],
                name="listing_newest_first",
            ),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["-by_tested", "-prompt"],
                name="listing_tested_first",
            ),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["owner", "-by_evidence", "prompt"], name="listing_of_owner"),
        ),
        migrations.AddIndex(
            model_name="listingterm",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["term", "-by_evidence", "listing"],
                name="term_best_first",
            ),
        ),
        migrations.AddIndex(
            model_name="listingterm",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["term", "-by_published", "-listing"],
                name="term_newest_first",
            ),
        ),
        migrations.AddIndex(
            model_name="listingterm",
            index=models.Index(
                condition=models.Q(("is_listed", True)),
                fields=["term", "-by_tested", "-listing"],
                name="term_tested_first",
            ),
        ),
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
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="prompts_app.import"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "importpart", models.UniqueConstraint(fields=("of", "number"), name="import_part_unique")
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model,
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                )
                for model in ("prompt", "version", "case")
            ]
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=prompts_app.models.ids.public_id, editable=False, max_length=12, unique=True)),
                ('kind', models.CharField(choices=[('delete', 'Deleting the account'), ('refresh', 'Writing down anew what lists and the search read'), ('export', 'Exporting everything')], max_length=8)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'At work'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('total', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('cursor', models.JSONField(blank=True, default=dict)),
                ('claim', models.CharField(blank=True, max_length=36)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='JobPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='prompts_app.job')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'running'])), fields=('owner', 'kind'), name='job_one_of_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='jobpart',
            constraint=models.UniqueConstraint(fields=('job', 'number'), name='job_part_once'),
        ),
        migrations.RunPython(drop_former_index),
        migrations.AddField("searchdocument", "place", models.BigIntegerField(null=True)),
        migrations.AddField(
            "searchdocument", "of_author", models.CharField(max_length=24, default="", db_index=True)
        ),
        migrations.RunPython(place, migrations.RunPython.noop),
        migrations.AlterField("searchdocument", "place", models.BigIntegerField(unique=True)),
        migrations.AlterField("searchdocument", "of_author", models.CharField(max_length=24, db_index=True)),
        migrations.RunPython(make_index, drop_index),
        migrations.RunPython(make_triggers, drop_triggers),
    ]
