"""What the figures of ``benchmarks/pages.py`` are held to."""

from collections.abc import Iterator
from typing import Any

LISTS = (
    "home", "browse", "browse_last", "browse_filter", "search_rare", "search_common", "search_one_letter",
    "feed", "sitemap_part",
)  # fmt: skip
# CPU milliseconds of a page that is rendered, at 10,000 prompts, and how many times that at a million.
COLD_MS = dict.fromkeys(LISTS, (25.0, 2.0)) | {
    "profile": (30.0, 1.2), "profile_500": (30.0, 1.2), "results": (30.0, 1.2), "prompt": (45.0, 1.2),
}  # fmt: skip
STORED, NOT_MODIFIED, RAW_SQL = 2.0, 1.5, 1.5  # times the control; times the plain SQL
IDLE_MB, LOADED_MB = 300.0, 380.0
LARGE = 100_000  # prompts from which on the second column holds


def check(said: dict[str, Any]) -> tuple[list[str], bool]:
    """A line for each figure, and whether all hold."""
    found = list(_figures(said))
    lines = [
        f"{'PASS' if value is not None and value <= limit else 'FAIL'} {name}: "
        f"{'none' if value is None else f'{value:.2f}'}, at most {limit:.2f}"
        for name, value, limit in found
    ]
    return lines, all(line.startswith("PASS") for line in lines)


def _figures(said: dict[str, Any]) -> Iterator[tuple[str, float | None, float]]:
    is_large = said["prompts"] >= LARGE
    for page, (cold, times) in COLD_MS.items():
        if page not in said:
            continue
        row = said[page]
        yield f"{page} cold", row["cold_cpu_ms"], cold * (times if is_large else 1)
        yield f"{page} stored", row["stored_cpu_ms"], STORED * row["control_cpu_ms"]
        yield f"{page} not modified", row["not_modified_cpu_ms"], NOT_MODIFIED * row["control_cpu_ms"]
        if "search_sql_ms" in row:
            yield f"{page} SQL", row["search_sql_ms"], RAW_SQL * row["raw_sql_ms"]
    yield "memory idle, MB (PSS)", said["pss_idle_mb"], IDLE_MB
    yield "memory after load, MB (PSS)", said["pss_loaded_mb"], LOADED_MB
