"""A GET writes no row, whoever asks: pages may be stored, fetched ahead and asked for by robots."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.urls import reverse

from prompts_app.actions.runs.lifecycle import practice_endpoint
from prompts_app.models import Endpoint, User
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.addresses import TABLE
from prompts_app.tests.security.world import world

pytestmark = pytest.mark.django_db

_WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0 Safari/537.36"

# Address → the table that opening it writes to. Besides, what was put aside to be taken once is taken by the
# GET after it: what was typed before signing in (session, draft), a new share link's address (session). Where
# a second step is set up, allauth keeps its challenge in the session until it is answered.
MEANT = {
    "readyz": "prompts_app_heartbeat",  # it asks whether the database can be written
    "shared": "prompts_app_sharelinkopens",  # its author is told how often a link was opened; never stored
}


@contextmanager
def tables_written() -> Iterator[set[str]]:
    found: set[str] = set()

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if match := _WRITES.match(sql):
            found.add(match[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watched):
        yield found


def stranger() -> Client:
    return Client()


def reader() -> Client:
    return _signed_in(bob())


def owner() -> Client:
    return _signed_in(alice())


def _signed_in(user: User) -> Client:
    """With an address, as whoever signed up has."""
    EmailAddress.objects.get_or_create(user=user, email=user.email, primary=True, verified=True)
    return client_of(user)


@pytest.mark.parametrize("who", [stranger, reader, owner])
@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.method == "get"])
def test_opening_a_page_writes_no_row(name: str, who: Callable[[], Client]) -> None:
    client, address = who(), reverse(name, args=TABLE[name].args(world()))
    with tables_written() as found:
        client.get(address, headers={"User-Agent": CHROME})
        client.get(address, headers={"User-Agent": CHROME, "HX-Request": "true"})
    assert found <= {MEANT.get(name)}


def test_what_is_meant_to_be_written_is_written_by_somebody() -> None:
    written = set()
    for name, table in MEANT.items():
        address = reverse(name, args=TABLE[name].args(world()))
        for who in (stranger, reader, owner):
            client = who()
            with tables_written() as found:
                client.get(address, headers={"User-Agent": CHROME})
            written |= {name for one in found if one == table}
    assert written == set(MEANT)


def test_the_practice_endpoint_is_offered_before_it_is_a_row_and_has_the_same_id_then() -> None:
    w = world()
    Endpoint.objects.filter(owner=w.prompt.owner, kind=Endpoint.PRACTICE).delete()
    page = read_page(owner().get(reverse("studio_run_start", args=[w.prompt.slug])))
    assert not Endpoint.objects.filter(kind=Endpoint.PRACTICE).exists()
    assert practice_endpoint(w.prompt.owner).public_id in page
