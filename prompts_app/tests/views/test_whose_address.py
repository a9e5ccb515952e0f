"""An address is of who confirmed it. One somebody only gave opens nothing, and keeps nobody from it."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from prompts_app.actions.accounts.email_addresses import forget_unconfirmed
from prompts_app.actions.accounts.mail import deliver_mail
from prompts_app.models import User
from prompts_app.tests.accounts import (
    is_in,
    last_mail,
    link_in_mail,
    sign_in,
    sign_in_twice,
    sign_up,
    verified,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob

pytestmark = pytest.mark.django_db

NEW = "new@example.com"


def wants_new_address(user: User) -> Client:
    """``user``'s browser, after asking for NEW, which is not confirmed yet."""
    verified(user)
    client = sign_in_twice(user.handle)
    client.post(reverse("account_email"), {"action_add": "", "email": NEW})
    assert EmailAddress.objects.filter(user=user, email=NEW, verified=False).exists()
    return client


@pytest.mark.parametrize("login", [NEW, "New@Example.com", f" {NEW} "])
def test_an_address_that_waits_to_be_confirmed_does_not_sign_in(login: str) -> None:
    wants_new_address(bob())
    client = Client()
    sign_in(client, login)
    assert not is_in(client)


def test_nor_does_it_reset_a_password() -> None:
    """Else whoever reads that mailbox gets the account of somebody who mistyped."""
    wants_new_address(bob())
    deliver_mail()
    mail.outbox.clear()
    Client().post(reverse("account_reset_password"), {"email": NEW})
    assert last_mail().subject == "Proofsheet: No account with this address"


def test_nor_does_it_keep_its_owner_from_signing_up() -> None:
    wants_new_address(bob())
    client = Client()
    assert sign_up(client, email=NEW).status_code == 302
    assert User.objects.get(username="erin").email == NEW
    client.post(link_in_mail("confirm-email"))
    assert EmailAddress.objects.get(email=NEW).user.username == "erin"
    assert EmailAddress.objects.get(user=bob()).email == "bob@example.com", "bob's own is left as it was"


def test_an_address_somebody_else_signed_up_with_does_not_keep_its_owner_from_signing_up() -> None:
    sign_up(Client(), username="mallory")
    owner = Client()
    assert sign_up(owner).status_code == 302
    owner.post(link_in_mail("confirm-email"))
    mallory = User.objects.get(username="mallory")
    assert mallory.email == "", "and nobody writes to them there"
    assert not EmailAddress.objects.filter(user=mallory).exists()
    assert EmailAddress.objects.get(email="erin@example.com").verified


def test_of_several_who_gave_one_address_each_has_their_own_password() -> None:
    sign_up(Client(), username="mallory", password1="a quite different one")
    sign_up(Client())
    for password, handle in ((PASSWORD, "erin"), ("a quite different one", "mallory")):
        client = Client()
        sign_in(client, "erin@example.com", password)
        assert client.get("/studio/").context["user"].handle == handle


def test_once_one_confirmed_it_nobody_else_signs_in_with_it() -> None:
    sign_up(Client(), username="mallory", password1="a quite different one")
    verified(alice())
    User.objects.filter(username="mallory").update(email="alice@example.com")
    client = Client()
    sign_in(client, "alice@example.com", "a quite different one")
    assert not is_in(client)


def test_a_confirmed_address_cannot_be_confirmed_by_somebody_else() -> None:
    client = wants_new_address(bob())
    link = link_in_mail("confirm-email")
    alice_new = alice()
    EmailAddress.objects.create(user=alice_new, email=NEW, verified=True)
    client.post(link)
    assert EmailAddress.objects.get(email=NEW, verified=True).user == alice_new


# --- signing up tells nobody whose address it is ---


@pytest.fixture
def mail_is_set_up(settings: Any) -> None:
    settings.EMAIL_SERVER = "mail.example.com"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def told(client: Client, response: object) -> tuple[object, ...]:
    """All that who signed up sees, without what is random in it."""
    page = client.get(response["Location"])  # type: ignore[index]
    return (
        response.status_code,  # type: ignore[attr-defined]
        response["Location"],  # type: ignore[index]
        sorted(response.cookies),  # type: ignore[attr-defined]
        [str(message) for message in page.context["messages"]],
        page.status_code,
        is_in(client),
    )


@pytest.mark.usefixtures("mail_is_set_up")
def test_where_mail_is_set_up_a_taken_address_answers_like_a_free_one() -> None:
    verified(alice())
    seen = {}
    for handle, email in (("erin", "free@example.com"), ("frank", "alice@example.com")):
        client, later = Client(), Client()
        answer = told(client, sign_up(client, email=email, username=handle))
        seen[handle] = (
            [str(part).replace(email, "…") for part in answer],
            sign_up(Client(), email="other@example.com", username=handle).status_code,
            sign_in(later, handle)["Location"],
            is_in(later),
            Client().get(f"/@{handle}/").status_code,
        )
    assert seen["erin"] == seen["frank"]


@pytest.mark.usefixtures("mail_is_set_up")
def test_its_owner_is_told_by_mail() -> None:
    verified(alice())
    sign_up(Client(), email="ALICE@example.com")
    message = last_mail()
    assert (message.to, message.subject) == (["alice@example.com"], "Proofsheet: You have an account already")
    assert "confirm-email" not in str(message.body)


@pytest.mark.usefixtures("mail_is_set_up")
def test_where_mail_is_set_up_nobody_is_in_before_the_address_is_confirmed() -> None:
    client = Client()
    sign_up(client)
    assert not is_in(client)
    for login in ("erin", "erin@example.com"):
        sign_in(client, login)
        assert not is_in(client)
    client.post(link_in_mail("confirm-email"))
    sign_in(client, "erin@example.com")
    assert is_in(client)


def test_without_mail_who_signs_up_with_a_confirmed_address_is_told() -> None:
    """There is no mail to tell its owner, who would get a second account they could never confirm."""
    verified(alice())
    response = sign_up(Client(), email="alice@example.com")
    assert "has an account already" in read_page(response)


def joined_before(days: int, **fields: object) -> None:
    User.objects.filter(username="erin").update(date_joined=timezone.now() - timedelta(days=days), **fields)


@pytest.mark.usefixtures("mail_is_set_up")
def test_an_account_nobody_confirmed_is_deleted_after_a_week_and_its_handle_is_free() -> None:
    sign_up(Client())
    joined_before(6)
    assert forget_unconfirmed() == 0
    joined_before(8)
    assert forget_unconfirmed() == 1
    assert not User.objects.has_taken("erin")


@pytest.mark.usefixtures("mail_is_set_up")
def test_no_account_that_was_used_or_can_be_is_deleted(settings: Any) -> None:
    sign_up(Client())
    joined_before(8, last_login=timezone.now())
    assert forget_unconfirmed() == 0
    joined_before(8, last_login=None, is_staff=True)
    assert forget_unconfirmed() == 0
    joined_before(8, is_staff=False)
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert forget_unconfirmed() == 0
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    verified(User.objects.get(username="erin"))
    assert forget_unconfirmed() == 0
    User.objects.create_user(
        "frank", "frank@example.com", "x", date_joined=timezone.now() - timedelta(days=9)
    )
    assert forget_unconfirmed() == 0, "made by the operator"
