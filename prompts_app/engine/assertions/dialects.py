"""What one database takes and another refuses, where the parser, which reads most of it for all, can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# Each with the databases that take it (by their names here), as their manuals of 2026 have it.
_BY_NODE: tuple[tuple[str, str, str], ...] = (
    ("ILIKE", "ILike", "postgresql redshift snowflake"),
    ("SIMILAR TO", "SimilarTo", "postgresql redshift"),
    ("QUALIFY", "Qualify", "bigquery redshift snowflake"),
    ("RETURNING", "Returning", "mariadb postgresql sqlite"),
    ("FETCH FIRST", "Fetch", "athena mariadb postgresql snowflake transactsql trino"),
    ("MERGE", "Merge", "athena bigquery hive postgresql redshift snowflake transactsql trino"),
    ("PIVOT", "Pivot", "bigquery redshift snowflake transactsql"),
    ("FILTER after an aggregate", "Filter", "athena postgresql sqlite trino"),
    ("arrays", "Array", "athena bigquery hive postgresql redshift snowflake sqlite trino transactsql"),
    ("generate_series", "GenerateSeries", "postgresql redshift sqlite transactsql"),
    ("TABLESAMPLE", "TableSample", "athena bigquery hive postgresql snowflake transactsql trino"),
)
_BY_ARGUMENT: tuple[tuple[str, str, Callable[[exp.Expr], bool], str], ...] = (
    ("DISTINCT ON", "Distinct", lambda node: bool(node.args.get("on")), "postgresql"),
    (
        "FULL JOIN", "Join", lambda node: node.args.get("side") == "FULL",
        "athena bigquery hive postgresql redshift snowflake sqlite transactsql trino",
    ),
    ("ON CONFLICT", "OnConflict", lambda node: not node.args.get("duplicate"), "postgresql sqlite"),
    ("ON DUPLICATE KEY", "OnConflict", lambda node: bool(node.args.get("duplicate")), "mariadb mysql"),
    (
        "EXCEPT among the columns", "Star", lambda node: bool(node.args.get("except_")),
        "bigquery redshift snowflake",
    ),
    ("LATERAL VIEW", "Lateral", lambda node: bool(node.args.get("view")), "hive"),
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


def refused_by(database: str, statements: Iterable[exp.Expr], tokens: Sequence[Token]) -> str:
    """What of the SQL ``database`` does not take, "" where nothing is known. One walk over each statement."""
    kinds = [token.token_type.name for token in tokens]
    for what, row, takers in _BY_TOKENS:
        if database in takers.split():
            continue
        if any(tuple(kinds[at : at + len(row)]) == row for at in range(len(kinds))):
            return what
    refused = {name: what for what, name, takers in _BY_NODE if database not in takers.split()}
    partly = [one for one in _BY_ARGUMENT if database not in one[3].split()]
    for node in (node for statement in statements for node in statement.walk()):
        name = type(node).__name__
        if name in refused:
            return refused[name]
        for what, of, applies, _ in partly:
            if of == name and applies(node):
                return what
    return ""
