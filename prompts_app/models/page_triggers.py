"""The triggers that say which stored pages a change makes out of date, for SQLite and for Postgres.

One list for both: a table, when its change can be seen on a public page, and whose pages these are. They are
made anew by each ``migrate``: SQLite drops a table's triggers when a migration rebuilds the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from prompts_app.models.page_changes import LIST, SITE, TABLE, change

INSERT, UPDATE, DELETE = "INSERT", "UPDATE", "DELETE"
PREFIX = "page_change_"

_PROMPT, _VERSION = "prompts_app_prompt", "prompts_app_version"
_RUN, _RESULT = "prompts_app_run", "prompts_app_result"

# Whose pages, as selects of keys. {row} is OLD or NEW.
_OF_PROMPT = (
    f"SELECT 'p:' || id FROM {_PROMPT} WHERE id {{which}} AND visibility <> 'private'",
    f"SELECT 'w:' || owner_id FROM {_PROMPT} WHERE id {{which}} AND visibility = 'public'",
    f"SELECT '{LIST}' FROM {_PROMPT} WHERE id {{which}} AND visibility = 'public'",
)
# A fork is named on its origin's page and an origin on its forks'. So who opens or closes one changes both.
_ORIGINS = f"SELECT 'p:' || v.prompt_id FROM {_PROMPT} f JOIN {_VERSION} v ON v.id = f.forked_from_id WHERE "
_FORKS = f"SELECT 'p:' || f.id FROM {_PROMPT} f JOIN {_VERSION} v ON v.id = f.forked_from_id WHERE "


def _of_prompts(which: str) -> tuple[str, ...]:
    return tuple(select.format(which=which) for select in _OF_PROMPT)


def _of_person(person: str) -> tuple[str, ...]:
    owned = f"(SELECT id FROM {_PROMPT} WHERE owner_id = {person})"
    forks = f"{_FORKS} v.prompt_id IN {owned}"
    return (f"SELECT 'a:' || {person}", f"SELECT '{LIST}'", f"{_ORIGINS} f.owner_id = {person}", forks)


_OF_PROMPT_ITSELF = (
    "SELECT 'p:' || {row}.id",
    "SELECT 'w:' || {row}.owner_id WHERE {row}.visibility = 'public'",
    f"SELECT '{LIST}' WHERE {{row}}.visibility = 'public'",
    f"SELECT 'p:' || prompt_id FROM {_VERSION} WHERE id = {{row}}.forked_from_id",
    f"{_FORKS} v.prompt_id = {{row}}.id",
)
_OF_ENDED_RUN = f"IN (SELECT prompt_id FROM {_RUN} WHERE id = {{row}}.run_id AND {{ended}})"
_ENDED = "state NOT IN ('queued', 'running')"


@dataclass(frozen=True, slots=True)
class Watched:
    """``keys``: selects, of the row before and the row after. ``when``: a condition on a row: one of the
    two has to meet. ``differs``: of an update one of these columns has to differ."""

    table: str
    keys: tuple[str, ...]
    events: tuple[str, ...] = (INSERT, UPDATE, DELETE)
    when: str = ""
    differs: tuple[str, ...] = ()


_RESULTS_PROMPT = _OF_ENDED_RUN.replace("{ended}", _ENDED)
_PICTURES_PROMPT = (
    f"IN (SELECT r.prompt_id FROM {_RESULT} x JOIN {_RUN} r ON r.id = x.run_id "
    f"WHERE x.id = {{row}}.result_id AND r.{_ENDED})"
)
_TAGGED = "IN (SELECT prompt_id FROM prompts_app_prompt_tags WHERE tag_id = {row}.id)"

WATCHED = (
    Watched(_PROMPT, _OF_PROMPT_ITSELF, when="{row}.visibility <> 'private'"),
    *(
        Watched(f"prompts_app_{name}", _of_prompts("= {row}.prompt_id"))
        for name in (
            "version",
            "case",
            "casepicturefile",
            "knownfailure",
            "privatespan",
            "prompt_tags",
            "searchdocument",
        )
    ),
    Watched(
        "prompts_app_listing",
        (
            "SELECT 'w:' || {row}.owner_id",
            f"SELECT '{LIST}' WHERE {{row}}.is_listed",
            f"{_ORIGINS} f.id = {{row}}.prompt_id",
        ),
    ),
    # What a run that is under way writes shows nowhere: pages that read one are not stored (see Reading).
    Watched(_RUN, _of_prompts("= {row}.prompt_id"), when=f"{{row}}.{_ENDED}"),
    Watched(_RESULT, _of_prompts(_RESULTS_PROMPT)),
    Watched("prompts_app_picturefile", _of_prompts(_PICTURES_PROMPT)),
    Watched("prompts_app_seal", _of_prompts(f"IN (SELECT prompt_id FROM {_RUN} WHERE id = {{row}}.run_id)")),
    Watched("prompts_app_tag", _of_prompts(_TAGGED), (UPDATE, DELETE)),
    # An account that is new has no page anybody has asked for.
    Watched("prompts_app_profile", _of_person("{row}.user_id"), (UPDATE, DELETE)),
    Watched(
        "prompts_app_user",
        _of_person("{row}.id"),
        (UPDATE, DELETE),
        differs=("username", "is_active", "is_superuser", "date_joined"),
    ),
    Watched(
        "prompts_app_face",
        _of_person("(SELECT user_id FROM prompts_app_profile WHERE id = {row}.profile_id)"),
    ),
    Watched("prompts_app_signingkey", (f"SELECT '{LIST}'",)),
)


@dataclass(frozen=True, slots=True)
class Trigger:
    watched: Watched
    event: str

    @property
    def rows(self) -> tuple[str, ...]:
        return {INSERT: ("NEW",), DELETE: ("OLD",), UPDATE: ("OLD", "NEW")}[self.event]

    @property
    def keys(self) -> str:
        """One select of all keys. What hung on a row that is gone by now has none."""
        selects = [select.format(row=row) for row in self.rows for select in self.watched.keys]
        found = " UNION ".join(["SELECT NULL AS key", *dict.fromkeys(selects)])
        return f"SELECT key FROM ({found}) AS changed WHERE key IS NOT NULL"

    @property
    def condition(self) -> str:
        parts = []
        if self.watched.when:
            parts.append(" OR ".join(self.watched.when.format(row=row) for row in self.rows))
        if self.watched.differs and self.event == UPDATE:
            parts.append(" OR ".join(f"OLD.{name} <> NEW.{name}" for name in self.watched.differs))
        return " AND ".join(f"({part})" for part in parts)

    @property
    def name(self) -> str:
        """With a digest of what it does: another release's is told from ours."""
        digest = sha256(f"{self.keys} {self.condition}".encode()).hexdigest()[:8]
        return f"{PREFIX}{self.watched.table.removeprefix('prompts_app_')}_{self.event.lower()}_{digest}"

    def sqlite(self) -> Iterator[str]:
        """Deleted and written anew, no REPLACE: inside a trigger that does what the statement that set it off
        says of conflicts, and INSERT OR IGNORE would ignore."""
        when = f"WHEN {self.condition}" if self.condition else ""
        yield (
            f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.watched.table} {when} BEGIN "
            f"DELETE FROM {TABLE} WHERE key IN ({self.keys}); "
            f"INSERT INTO {TABLE} (key) {self.keys}; END"
        )

    def postgresql(self) -> Iterator[str]:
        """A row for each transaction, so that none waits for another's to end."""
        when = f"WHEN ({self.condition})" if self.condition else ""
        yield (
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO {TABLE} (key, xid) SELECT key, pg_current_xact_id() "
            f"FROM ({self.keys}) AS keys ON CONFLICT DO NOTHING; RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.watched.table} "
            f"FOR EACH ROW {when} EXECUTE FUNCTION {self.name}()"
        )


