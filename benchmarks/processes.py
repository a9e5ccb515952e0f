"""What processes cost, from /proc: CPU and memory of whole trees of them (Linux)."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MB = 1024 * 1024
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / MB


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; [] where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def tree(roots: Collection[int], *, without: bytes = b"\0none") -> set[int]:
    """These processes and all that descend from them, but those started with the word ``without``."""
    parents = {
        int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdecimal()
    }
    children: dict[int, list[int]] = {}
    for pid, stat in parents.items():
        if stat:
            children.setdefault(int(stat[1]), []).append(pid)
    found, left = set[int](), list(roots)
    while left:
        pid = left.pop()
        if without in _words(pid):
            continue
        found.add(pid)
        left += children.get(pid, [])
    return found


def _words(pid: int) -> bytes:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def cpu_s(roots: Collection[int], *, without: bytes) -> float:
    """Seconds of processor the trees used so far, with what their children used that have ended since."""
    counted = tree(roots, without=without)
    return sum(sum(map(int, stat[11:15])) for pid in counted if (stat := _stat(pid))) * TICK_S


def rss_mb(roots: Collection[int]) -> float:
    """What each process of the trees has in memory, added up: what they share counts for each."""
    total = 0.0
    for pid in tree(roots):
        with suppress(FileNotFoundError, ProcessLookupError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB
    return total


def pss_mb(roots: Collection[int]) -> float:
    """The same, with what they share counted once."""
    total = 0.0
    for pid in tree(roots):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
    return total


def by_process(roots: Collection[int]) -> dict[str, float]:
    """RSS in MB of each process, by its id and the words it was started with."""
    said = {}
    for pid in sorted(tree(roots)):
        with suppress(FileNotFoundError, ProcessLookupError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[-60:].strip()
            said[f"{pid} {words}"] = round(rss_mb_of(pid), 1)
    return said


def rss_mb_of(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB
