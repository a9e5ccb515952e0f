"""Mail waits in a row of its own until a server takes it: nobody waits with it, and none is lost."""

import smtplib
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from prompts_app.actions.accounts.mail import deliver_mail, queue_mail
from prompts_app.actions.site.keys import rotate_keys
from prompts_app.models import QueuedMail, User
from prompts_app.models.mail import KEPT_FOR, LONGEST_WAIT
from prompts_app.tests.accounts import sign_up

pytestmark = pytest.mark.django_db


def queue(subject: str = "Hello", to: str = "erin@example.com") -> None:
    queue_mail(EmailMessage(subject, "https://here.example/password/reset/key/1-secret/", None, [to]))


def failing(monkeypatch: pytest.MonkeyPatch, why: Exception, *, for_whom: str = "") -> list[str]:
    """Sending fails with ``why``; the addresses it was tried for."""
    tried: list[str] = []
    send = EmailMessage.send

    def fail(message: EmailMessage, *args: Any, **kwargs: Any) -> int:
        tried.append(message.to[0])
        if for_whom in message.to[0]:
            raise why
        return send(message, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", fail)
    return tried


def later(**by: float) -> None:
    QueuedMail.objects.update(due_at=timezone.now() - timedelta(seconds=1), **by)


def test_a_mail_is_sent_once_and_then_gone() -> None:
    queue()
    assert mail.outbox == []
    assert (deliver_mail(), deliver_mail()) == (1, 0)
    assert [message.subject for message in mail.outbox] == ["Hello"]
    assert not QueuedMail.objects.exists()


def test_what_it_says_and_to_whom_cannot_be_read_in_the_database() -> None:
    queue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM prompts_app_queuedmail")
        stored = str([bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()])
    for secret in ("erin", "reset/key", "Hello"):
        assert secret not in stored


@pytest.mark.parametrize(
    "why", [ConnectionRefusedError(), TimeoutError(), smtplib.SMTPServerDisconnected("gone"), OSError()]
)
def test_where_the_server_is_away_all_is_kept_and_one_is_tried(
    why: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        queue(to=f"{number}@example.com")
    with monkeypatch.context() as away:
        tried = failing(away, why)
        assert deliver_mail() == 0
        assert tried == ["0@example.com"], "it is not waited for three times"
    assert QueuedMail.objects.count() == 3
    assert type(why).__name__ in caplog.text
    assert "example.com" not in caplog.text
    later()
    assert deliver_mail() == 3


def test_one_the_server_refuses_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for to in ("bad@example.com", "good@example.com"):
        queue(to=to)
    failing(monkeypatch, smtplib.SMTPRecipientsRefused({}), for_whom="bad")
    assert deliver_mail() == 1
    assert QueuedMail.objects.get().tries == 1


def test_it_is_tried_again_after_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    queue()
    failing(monkeypatch, TimeoutError())
    waits = []
    for _ in range(9):
        later()
        deliver_mail()
        waits.append((QueuedMail.objects.get().due_at - timezone.now()).total_seconds())
    minutes = [round(wait / 60) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_two_days_it_is_given_up_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue()
    failing(monkeypatch, TimeoutError())
    QueuedMail.objects.update(created_at=timezone.now() - KEPT_FOR + LONGEST_WAIT / 2, tries=20)
    later()
    deliver_mail()
    assert not QueuedMail.objects.exists()
    assert "was given up after 21 tries: TimeoutError" in caplog.text


def test_a_worker_that_died_while_sending_loses_nothing() -> None:
    queue()
    assert QueuedMail.objects.claim(timezone.now())
    assert deliver_mail() == 0, "another one keeps its hands off at first"
    later()
    assert deliver_mail() == 1


def test_what_waits_can_still_be_sent_after_the_keys_were_changed(settings: Any) -> None:
    queue()
    old, new = settings.ENDPOINT_KEYS, Fernet.generate_key().decode()
    settings.ENDPOINT_KEYS = [new, *old]
    rotate_keys()
    settings.ENDPOINT_KEYS = [new]
    assert deliver_mail() == 1


def test_a_mail_of_something_that_was_not_stored_is_not_sent() -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert deliver_mail() == 0


def test_a_server_that_hangs_holds_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    hung, go_on = Event(), Event()

    def claim(now: Any) -> None:
        hung.set()
        go_on.wait(10)

    monkeypatch.setattr(QueuedMail.objects, "claim", claim)
    monkeypatch.setattr(type(QueuedMail.objects.all()), "exists", lambda self: not go_on.is_set())
    held = Thread(target=deliver_mail)
    held.start()
    assert hung.wait(10)
    assert deliver_mail() == 0, "comes back at once"
    go_on.set()
    held.join(10)
    assert not held.is_alive()


# --- signing up ---


@pytest.mark.parametrize("broken", ["QueuedMail.save", "EmailAddress.save", "session"])
def test_an_error_never_leaves_an_account_behind(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from allauth.account.models import EmailAddress
    from django.contrib.sessions.backends.db import SessionStore

    of = {"QueuedMail.save": QueuedMail, "EmailAddress.save": EmailAddress, "session": SessionStore}[broken]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    client = Client(raise_request_exception=False)
    client.get("/accounts/signup/")
    monkeypatch.setattr(of, "save", fail)
    assert sign_up(client).status_code == 500
    assert not User.objects.filter(username="erin").exists()
    assert not QueuedMail.objects.exists()


def test_signing_up_waits_for_no_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(monkeypatch, TimeoutError())
    assert sign_up(Client()).status_code == 302
    assert tried == []
    assert QueuedMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_password_is_hashed_before_anything_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    in_transaction = []
    encode = MD5PasswordHasher.encode

    def seen(self: Any, *args: Any) -> str:
        in_transaction.append(connection.in_atomic_block)
        return encode(self, *args)

    monkeypatch.setattr(MD5PasswordHasher, "encode", seen)
    assert sign_up(Client()).status_code == 302
    assert in_transaction == [False]
    assert User.objects.get(username="erin").check_password("correct horse battery staple")
