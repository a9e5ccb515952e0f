"""What the database keeps by itself of the narrow rows (models.listings): terms, counts, and privacy.

The terms and counts follow from ``Listing`` alone, however its rows come, change and go. A prompt that is made
private, or whose author's page or account is, loses its row in the same statement, whoever writes it.

SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters Listing, Prompt,
Profile or User has to run ``make_triggers`` again. A test says which are missing.
"""

from django.db import migrations

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
SQLITE = [
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
    "profile": """
        DELETE FROM prompts_app_listing WHERE owner_id = NEW.user_id AND NEW.visibility = 'private';
        UPDATE prompts_app_listing SET is_listed = (NEW.visibility = 'public') WHERE owner_id = NEW.user_id;
    """,
    "user": "DELETE FROM prompts_app_listing WHERE owner_id = NEW.id;",
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
    for statement in _postgres() if schema_editor.connection.vendor == "postgresql" else SQLITE:
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


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0004_listings")]

    operations = [
        # Only lists of the site sorted prompts.
        migrations.RemoveIndex(model_name="prompt", name="prompt_best_first"),
        migrations.RemoveIndex(model_name="prompt", name="prompt_newest_first"),
        migrations.RunPython(make_triggers, drop_triggers),
    ]
