"""A Postgres that restarts, is away or pauses, under our own backend. Pages: views/test_database_away."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import dj_database_url
import pytest
from django.db import OperationalError, ProgrammingError
from django.db.utils import ConnectionHandler

from portfolio.database import has_broken, is_away, within
from portfolio.postgres import base
from portfolio.postgres.base import answers
from prompts_app.tests.postgres import NoPostgres, Server, own_postgres

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with own_postgres() as running:
            yield running
    except NoPostgres as why:
        pytest.skip(str(why))


@pytest.fixture
def database(server: Server, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Any]:
    monkeypatch.setattr(base, "_found_away_at", float("-inf"))
    address = dj_database_url.parse(server.url)
    own = {**address, "ENGINE": "portfolio.postgres", "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    database = ConnectionHandler({"default": own})["default"]
    with django_db_blocker.unblock():  # it is none of Django's tests' own
        yield database
        database.close()


def ask(database: Any, question: str = "SELECT 1") -> Any:
    with database.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def a_request(database: Any) -> Any:
    """As Django does at the beginning and the end of each."""
    database.close_if_unusable_or_obsolete()
    try:
        return ask(database)
    finally:
        database.close_if_unusable_or_obsolete()


def told_after(act: Callable[[], object]) -> tuple[float, OperationalError]:
    began = monotonic()
    with pytest.raises(OperationalError) as told:
        act()
    assert is_away(told.value)
    return monotonic() - began, told.value


def test_a_restart_between_two_requests_is_seen_by_nobody(server: Server, database: Any) -> None:
    for mode in ("fast", "immediate"):
        first = ask(database, "SELECT pg_backend_pid()")
        server.stop(mode)
        server.start()
        assert a_request(database) == 1
        assert ask(database, "SELECT pg_backend_pid()") != first


def test_a_restart_is_waited_for(server: Server, database: Any) -> None:
    server.stop()
    starting = threading.Timer(0.5, server.start)
    starting.start()
    assert a_request(database) == 1
    starting.join()


def test_one_that_ends_a_query_is_told_from_one_that_is_not_there(server: Server, database: Any) -> None:
    stopping = threading.Timer(0.3, server.stop)
    stopping.start()
    _, ended = told_after(lambda: ask(database, "SELECT pg_sleep(20)"))
    assert has_broken(ended)
    stopping.join()
    database.close()
    _, away = told_after(lambda: a_request(database))
    assert not has_broken(away)
    server.start()


def test_away_is_told_within_three_seconds_and_sooner_to_those_behind(server: Server, database: Any) -> None:
    server.stop()
    assert 2 < told_after(lambda: a_request(database))[0] < 3
    assert told_after(lambda: a_request(database))[0] < 1
    server.start()
    assert a_request(database) == 1  # at once, however long it was away


def test_a_pause_is_told_within_three_seconds_in_a_request_and_before_one(
    server: Server, database: Any
) -> None:
    assert a_request(database) == 1
    server.pause()
    try:
        assert told_after(lambda: ask(database))[0] < 3
        base._found_away_at = float("-inf")
        assert told_after(lambda: a_request(database))[0] < 3
        with within(1.0):
            base._found_away_at = float("-inf")
            assert told_after(lambda: a_request(database))[0] < 1.5
    finally:
        server.go_on()
    assert a_request(database) == 1


def has_row(database: Any, question: str = "SELECT 1 WHERE $1 = 'yes'", answer: str = "yes") -> bool:
    """What is asked at every turn, past Django's cursors."""
    database.ensure_connection()
    with database.wrap_database_errors:
        return bool(database.connection.has_row(question.encode(), [answer]))


def test_what_is_asked_at_every_turn_is_told_the_same(server: Server, database: Any) -> None:
    assert (has_row(database), has_row(database, answer="no"), has_row(database)) == (True, False, True)
    with pytest.raises(ProgrammingError, match="no_such_table"):
        has_row(database, "SELECT $1 FROM no_such_table")
    assert has_row(database), "the connection goes on"
    server.pause()
    try:
        assert told_after(lambda: has_row(database))[0] < 3
    finally:
        server.go_on()
    base._found_away_at = float("-inf")
    database.close()
    assert has_row(database)
    server.stop("immediate")
    assert has_broken(told_after(lambda: has_row(database))[1])
    server.start()
    assert a_request(database) == 1
    assert has_row(database)


def test_a_query_that_takes_its_time_is_left_alone(database: Any) -> None:
    with within(1.0):
        assert ask(database, "SELECT 1 FROM pg_sleep(2.5)") == 1


def test_a_lock_is_waited_for_while_the_server_answers(database: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE held (id int)")
    release = threading.Event()

    def hold() -> None:
        other = database.copy()
        with other.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE held")
            release.wait(10)
        other.close()

    holding = threading.Thread(target=hold)
    holding.start()
    sleep(0.3)
    threading.Timer(2.5, release.set).start()
    with within(1.0), database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM held")
        assert cursor.fetchone() == (0,)
    holding.join()


def test_whoever_else_listens_there_is_not_taken_for_it() -> None:
    began = monotonic()
    assert not answers("127.0.0.1", "1", 0.5)
    assert not answers("/no/such/directory", "5432", 0.5)
    assert monotonic() - began < 1
