"""The default cache: a table in the site's own database, so that every web process counts with the others.
And one in memory, for pages.

What is kept in the first must count across processes: tries at passwords and passphrases, used codes.
"""

import base64
import pickle
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
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


class BoundedMemory(LocMemCache):
    """Each process's own memory, of ``OPTIONS["MAX_BYTES"]`` at most: what was not asked for longest goes."""

    _cache: OrderedDict[str, bytes]  # the one asked for last stands first
    _expire_info: dict[str, float | None]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._most: int = params["OPTIONS"]["MAX_BYTES"]
        self._size = _sizes.setdefault(name, [0])  # of all keys and values; Django has an object a thread

    def _set(self, key: str, value: bytes, timeout: Any = DEFAULT_TIMEOUT) -> None:
        self._delete(key)
        if len(value) > self._most // SHARE_OF_ONE:
            return
        self._cache[key] = value
        self._cache.move_to_end(key, last=False)
        self._expire_info[key] = self.get_backend_timeout(timeout)
        self._size[0] += _bytes_of(key, value)
        while self._size[0] > self._most:
            self._delete(next(reversed(self._cache)))

    def _delete(self, key: str) -> bool:
        if (value := self._cache.pop(key, None)) is None:
            return False
        del self._expire_info[key]
        self._size[0] -= _bytes_of(key, value)
        return True

    def clear(self) -> None:
        super().clear()
        self._size[0] = 0


SHARE_OF_ONE = 8  # no value takes more than this part of all the memory
OF_AN_ENTRY = 300  # bytes that Python takes beside the key and the value
_sizes: dict[str, list[int]] = {}


def _bytes_of(key: str, value: bytes) -> int:
    return len(key) + len(value) + OF_AN_ENTRY
