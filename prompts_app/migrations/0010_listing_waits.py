"""Who closes an account or its page waits for those who write its narrow rows at that moment.

On Postgres one who had read the author as open, and wrote the row after it was deleted, left it there for
good. They hold their prompts (``evidence.listings``), in the order of their numbers: so those are waited for,
in the same order, before the rows go. On SQLite one writes at a time.
"""

from django.db import migrations

WAIT = "PERFORM FROM prompts_app_prompt WHERE owner_id = {owner} ORDER BY id FOR NO KEY UPDATE;"
PROFILE = """
    DELETE FROM prompts_app_listing WHERE owner_id = NEW.user_id AND NEW.visibility = 'private';
    UPDATE prompts_app_listing SET is_listed = (NEW.visibility = 'public') WHERE owner_id = NEW.user_id;
"""
USER = "DELETE FROM prompts_app_listing WHERE owner_id = NEW.id;"


def _replace(schema_editor, bodies):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, body in bodies.items():
        schema_editor.execute(
            f"CREATE OR REPLACE FUNCTION prompts_app_listing_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {body} RETURN NULL; END $$",
            params=None,
        )


def wait(apps, schema_editor):
    profile, user = WAIT.format(owner="NEW.user_id"), WAIT.format(owner="NEW.id")
    _replace(schema_editor, {"profile": profile + PROFILE, "user": user + USER})


def wait_no_longer(apps, schema_editor):
    _replace(schema_editor, {"profile": PROFILE, "user": USER})


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0009_jobs")]

    operations = [migrations.RunPython(wait, wait_no_longer)]
