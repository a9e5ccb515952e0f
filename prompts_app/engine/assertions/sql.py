"""Assertions on SQL in the output, with promptfoo's lists of what it may touch.

The parser is forgiving here and there, as databases are; what it refuses, no database of that kind takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

import regex

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.patterns import compile_pattern
from prompts_app.engine.assertions.values import options_problem, quote, quote_all
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.types import Answer, Assertion, Json

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

USUAL_DATABASE = "MySQL"  # promptfoo's
LONGEST_SQL = 50_000  # characters
PATTERN_TIMEOUT_S = 1.0

# promptfoo's names (its spelling varies) → the parser's.
DATABASES = {
    "athena": "athena", "bigquery": "bigquery", "hive": "hive", "mariadb": "mysql", "mysql": "mysql",
    "postgresql": "postgres", "redshift": "redshift", "snowflake": "snowflake", "sqlite": "sqlite",
    "transactsql": "tsql", "trino": "trino",
}  # fmt: skip
_OPTIONS = ("databaseType", "allowedTables", "allowedColumns")
_FENCE = re.compile(r"```([^\n`]*)\n(.*?)```", re.DOTALL)
_MAY_BE_SQL = {"", "sql", *DATABASES, *DATABASES.values()}
# What one database takes and another refuses, where the parser, which reads most of it for all, can tell.
# With each the databases that take it (manuals of 2026); by the parser's nodes, all of them or some.
_BY_NODE: tuple[tuple[str, str, str, Callable[[exp.Expr], bool] | None], ...] = (
    ("ILIKE", "ILike", "postgresql redshift snowflake", None),
    ("SIMILAR TO", "SimilarTo", "postgresql redshift", None),
    ("QUALIFY", "Qualify", "bigquery redshift snowflake", None),
    ("RETURNING", "Returning", "mariadb postgresql sqlite", None),
    ("FETCH FIRST", "Fetch", "athena mariadb postgresql snowflake transactsql trino", None),
    ("MERGE", "Merge", "athena bigquery hive postgresql redshift snowflake transactsql trino", None),
    ("PIVOT", "Pivot", "bigquery redshift snowflake transactsql", None),
    ("FILTER after an aggregate", "Filter", "athena postgresql sqlite trino", None),
    ("arrays", "Array", "athena bigquery hive postgresql redshift snowflake sqlite trino transactsql", None),
    ("generate_series", "GenerateSeries", "postgresql redshift sqlite transactsql", None),
    ("TABLESAMPLE", "TableSample", "athena bigquery hive postgresql snowflake transactsql trino", None),
    ("DISTINCT ON", "Distinct", "postgresql", lambda node: bool(node.args.get("on"))),
    (
        "FULL JOIN", "Join", "athena bigquery hive postgresql redshift snowflake sqlite transactsql trino",
        lambda node: node.args.get("side") == "FULL",
    ),
    ("ON CONFLICT", "OnConflict", "postgresql sqlite", lambda node: not node.args.get("duplicate")),
    ("ON DUPLICATE KEY", "OnConflict", "mariadb mysql", lambda node: bool(node.args.get("duplicate"))),
    (
        "EXCEPT among the columns", "Star", "bigquery redshift snowflake",
        lambda node: bool(node.args.get("except_")),
    ),
    ("LATERAL VIEW", "Lateral", "hive", lambda node: bool(node.args.get("view"))),
)  # fmt: skip
# By what follows what in the text, because nothing of it is left in what the parser makes.
_BY_TOKENS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("::", ("DCOLON",), "postgresql redshift snowflake"),
    ("REGEXP", ("RLIKE",), "hive mariadb mysql snowflake sqlite"),
    (
        "LIMIT", ("LIMIT", "NUMBER"),
        "athena bigquery hive mariadb mysql postgresql redshift snowflake sqlite trino",
    ),
    ("comma before FROM", ("COMMA", "FROM"), "bigquery snowflake"),
    ("LIMIT with a comma", ("LIMIT", "NUMBER", "COMMA"), "hive mariadb mysql sqlite"),
)  # fmt: skip


class _NotSql(Exception):
    """Why it is none, as a sentence."""


def _is_sql(assertion: Assertion, answer: Answer) -> Finding:
    return _held(assertion.value or {}, answer.output, "Is")


def _contains_sql(assertion: Assertion, answer: Answer) -> Finding:
    """In a fenced block where there is one; else the whole output has to be it."""
    fenced = [body for tag, body in _FENCE.findall(answer.output) if tag.strip().lower() in _MAY_BE_SQL]
    blocks = fenced or [answer.output]
    found = [_held(assertion.value or {}, block, "Contains") for block in blocks]
    return next((one for one in found if one.passed), found[0])


def _held(options: dict[str, Json], text: str, how: str) -> Finding:
    name = str(options.get("databaseType") or USUAL_DATABASE)
    if len(text) > LONGEST_SQL:
        raise CannotTell(f"The output is too long to be read as SQL: the most is {LONGEST_SQL:,} characters.")
    try:
        statements = _statements(text, _folded(name))
    except _NotSql as why:
        return Finding(False, 0.0, str(why))
    lists = (
        ("table", options.get("allowedTables") or [], _tables),
        ("column", _with_any_table(options.get("allowedColumns") or []), _columns),
    )
    for what, allowed, touched in lists:
        if allowed:
            used = [one for statement in statements for one in touched(statement)]
            until = monotonic() + PATTERN_TIMEOUT_S
            if refused := [one for one in used if not _is_allowed(one, allowed, until)]:
                return fact(False, f"Touches what no {what} of the list allows: {quote_all(refused)}.")
    return fact(True, f"{how} valid SQL for {name}.")


def _statements(text: str, database: str) -> Sequence[exp.Expr]:
    """Raises ``_NotSql``. The parser takes long to import, so it is imported at the first check."""
    import sqlglot
    from sqlglot import errors, exp

    dialect = DATABASES[database]
    try:
        found = [one for one in sqlglot.parse(text, dialect=dialect) if one is not None]
        refused = _refused_by(database, found, sqlglot.tokenize(text, dialect=dialect))
    except errors.SqlglotError as error:
        raise _NotSql(f"Is not valid SQL: {_said(error)}.") from None
    except RecursionError:
        raise _NotSql("Is not valid SQL, or nested too deeply to tell.") from None
    whole = (
        exp.Query, exp.DML, exp.DDL, exp.Drop, exp.Alter, exp.Show, exp.Describe, exp.Use, exp.Set, exp.Grant,
        exp.Transaction, exp.Commit, exp.Rollback, exp.TruncateTable, exp.Pragma, exp.Merge,
    )  # fmt: skip
    # A lone word or a sum is an expression, and what the parser only passes through it did not check.
    if not found or any(not isinstance(one, whole) for one in found):
        raise _NotSql(f"Is not a statement of SQL, but {quote(text)}.")
    if refused:
        raise _NotSql(f"Is not valid SQL: this database has no {refused}.")
    return found


def _refused_by(database: str, statements: Iterable[exp.Expr], tokens: Sequence[Token]) -> str:
    """What of the SQL ``database`` does not take, "" where nothing is known. One walk over each statement."""
    kinds = [token.token_type.name for token in tokens]
    for what, row, takers in _BY_TOKENS:
        if database in takers.split():
            continue
        if any(tuple(kinds[at : at + len(row)]) == row for at in range(len(kinds))):
            return what
    refused: dict[str, list[tuple[str, Callable[[exp.Expr], bool] | None]]] = {}
    for what, name, takers, applies in _BY_NODE:
        if database not in takers.split():
            refused.setdefault(name, []).append((what, applies))
    for node in (node for statement in statements for node in statement.walk()):
        for what, applies in refused.get(type(node).__name__, ()):
            if applies is None or applies(node):
                return what
    return ""


def _said(error: Exception) -> str:
    first = (getattr(error, "errors", None) or [{}])[0]
    what = str(first.get("description") or str(error).splitlines()[0]).rstrip(".")
    what = re.sub(r"<[^>]*>", "", what).split(" but got ")[0].strip()
    line, column = first.get("line"), first.get("col")
    return f"{what} (line {line}, column {column})" if line else what


def _tables(statement: exp.Expr) -> Iterator[str]:
    """``select::null::users``: what is done, in which database, to which table."""
    from sqlglot import exp

    own = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    target = statement.find(exp.Table) if not isinstance(statement, exp.Query) else None
    for table in statement.find_all(exp.Table):
        if not table.db and table.name.lower() in own:
            continue
        action = statement.key if table is target else "select"
        yield f"{action}::{table.db or 'null'}::{table.name}"


def _columns(statement: exp.Expr) -> Iterator[str]:
    """``select::users::name``; the table is ``null`` where the column does not say, ``(.*)`` is all.

    What is written says so: ``insert::books::title``, ``update::null::title``, ``delete::books::(.*)``. What
    such a statement reads, in its conditions and on the right of its "=", is read.
    """
    from sqlglot import exp

    names = {table.alias_or_name: table.name for table in statement.find_all(exp.Table)}
    written = set()
    for node in statement.find_all(exp.Insert, exp.Update, exp.Delete):
        for action, table, column in _written(node):
            if isinstance(column, exp.Column):
                written.add(id(column))
            own = names.get(column.table, column.table) if isinstance(column, exp.Column) else table
            yield f"{action}::{own or 'null'}::{'(.*)' if column is None else column.name}"
    for column in statement.find_all(exp.Column):
        if id(column) not in written and not isinstance(column.this, exp.Star):
            yield f"select::{names.get(column.table, column.table) or 'null'}::{column.name}"
    for star in statement.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count):
            table = star.parent.table if isinstance(star.parent, exp.Column) else ""
            yield f"select::{names.get(table, table) or 'null'}::(.*)"


def _written(node: exp.Expr) -> Iterator[tuple[str, str, exp.Expr | None]]:
    """What a statement writes: what is done, the table, and the column (``None`` for all of them)."""
    from sqlglot import exp

    if isinstance(node, exp.Update):
        yield from (("update", "", one.this) for one in node.expressions if isinstance(one, exp.EQ))
        return
    target = node.this
    table = target.find(exp.Table) if target is not None else None
    columns = target.expressions if isinstance(target, exp.Schema) else []
    name = table.name if table is not None else ""
    yield from ((node.key, name, column) for column in columns or [None])


def _with_any_table(allowed: list[str]) -> list[str]:
    """A column that names no table may be that of any: an entry with a table stands for it, too."""
    parts = [entry.split("::") for entry in allowed]
    return [*allowed, *(f"{one[0]}::null::{one[2]}" for one in parts if len(one) == 3 and one[1] != "null")]


def _is_allowed(used: str, allowed: list[str], until: float) -> bool:
    """``until``: all entries with all that is used have to be compared by then, by the monotonic clock."""
    for pattern in allowed:
        left = until - monotonic()
        try:
            if left <= 0:
                raise TimeoutError  # noqa: TRY301 as the search itself would
            if used.lower() == pattern.lower() or _pattern(pattern).fullmatch(used, timeout=left):
                return True
        except (TimeoutError, MemoryError):
            raise CannotTell("The entries of the list took too long to compare.") from None
    return False


@lru_cache(maxsize=256)
def _pattern(entry: str) -> regex.Pattern[str]:
    """An entry of a list; one without "::" is a name alone. Raises ``regex.error``."""
    return compile_pattern("(?i)" + (entry if "::" in entry else f"(.*)::(.*)::(?:{entry})"))


def _folded(name: str) -> str:
    return name.lower().replace("snowflakesql", "snowflake")


def _problem(assertion: Assertion) -> str | None:
    if problem := options_problem(assertion.value, _OPTIONS):
        return problem
    options = assertion.value or {}
    name = options.get("databaseType") or USUAL_DATABASE
    if not isinstance(name, str) or _folded(name) not in DATABASES:
        return f"Choose one of these databases: {', '.join(DATABASES)}."
    problems = (_list_problem(option, options.get(option)) for option in _OPTIONS[1:])
    return next(filter(None, problems), None)


def _list_problem(option: str, entries: Json) -> str | None:
    if entries is None:
        return None
    if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
        return f"“{option}” is a list of texts."
    try:
        for entry in entries:
            _pattern(entry)
    except (regex.error, RecursionError, ValueError) as error:
        return f"An entry of “{option}” is not a valid pattern: {error}."
    return None


_EXAMPLE = {"databaseType": "PostgreSQL", "allowedTables": ["select::(.*)::users"]}
_PLACEHOLDER = '{"databaseType": "PostgreSQL"}'

KINDS = (
    AssertionKind(
        "is-sql", "SQL",
        "The whole output is valid SQL, and touches only what the lists allow, if there are any.",
        "object", _is_sql, _problem, _EXAMPLE, placeholder=_PLACEHOLDER, optional=True,
        passes=Answer("SELECT name FROM users"), fails=Answer("SELECT name FROM orders"),
    ),
    AssertionKind(
        "contains-sql", "SQL", "The output contains valid SQL, in a fenced block or as a whole.",
        "object", _contains_sql, _problem, _EXAMPLE, placeholder=_PLACEHOLDER, optional=True,
        passes=Answer("```sql\nSELECT name FROM users\n```"), fails=Answer("Ask who keeps the database."),
    ),
)  # fmt: skip
