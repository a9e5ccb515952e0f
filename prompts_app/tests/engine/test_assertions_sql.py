"""Assertions on SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.types import Answer, Assertion, Json
from prompts_app.tests.engine.holding import hold

READ_USERS = {"allowedTables": ["select::(.*)::users"]}


@pytest.mark.parametrize(
    ("output", "passed"),
    [
        ("SELECT * FROM users WHERE id = 1", True),
        ("select 1; select 2;", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("INSERT INTO t VALUES (1)", True),
        ("DROP TABLE x;", True),
        ("CREATE TABLE t (id INT)", True),
        ("UPDATE t SET a = 1", True),
        ("SHOW TABLES", True),
        ("SELECT * FROM t WHERE", False),
        ("SELECT FROM WHERE", False),
        ("SELEC * FROM t", False),
        ("hello world", False),
        ("hello", False),
        ("1 + 1", False),
        ("", False),
        ("Here is the query: SELECT 1", False),
        ("```sql\nSELECT 1\n```", False),
        ("SELECT 1; hello", False),
        ("select " + "(" * 5000, False),
    ],
)
def test_the_whole_output_is_sql(output: str, passed: bool) -> None:
    assert hold("is-sql", None, output).passed is passed
    assert hold("not-is-sql", None, output).passed is not passed


def test_databases_differ() -> None:
    query = "SELECT `a` FROM `t`"
    assert hold("is-sql", {"databaseType": "MySQL"}, query).passed
    assert not hold("is-sql", {"databaseType": "PostgreSQL"}, query).passed


@pytest.mark.parametrize(
    ("output", "passed"),
    [
        ("Try this:\n```sql\nSELECT 1\n```\nDone.", True),
        ("```\nSELECT 1\n```", True),
        ("```python\nx\n```\n```sql\nSELECT 1\n```", True),
        ("SELECT 1", True),
        ("Try SELECT 1", False),
        ("```sql\nSELEC 1 FROM\n```", False),
    ],
)
def test_sql_may_stand_in_a_fenced_block(output: str, passed: bool) -> None:
    assert hold("contains-sql", None, output).passed is passed


@pytest.mark.parametrize(
    ("allowed", "output", "passed"),
    [
        (READ_USERS, "SELECT name FROM users", True),
        (READ_USERS, "SELECT name FROM Users u", True),
        (READ_USERS, "SELECT name FROM shop.users", True),
        (READ_USERS, "SELECT name FROM orders", False),
        (READ_USERS, "SELECT u.name FROM users u JOIN orders o ON o.id = u.id", False),
        (READ_USERS, "SELECT name FROM users WHERE id IN (SELECT id FROM secrets)", False),
        (READ_USERS, "DELETE FROM users", False),
        (READ_USERS, "WITH top AS (SELECT name FROM users) SELECT * FROM top", True),
        ({"allowedTables": ["users"]}, "DELETE FROM users", True),
        ({"allowedTables": ["delete::null::users"]}, "DELETE FROM users", True),
        ({"allowedTables": ["insert::null::log", "users"]}, "INSERT INTO log SELECT * FROM users", True),
        ({"allowedTables": ["insert::null::users", "log"]}, "INSERT INTO log SELECT * FROM users", False),
        ({"allowedColumns": ["select::users::name"]}, "SELECT u.name FROM users u", True),
        ({"allowedColumns": ["select::users::name"]}, "SELECT u.password FROM users u", False),
        ({"allowedColumns": ["select::null::name"]}, "SELECT name FROM users", True),
        ({"allowedColumns": ["select::null::name"]}, "SELECT * FROM users", False),
        ({"allowedColumns": ["select::null::(.*)"]}, "SELECT * FROM users", True),
        ({"allowedColumns": ["select::null::name"]}, "SELECT count(*) FROM users WHERE name = 'a'", True),
    ],
)
def test_lists_say_what_may_be_touched(allowed: Json, output: str, passed: bool) -> None:
    found = hold("is-sql", allowed, output)
    assert found.passed is passed, found.reason


@pytest.mark.parametrize(
    "value",
    [
        "MySQL", [1], {"databaseType": "DB2"}, {"databaseType": 5}, {"tables": []},
        {"allowedTables": "users"}, {"allowedTables": ["("]}, {"allowedColumns": [""]},
    ],
)  # fmt: skip
def test_options_of_a_wrong_shape_are_told(value: Json) -> None:
    assert str(validate(Assertion("is-sql", value))).endswith(".")


def test_a_very_long_output_is_not_parsed() -> None:
    found = hold("is-sql", None, "select 1" + " " * 50_000)
    assert (found.passed, found.unknown, "too long" in found.reason) == (None, True, True)


def test_the_reason_says_where() -> None:
    assert "line 1, column" in hold("is-sql", None, "SELECT * FROM t limit 5 more words").reason
    assert "<" not in hold("is-sql", None, "SELECT * FROM t WHERE").reason


@given(st.text(max_size=60))
def test_no_output_breaks_it(output: str) -> None:
    assert check(Assertion("is-sql", READ_USERS), Answer(output)).reason


BOOKS = "PostgreSQL"


@pytest.mark.parametrize(
    ("allowed", "output", "passed"),
    [
        ("select::null::title", "INSERT INTO books (title, price) VALUES ('a', 1)", False),
        ("insert::books::(title|price)", "INSERT INTO books (title, price) VALUES ('a', 1)", True),
        ("insert::books::title", "INSERT INTO books VALUES ('a', 1)", False),
        ("insert::books::(.*)", "INSERT INTO books VALUES ('a', 1)", True),
        ("update::books::title", "UPDATE books SET title = 'a'", True),
        ("update::books::title", "UPDATE books SET price = 1", False),
        ("update::books::title", "UPDATE books SET title = 'a' WHERE id = 1", False),
        ("(update::null::title|select::null::id)", "UPDATE books SET title = 'a' WHERE id = 1", True),
        ("delete::books::(.*)", "DELETE FROM books", True),
        ("select::books::title", "SELECT title FROM books", True),
        ("select::books::title", "SELECT o.title FROM orders o", False),
    ],
)
def test_columns_that_are_written_have_to_be_listed_as_written(
    allowed: str, output: str, passed: bool
) -> None:
    found = hold("is-sql", {"databaseType": BOOKS, "allowedColumns": [allowed]}, output)
    assert found.passed is passed, found.reason


@pytest.mark.parametrize(
    ("sql", "taken_by", "refused_by"),
    [
        ("SELECT a FROM t WHERE a ILIKE 'x%'", "PostgreSQL Snowflake", "MySQL MariaDB Sqlite TransactSQL"),
        ("SELECT a::int FROM t", "PostgreSQL", "MySQL Sqlite BigQuery"),
        ("SELECT DISTINCT ON (a) a FROM t", "PostgreSQL", "MySQL Sqlite"),
        ("SELECT * FROM t FULL OUTER JOIN u ON t.a = u.a", "PostgreSQL Sqlite", "MySQL MariaDB"),
        ("INSERT INTO t (a) VALUES (1) RETURNING a", "PostgreSQL MariaDB Sqlite", "MySQL TransactSQL"),
        ("INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING", "PostgreSQL Sqlite", "MySQL MariaDB"),
        ("INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2", "MySQL MariaDB", "PostgreSQL Sqlite"),
        ("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1", "Snowflake BigQuery", "MySQL Sqlite"),
        ("SELECT a FROM t LIMIT 5", "MySQL PostgreSQL Sqlite", "TransactSQL"),
        ("SELECT TOP 5 a FROM t", "TransactSQL", "MySQL PostgreSQL Sqlite"),
        ("SELECT a FROM t LIMIT 2, 5", "MySQL Sqlite", "PostgreSQL"),
        ("SELECT a FROM t WHERE a REGEXP 'x'", "MySQL Sqlite", "PostgreSQL TransactSQL"),
        ("SELECT a FROM t WHERE a SIMILAR TO 'x'", "PostgreSQL", "MySQL Sqlite"),
        ("SELECT [a] FROM t", "TransactSQL Sqlite", "MySQL"),
        ("SELECT count(*) FILTER (WHERE a > 1) FROM t", "PostgreSQL Sqlite", "MySQL TransactSQL"),
        ("SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS ONLY", "PostgreSQL", "MySQL Sqlite"),
    ],
)
def test_each_database_refuses_what_only_others_have(sql: str, taken_by: str, refused_by: str) -> None:
    names = f"{taken_by} {refused_by}".split()
    verdicts = {name: hold("is-sql", {"databaseType": name}, sql) for name in names}
    assert {name for name, found in verdicts.items() if found.passed} == set(taken_by.split()), verdicts
