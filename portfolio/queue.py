"""The default queue: huey, without the record it would keep of every task for ever.

What came of a run is in the run's row. Nobody asks the queue, so it forgets a task once it is done.
"""

from __future__ import annotations

from huey import RedisHuey, SqliteHuey


class _Forgets:
    def put_result(self, key: str, data: object) -> None:
        """Nothing is kept."""


class SqliteQueue(_Forgets, SqliteHuey):  # type: ignore[misc]  # huey has no types
    pass


class RedisQueue(_Forgets, RedisHuey):  # type: ignore[misc]  # huey has no types
    pass