TRIGGERS = [Trigger(watched, event) for watched in WATCHED for event in watched.events]

_PAUSED = f"{TABLE}_paused"
_MAKE_TABLE = {
    "sqlite": f"CREATE TABLE IF NOT EXISTS {TABLE} "
    "(id integer NOT NULL PRIMARY KEY AUTOINCREMENT, key text NOT NULL UNIQUE)",
    "postgresql": f"CREATE TABLE IF NOT EXISTS {TABLE} (key text NOT NULL, xid xid8 NOT NULL, "
    "at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (key, xid))",
}
_NAMES_THERE = {
    "sqlite": f"SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name GLOB '{PREFIX}*'",
    "postgresql": f"SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ '^{PREFIX}'",
}


def are_there() -> bool:
    """Whether this release's triggers are in the database, and no other's."""
    return {name for name, _ in _found(connection)} == {trigger.name for trigger in TRIGGERS}


def make_triggers(using: str) -> None:
    """With their table. Pages that were stored before are made anew."""
    at = connections[using]
    with transaction.atomic(using=using), at.cursor() as cursor:
        _rename(at, _PAUSED, TABLE)
        cursor.execute(_MAKE_TABLE[at.vendor])
        for trigger in TRIGGERS:
            for statement in getattr(trigger, at.vendor)():
                cursor.execute(statement)
        change(SITE, using)


def drop_triggers(using: str) -> None:
    """All of them, of whatever release. Their table is put out of reach: until they are back, nothing that is
    stored can be checked, so nothing is served."""
    at = connections[using]
    with transaction.atomic(using=using), at.cursor() as cursor:
        for name, table in _found(at):
            if at.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}()")
            else:
                cursor.execute(f"DROP TRIGGER {name}")
        _rename(at, TABLE, _PAUSED)


def _rename(at: BaseDatabaseWrapper, old: str, new: str) -> None:
    """Where there is such a table. On SQLite it keeps its numbers, which must never be given twice."""
    with at.cursor() as cursor:
        if old in at.introspection.table_names(cursor):
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def _found(at: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    with at.cursor() as cursor:
        cursor.execute(_NAMES_THERE[at.vendor])
        return list(cursor.fetchall())
