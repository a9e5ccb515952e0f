"""Many who sign up or in at once: passwords are hashed in turn, and who reads is not held up."""

from threading import Event
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, identify_hasher, make_password
from django.test import Client

from portfolio import hashing
from portfolio.hashing import InTurn, TooManyAtOnce
from prompts_app.models import User
from prompts_app.tests.accounts import sign_in, sign_up, words
from prompts_app.tests.actions.running import in_a_thread
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD
from prompts_app.tests.workers import eventually

PLACES = hashing.AT_ONCE + hashing.MOST_WAITING


@pytest.fixture(autouse=True)
def in_turn(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site's own hasher, in less time."""
    settings.PASSWORD_HASHERS = ["portfolio.hashing.InTurn"]
    monkeypatch.setattr(InTurn, "iterations", 1000)


class Held:
    """Hashing, which lasts until ``go_on``; and how many hash at the same moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.most = 0
        self.go_on = Event()
        monkeypatch.setattr(PBKDF2PasswordHasher, "encode", self._encode)

    def _encode(self, *args: Any) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        self.go_on.wait(30)
        self.now -= 1
        return "pbkdf2_sha256$1000$salt$hash"


def test_one_is_hashed_at_a_time_and_what_comes_when_all_places_are_taken_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, done = Held(monkeypatch), list[str]()
    threads = [in_a_thread(lambda: done.append(make_password("x"))) for _ in range(PLACES)]
    eventually(lambda: hashing._place._value == 0)
    with pytest.raises(TooManyAtOnce):
        make_password("x")
    held.go_on.set()
    for thread in threads:
        thread.join(30)
    assert (len(done), held.most) == (PLACES, hashing.AT_ONCE)
    assert make_password("x"), "every place was given back"


def test_threads_are_left_for_readers(settings: Any) -> None:
    assert settings.WEB_THREADS >= PLACES * 3 // 2


def test_what_was_hashed_before_is_read_as_before() -> None:
    before = PBKDF2PasswordHasher().encode("open sesame", "salt", 1000)
    assert check_password("open sesame", before)
    assert not check_password("open barley", before)
    assert identify_hasher(make_password("x")).algorithm == "pbkdf2_sha256"


# --- what is said to who comes when all places are taken ---


@pytest.fixture
def full() -> Any:
    for _ in range(PLACES):
        assert hashing._place.acquire(blocking=False)
    yield
    for _ in range(PLACES):
        hashing._place.release()


@pytest.mark.django_db
@pytest.mark.usefixtures("full")
def test_who_signs_up_then_is_asked_to_come_back_and_what_was_typed_is_there() -> None:
    client = Client(raise_request_exception=False)
    response = sign_up(client)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "So many people sign in or up" in words(response)
    assert "erin@example.com" in read_page(response)
    assert PASSWORD not in read_page(response)
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("full")
def test_who_signs_in_then_is_asked_to_come_back() -> None:
    client = Client(raise_request_exception=False)
    assert sign_in(client, "alice").status_code == 503
    assert client.get("/prompts/").status_code == 200
