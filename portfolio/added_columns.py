"""A column added to a large table, or made wider, without writing the table anew.

On SQLite, Django copies the whole table for any column that is not null: at a million prompts that takes
minutes and twice the disk, and triggers are lost. SQLite itself only notes a constant default. On Postgres it
is Django's.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddField, AlterField
from django.db.migrations.state import ProjectState


class AddColumn(AddField):
    """``AddField`` for a column with a constant default; the default stays in SQLite's schema."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field: Any = model._meta.get_field(self.name)
        definition, values = schema_editor.column_sql(model, field, include_default=True)
        said = schema_editor.sql_create_column % {
            "table": schema_editor.quote_name(model._meta.db_table),
            "column": schema_editor.quote_name(field.column),
            "definition": definition,
        }
        schema_editor.execute(said % tuple(map(schema_editor.quote_value, values or ())))


class WidenColumn(AlterField):
    """``AlterField`` for a text that may be longer from now on: SQLite holds no text to a length."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
