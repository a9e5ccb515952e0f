"""One connection a thread, looked at before each request, and a server that is away told in seconds.

Django's pool was here before. It tries again after 1, 2, 4 … seconds, for as long as the server was away, so
pages stayed away for as long again; and neither it nor Postgres's own time limits notice a server that has
been paused or cut off: its side of TCP says nothing.
"""

import socket
from collections.abc import Generator, Sequence
from contextlib import suppress
from hashlib import sha256
from select import select
from time import monotonic, sleep
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from portfolio.database import NobodyThere, limit_s

TRY_EVERY_S = 0.1
# Whoever waits for a page asks for little: to start more processes for it, or to compile it, takes longer
# than the query (10 to 30 ms at a million prompts), and the other processors have pages to make.
FOR_SHORT_QUERIES = "SET jit = off; SET max_parallel_workers_per_gather = 0"
STILL_AWAY_S = 0.2  # once it was found to be away: those who queue behind are told in time as well
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # the one question that any server answers, with one byte


STILL_AWAY_FOR_S = 1.0

_found_away_at = float("-inf")


class ServerIsAway(psycopg.OperationalError, NobodyThere):
    pass


def _was_found_away() -> None:
    global _found_away_at
    _found_away_at = monotonic()


_WELL = {psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK}


class Connection(psycopg.Connection[Any]):
    """Waits for its server as long as that still answers others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._often: dict[bytes, bytes] = {}  # questions that are prepared, by what they are called

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: Any) -> Generator[Any, Any, Any]:
        """``gen``, which psycopg resumes ten times a second while nothing comes."""
        heard = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif monotonic() - heard >= limit_s() / 2:
                    self._check_server()
                    heard = monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def has_row(self, question: bytes, values: Sequence[str]) -> bool:
        """Whether ``question``, which is asked at every turn, finds anything. Its parameters are $1, $2 …

        It is prepared once a connection and asked past the cursors: a sixth of what a query costs otherwise.
        """
        name = self._often.get(question)
        if name is None:
            name = b"often_" + sha256(question).hexdigest()[:16].encode()
            self.pgconn.send_prepare(name, question)
            self._result()
            self._often[question] = name
        self.pgconn.send_query_prepared(name, [value.encode() for value in values])
        return self._result().ntuples > 0

    def _result(self) -> psycopg.pq.abc.PGresult:
        """Of what was sent; waits as ``wait`` does. Raises psycopg's errors."""
        results: list[psycopg.pq.abc.PGresult] = []
        while self.pgconn.flush():
            select([], [self.pgconn.socket], [], limit_s() / 2)
        while True:
            while self.pgconn.is_busy():
                if not select([self.pgconn.socket], [], [], limit_s() / 2)[0]:
                    self._check_server()
                self.pgconn.consume_input()
            if (result := self.pgconn.get_result()) is None:
                break
            results.append(result)
        if results[0].status not in _WELL:
            raise psycopg.errors.error_from_result(results[0])
        return results[0]

    def _check_server(self) -> None:
        """A query may take its time, or wait for a lock. Raises where nobody answers at all."""
        host = self.pgconn.hostaddr or self.pgconn.host
        if not answers(host.decode(), self.pgconn.port.decode(), limit_s() / 2):
            self.pgconn.finish()
            _was_found_away()
            raise ServerIsAway("the server does not answer")


def answers(host: str, port: str, within_s: float) -> bool:
    """Whether a Postgres answers there. ``host`` may be the directory of a Unix socket."""
    at_path = host.startswith(("/", "@"))
    address: Any = f"{host}/.s.PGSQL.{port}" if at_path else (host, int(port))
    with suppress(OSError), socket.socket(socket.AF_UNIX) if at_path else _tcp(address, within_s) as probe:
        probe.settimeout(within_s)
        if at_path:
            probe.connect(address.replace("@", "\0", 1))
        probe.sendall(SSL_REQUEST)
        return bool(probe.recv(1))
    return False


def _tcp(address: tuple[str, int], within_s: float) -> socket.socket:
    return socket.create_connection(address, within_s)


class _Psycopg:
    """The module, as Django asks it for errors and connections; the connections are ours."""

    connect = Connection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    Database: Any = _Psycopg()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection, waiting for a server that restarts."""
        limit = limit_s()
        if monotonic() - _found_away_at < STILL_AWAY_FOR_S:
            limit = min(limit, STILL_AWAY_S)
        deadline = monotonic() + limit
        while True:
            try:
                self._check_server(conn_params, deadline - monotonic())
                return super().get_new_connection(conn_params)
            except psycopg.OperationalError as error:
                if monotonic() + TRY_EVERY_S >= deadline:
                    _was_found_away()
                    raise ServerIsAway(str(error)) from error
                sleep(TRY_EVERY_S)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.cursor() as cursor:
            cursor.execute(FOR_SHORT_QUERIES)

    @staticmethod
    def _check_server(conn_params: dict[str, Any], within_s: float) -> None:
        """Asked first, as psycopg waits at least two seconds for a server that is paused. Raises."""
        host, port = str(conn_params.get("host") or ""), str(conn_params.get("port") or 5432)
        one_host = host and "," not in host and port.isdecimal() and not conn_params.get("service")
        if one_host and not answers(host, port, max(within_s, TRY_EVERY_S)):
            raise ServerIsAway("the server does not answer")
