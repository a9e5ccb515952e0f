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
    """Milliseconds of all that the page asks of the search's index, and of plain SQL for its first page."""
    params: tuple[str, ...]
    if connection.vendor == "postgresql":
        vector, query = "words", "plainto_tsquery('simple', %s)"
        raw = (
            f"SELECT prompt_id FROM prompts_app_searchdocument WHERE {vector} @@ {query} "
            f"ORDER BY ts_rank({vector}, {query}) DESC LIMIT 20"
        )
        params = (word, word)
    else:
        raw = (
            "SELECT rowid FROM prompts_app_search WHERE prompts_app_search MATCH %s "
            "ORDER BY bm25(prompts_app_search) LIMIT 20"
        )
        params = (f'"{word}"',)
    of_the_page = [one for one in asked if "@@" in one[0] or " MATCH " in one[0]]
    return {
        "search_sql_ms": sum(_took_ms(*one) for one in of_the_page),
        "search_statements": len(of_the_page),
        "raw_sql_ms": _took_ms(raw, params),
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
