"""On Postgres, a search is told what it costs to look at the words of a document.

Its planner takes a look at a tsvector for as cheap as a look at a number, though it has to be fetched from
beside the table and unpacked first (1.5 µs; 14 ms for all of 10,000 documents where 1 ms was enough). This
function is always true; what it is said to cost is what makes the planner go by the words' index in time. It
is not said to be safe in parallel: to start others for it takes longer than all of a search.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

MAKE = """
    CREATE OR REPLACE FUNCTION prompts_app_words_are_read(place bigint) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE COST 300 AS 'BEGIN RETURN true; END'
"""
DROP = "DROP FUNCTION IF EXISTS prompts_app_words_are_read(bigint)"


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(MAKE)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0003_lists_and_jobs")]

    operations = [migrations.RunPython(make, drop)]
