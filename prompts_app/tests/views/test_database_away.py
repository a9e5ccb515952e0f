"""A database that is away, restarting or locked: told within seconds, and nothing that was typed is lost."""

import sqlite3
from collections.abc import Callable
from html import unescape
from time import monotonic
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, InterfaceError, OperationalError, connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from portfolio.database import AWAY, check_answers, has_broken, is_away, limit_s, within
from portfolio.postgres.base import ServerIsAway
from prompts_app.models import Prompt, User
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, client_of
from prompts_app.tests.security.world import Tags
from prompts_app.views.errors import asked_again, unavailable

type Raise = Callable[[Exception], None]


def from_postgres(error: psycopg.Error) -> OperationalError:
    return caused_by(OperationalError(str(error)), error)


def caused_by[E: Exception](error: E, cause: Exception) -> E:
    error.__cause__ = cause
    return error


def from_sqlite(code: int, words: str = "of SQLite") -> OperationalError:
    cause = sqlite3.OperationalError(words)
    cause.sqlite_errorcode = code
    return caused_by(OperationalError(words), cause)


DEADLOCK = from_postgres(psycopg.errors.DeadlockDetected("deadlock detected"))
BROKE = from_postgres(psycopg.OperationalError("consuming input failed: server closed the connection"))


class TestWhatIsAway:
    @pytest.mark.parametrize(
        "error",
        [
            BROKE,
            from_postgres(ServerIsAway("the server does not answer")),
            from_postgres(psycopg.errors.AdminShutdown("terminating connection")),
            from_postgres(psycopg.errors.CannotConnectNow("the database system is starting up")),
            from_postgres(psycopg.errors.TooManyConnections("sorry, too many clients already")),
            from_postgres(psycopg.errors.DiskFull("No space left on device")),
            from_postgres(psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")),
            DEADLOCK,
            from_postgres(psycopg.errors.SerializationFailure("could not serialize access")),
            caused_by(InterfaceError("closed"), psycopg.InterfaceError("the connection is closed")),
            from_sqlite(sqlite3.SQLITE_BUSY, "database is locked"),
            from_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT, "database is locked"),
            from_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
            from_sqlite(sqlite3.SQLITE_FULL, "database or disk is full"),
            from_sqlite(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"),
        ],
        ids=str,
    )
    def test_what_may_succeed_later(self, error: Exception) -> None:
        assert is_away(error)

    @pytest.mark.parametrize(
        "error",
        [
            from_sqlite(sqlite3.SQLITE_ERROR, "no such table: nothing"),
            from_sqlite(sqlite3.SQLITE_ERROR, "too many SQL variables"),
            from_postgres(psycopg.errors.StatementTooComplex("stack depth limit exceeded")),
            DataError("value too long"),
            ValueError("of our own"),
            None,
        ],
        ids=str,
    )
    def test_what_would_fail_again(self, error: Exception | None) -> None:
        assert not is_away(error)
        assert not has_broken(error)

    def test_only_a_connection_that_ended_is_worth_another_try_at_once(self) -> None:
        assert has_broken(BROKE)
        assert has_broken(from_postgres(psycopg.errors.AdminShutdown("by the administrator")))
        assert not has_broken(from_postgres(ServerIsAway("it was waited for already")))
        assert not has_broken(from_sqlite(sqlite3.SQLITE_BUSY))
        assert not has_broken(DEADLOCK)
        assert not has_broken(from_postgres(psycopg.errors.LockNotAvailable("it was waited for already")))


@pytest.fixture
def database_raises(monkeypatch: pytest.MonkeyPatch) -> Raise:
    """From then on, whoever asks the database gets this."""

    def broken(error: Exception) -> None:
        monkeypatch.setattr(type(connections["default"]), "cursor", _raising(error))

    return broken


NEW = "/studio/prompts/new/"
TYPED = {
    "title": "A title <b>of</b> mine",
    "message-0-content": "\nFirst line\n  second, {{word}} & 'more'\n",
    "password": "not to be shown",
    "message-TOTAL_FORMS": "1",
    "tags": "",
}


def sent_again(page: str) -> dict[str | None, str]:
    """What the form on the page would send."""
    form = Tags(page)
    fields = {tag["name"]: tag.get("value") or "" for tag in form.named("input") if tag.get("name")}
    for part in page.split("<textarea")[1:]:
        head, _, rest = part.partition(">\n")  # the line break after the tag belongs to no text
        text = rest.partition("</textarea>")[0]
        fields[head.partition('name="')[2].partition('"')[0]] = unescape(text)
    return fields


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def client(self) -> Client:
        client = client_of(alice())
        client.raise_request_exception = False
        return client

    @pytest.mark.parametrize("error", [BROKE, from_sqlite(sqlite3.SQLITE_BUSY)], ids=["Postgres", "SQLite"])
    def test_says_so_and_when_to_come_back(self, client: Client, database_raises: Raise, error: Any) -> None:
        database_raises(error)
        for address in ("/", "/prompts/", "/studio/", "/@alice/", "/accounts/login/", "/no/such/page/"):
            answer = client.get(address)
            assert (answer.status_code, answer["Retry-After"]) == (503, "5"), address
            assert answer["Cache-Control"] == "no-store"
            assert "Back in a moment" in read_page(answer)
            assert answer["Content-Security-Policy"]

    def test_another_fault_is_still_one_of_ours(self, client: Client, database_raises: Raise) -> None:
        database_raises(from_sqlite(sqlite3.SQLITE_ERROR, "no such column"))
        answer = client.get("/")
        assert (answer.status_code, "Something broke" in read_page(answer)) == (500, True)

    @pytest.mark.parametrize("error", [BROKE, DEADLOCK], ids=str)
    def test_gives_back_what_was_typed_to_be_sent_again(
        self, client: Client, database_raises: Raise, error: Exception
    ) -> None:
        database_raises(error)
        answer = client.post(f"{NEW}?from=a&b=c", TYPED)
        page = read_page(answer)
        assert answer.status_code == 503
        assert "not to be shown" not in page
        assert "secrets are never put on a page: password" in page
        form = Tags(page).named("form")[0]
        assert (form["method"], form["action"]) == ("post", f"{NEW}?from=a&b=c")
        fields = sent_again(page)
        assert fields.pop("csrfmiddlewaretoken")
        assert fields == {name: value for name, value in TYPED.items() if name != "password"}

    def test_a_field_that_was_sent_several_times_comes_back_as_often(
        self, client: Client, database_raises: Raise
    ) -> None:
        database_raises(BROKE)
        page = read_page(client.post(NEW, {"model": ["one", "two"], "same": ["", ""]}))
        assert page.count('name="model"') == page.count('name="same"') == 2

    def test_a_file_is_to_be_chosen_again(self, client: Client, database_raises: Raise) -> None:
        database_raises(BROKE)
        file = SimpleUploadedFile("cases.csv", b"secret words")
        page = read_page(client.post(NEW, {"title": "With a file", "upload": file}))
        assert "Choose the file again" in page
        assert "secret words" not in page
        assert "multipart/form-data" in page

    def test_sent_again_with_its_cookie_it_is_taken(
        self, database_raises: Raise, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        start = Tags(read_page(client.get(NEW)))
        token = next(t["value"] for t in start.named("input") if t.get("name") == "csrfmiddlewaretoken")
        with monkeypatch.context() as patched:
            patched.setattr(type(connections["default"]), "cursor", _raising(BROKE))
            lost = client.post(NEW, {"csrfmiddlewaretoken": token, "title": "Typed", "x": "y"})
        assert lost.status_code == 503
        again = client.post(NEW, sent_again(read_page(lost)))
        assert again.status_code in (200, 302)  # the form's own answer, with what it thinks of it

    def test_what_another_site_sent_is_not_offered_to_be_sent_again(self) -> None:
        """The check of the form's cookie has not let it through: it may not be the visitor's own."""
        page = read_page(unavailable(RequestFactory().post("/studio/", {"title": "Not mine"})))
        assert "Not mine" in page
        assert "readonly" in page
        assert "<button" not in page
        assert "csrfmiddlewaretoken" not in page

    def test_htmx_gets_a_sentence_and_keeps_the_form(self, client: Client, database_raises: Raise) -> None:
        config = next(
            tag["content"] for tag in Tags(read_page(client.get(NEW))).named("meta")
            if tag.get("name") == "htmx-config"
        )  # fmt: skip
        assert '{"code":"503","swap":true,"error":true,"target":"#away"' in str(config)
        database_raises(BROKE)
        answer = client.post(NEW, TYPED, headers={"HX-Request": "true"})
        assert answer.status_code == 503
        assert read_page(answer).startswith('<p class="note fail">The database of this site')
        assert "<html" not in read_page(answer)

    def test_a_form_nobody_can_read_is_no_second_fault(self, client: Client, database_raises: Raise) -> None:
        database_raises(BROKE)
        answer = client.post(NEW, b"no parts at all", content_type="multipart/form-data; boundary=x")
        assert answer.status_code in (400, 503)


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


class TestAskedAgain:
    """A page that broke with its connection is made once more: nobody sees that the database restarted."""

    def answers_after(self, failures: int, error: Exception = BROKE) -> tuple[Any, list[str]]:
        asked: list[str] = []

        def answer(request: HttpRequest) -> HttpResponse:
            asked.append(request.method or "")
            return HttpResponse("fine") if len(asked) > failures else unavailable(request, error)

        return asked_again(answer), asked

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("method", "error", "status", "times"),
        [
            ("GET", BROKE, 200, 2),
            ("HEAD", BROKE, 200, 2),
            ("POST", BROKE, 503, 1),
            ("GET", from_postgres(ServerIsAway("was waited for")), 503, 1),
            ("GET", from_sqlite(sqlite3.SQLITE_BUSY), 503, 1),
        ],
    )
    def test_what_is_safe_and_may_help(self, method: str, error: Exception, status: int, times: int) -> None:
        answer, asked = self.answers_after(1, error)
        assert answer(RequestFactory().generic(method, "/")).status_code == status
        assert len(asked) == times

    @pytest.mark.django_db
    def test_not_for_longer_than_somebody_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = iter(range(100))
        monkeypatch.setattr("prompts_app.views.errors.monotonic", lambda: next(clock) * 0.9)
        answer, asked = self.answers_after(99)
        assert answer(RequestFactory().get("/")).status_code == 503
        assert 2 <= len(asked) <= 4


class TestHealthz:
    @pytest.mark.django_db
    def test_says_that_the_database_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Client().get("/healthz").status_code == 200
        monkeypatch.setattr(
            "prompts_app.views.public.health.check_answers", _raising(OperationalError("away"))
        )
        answer = Client().get("/healthz")
        assert (answer.status_code, answer.content) == (503, b"the database does not answer")

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif("connection.vendor != 'sqlite'")
    def test_a_file_that_cannot_be_read_in_time_is_told_in_time(self, tmp_path: Any, settings: Any) -> None:
        path = tmp_path / "other.sqlite3"
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("CREATE TABLE django_migrations (id)")
        with pytest.MonkeyPatch.context() as patched:
            patched.setitem(connection.settings_dict, "NAME", str(path))
            check_answers(0.2)
            holder.execute("BEGIN EXCLUSIVE")  # without WAL, readers wait too
            began = monotonic()
            with pytest.raises(AWAY):
                check_answers(0.2)
            assert monotonic() - began < 5
        holder.close()

    def test_a_limit_is_of_whoever_sets_it(self) -> None:
        usual = limit_s()
        with within(0.5):
            assert limit_s() == 0.5
        assert limit_s() == usual


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_lock_past_its_wait_costs_nobody_what_they_typed() -> None:
    client = client_of(alice())
    client.raise_request_exception = False
    sign_up = Client(raise_request_exception=False)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 100")
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=10)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert client.get("/").status_code == 200  # readers do not wait
        answer = client.post(reverse("studio_prompt_new"), {"title": "Typed for an hour", "start": "blank"})
        assert answer.status_code == 503
        assert "Typed for an hour</textarea>" in read_page(answer)
        fields = {"email": "eve@example.org", "username": "eve", "password1": PASSWORD}
        answer = sign_up.post(reverse("account_signup"), fields)
        assert answer.status_code == 503
        assert "eve@example.org</textarea>" in read_page(answer)
        assert PASSWORD not in read_page(answer)
    finally:
        holder.close()
        connection.close()
    assert not Prompt.objects.exists()
    assert not User.objects.filter(username="eve").exists()
