"""What a page asks of the database, seen from inside."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client


def queries_of(path: str, headers: dict[str, str]) -> tuple[int, int, list[tuple[str, Any]]]:
    """How many queries the page takes, its size uncompressed, and the queries; in this process."""
    client, asked = Client(headers=headers), list[tuple[str, Any]]()

    def heard(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    for _ in range(2):  # the first looks up what a process keeps: the site's keys and the like
        asked.clear()
        forget_pages()
        with connection.execute_wrapper(heard):
            response = client.get(path, headers={"host": "127.0.0.1"})
    return len(asked), len(response.content), asked


def forget_pages() -> None:
    """What this process keeps of pages it rendered."""
    for alias in settings.CACHES:
        if alias.startswith("pages"):
            caches[alias].clear()


def search_sql(asked: list[tuple[str, Any]], word: str) -> dict[str, float]:
    """Milliseconds of all that the page asks of the search's index, and of plain SQL that answers the same:
    how many hold the word, or one that begins with it where the page seeks that too, and the best 20."""
    of_the_page = [one for one in asked if "@@" in one[0] or " MATCH " in one[0]]
    if connection.vendor == "postgresql":
        table, key = "prompts_app_searchdocument", "prompt_id"
        params = {"word": word, "beginning": f"'{word}':*"}
        goes_on = any("%(last)s" in sql for sql, _ in of_the_page)
        stems = "websearch_to_tsquery('english', %(word)s)"
        words = "to_tsquery('simple', %(beginning)s)" if goes_on else "plainto_tsquery('simple', %(word)s)"
        holds, best = f"stems @@ {stems} OR words @@ {words}", f"ts_rank(stems, {stems} || {words}) DESC"
    else:
        table, key = "prompts_app_search", "rowid"
        goes_on = any("*" in str(sought) for _, sought in of_the_page)
        params = {"word": f'"{word}"' + "*" * goes_on}
        holds, best = f"{table} MATCH %(word)s", f"bm25({table})"
    count = f"SELECT count(*) FROM {table} WHERE {holds}"
    first = f"SELECT {key} FROM {table} WHERE {holds} ORDER BY {best} LIMIT 20"
    return {
        "search_sql_ms": sum(_took_ms(*one) for one in of_the_page),
        "search_statements": len(of_the_page),
        "raw_sql_ms": _took_ms(count, params) + _took_ms(first, params),
    }


def _took_ms(sql: str, params: Any) -> float:
    """The least of a few times, which is what it takes where nothing else runs."""
    took = []
    for _ in range(5):
        with connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(sql, params)
            cursor.fetchall()
            took.append((time.perf_counter() - began) * 1000)
    return min(took)
