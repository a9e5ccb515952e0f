"""Behind a proxy each visitor has an address of their own, or the log says why not."""

from typing import Any

import pytest
from django.test import Client

from prompts_app.models import User
from prompts_app.views import proxy

pytestmark = pytest.mark.django_db

PAGE = "/robots.txt"


@pytest.fixture(autouse=True)
def a_public_site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.LOCAL = False
    monkeypatch.setattr(proxy, "_said", set())
    return settings


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == proxy.__name__]


def test_a_proxy_that_does_not_name_the_visitor_is_told_once(
    a_public_site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    a_public_site.BEHIND_PROXY = True
    for _ in range(3):
        Client().get(PAGE)
    assert said(caplog) == [proxy.NOT_NAMED]


def test_one_that_is_not_trusted_is_told(a_public_site: Any, caplog: pytest.LogCaptureFixture) -> None:
    Client().get(PAGE, headers={"x-forwarded-for": "198.51.100.7"})
    assert said(caplog) == [proxy.NOT_TRUSTED]


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_whoever_watches_from_this_machine_is_no_visitor(
    a_public_site: Any, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    a_public_site.BEHIND_PROXY = True
    Client().get(address)
    assert said(caplog) == []


def test_where_all_is_well_nothing_is_said(a_public_site: Any, caplog: pytest.LogCaptureFixture) -> None:
    Client(REMOTE_ADDR="198.51.100.7").get(PAGE)
    a_public_site.BEHIND_PROXY = True
    Client().get(PAGE, headers={"x-forwarded-for": "198.51.100.7"})
    assert said(caplog) == []


@pytest.mark.parametrize("address", ["", "/run/proofsheet.sock"])
def test_signing_up_behind_a_unix_socket(address: str) -> None:
    form = {"email": "nia@example.net", "username": "nia-here", "password1": "correct horse battery"}
    answer = Client(REMOTE_ADDR=address).post("/accounts/signup/", form)
    assert answer.status_code == 302
    assert User.objects.filter(username="nia-here").exists()
