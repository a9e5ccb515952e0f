"""The default cache: a table in the site's own database, so that every web process counts with the others.
And one in memory, for pages.

What is kept in the first must count across processes: tries at passwords and passphrases, used codes.
"""

import base64
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from time import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils import timezone
from django.utils.crypto import salted_hmac

FAR_AWAY = datetime(9999, 12, 31, tzinfo=UTC)  # for what never runs out


def hidden(key: object, prefix: str, version: int) -> str:
    """What stands in the cache for ``key``: keys have visitors' addresses and codes in them."""
    return salted_hmac("cache", f"{prefix}:{version}:{key}", algorithm="sha256").hexdigest()


class SharedCache(DatabaseCache):
    """Django's, with two differences that matter where tries are counted.

    ``add`` is one statement: of all who add a key at once, one gets True. Django's looks first and writes
    then, so that two could take the same lock after it ran out. And to make room, only what ran out is
    dropped: else whoever makes enough new entries makes the site forget how often they tried.
    """

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params)
        self.table = table

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        at = connections[router.db_for_write(self.cache_model_class)]
        table = at.ops.quote_name(self.table)
        ends = self.get_backend_timeout(timeout)
        expires = FAR_AWAY if ends is None else datetime.fromtimestamp(ends, UTC)
        stored = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
        statement = (
            f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) "  # noqa: S608 our own name
            "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires "
            f"WHERE {table}.expires < %s"
        )
        times = [at.ops.adapt_datetimefield_value(moment) for moment in (expires, timezone.now())]
        with at.cursor() as cursor:
            cursor.execute(statement, [self.make_and_validate_key(key, version=version), stored, *times])
            return bool(cursor.rowcount > 0)

    def _cull(self, db: str, cursor: Any, now: datetime, num: int) -> None:
        self.drop_what_ran_out()

    def drop_what_ran_out(self) -> None:
        at = connections[router.db_for_write(self.cache_model_class)]
        table = at.ops.quote_name(self.table)
        now = at.ops.adapt_datetimefield_value(timezone.now())
        with at.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608 our own name


class BoundedMemory(BaseCache):
    """Each process's own memory, of ``OPTIONS["MAX_BYTES"]`` at most: what was not asked for longest goes.

    For what never changes: each gets the object that was stored, not a copy, which would cost more than all
    else of a stored page. Keys are digests, taken as they are. Nothing is counted in it.
    """

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._most: int = params["OPTIONS"]["MAX_BYTES"]
        # Django has an object of this class for each thread. The one asked for last stands first; the number
        # is the bytes of all keys and values.
        self._cache, self._size, self._lock = _memories.setdefault(name, (OrderedDict(), [0], Lock()))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with self._lock:
            kept = self._cache.get(key)
            if kept is None:
                return default
            if kept.ends is not None and kept.ends <= time():
                self._drop(key)
                return default
            self._cache.move_to_end(key, last=False)
        return kept.value

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        size = len(key) + len(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)) + OF_AN_ENTRY
        with self._lock:
            self._drop(key)
            if size > self._most // SHARE_OF_ONE:
                return
            self._cache[key] = _Kept(value, size, self.get_backend_timeout(timeout))
            self._cache.move_to_end(key, last=False)
            self._size[0] += size
            while self._size[0] > self._most:
                self._drop(next(reversed(self._cache)))

    def delete(self, key: str, version: int | None = None) -> bool:
        with self._lock:
            return self._drop(key)

    def clear(self) -> None:
        with self._lock:
            self._cache.clear()
            self._size[0] = 0

    def _drop(self, key: str) -> bool:
        kept = self._cache.pop(key, None)
        self._size[0] -= kept.size if kept else 0
        return kept is not None


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    size: int  # bytes
    ends: float | None  # seconds since 1970


SHARE_OF_ONE = 8  # no value takes more than this part of all the memory
OF_AN_ENTRY = 600  # bytes that Python takes beside the key and the value as it is pickled, of a stored page
_memories: dict[str, tuple[OrderedDict[str, _Kept], list[int], Lock]] = {}
