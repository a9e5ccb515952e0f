"""Blind votes: one a visitor and pair, not trivially stuffed, and no figure moves."""

from collections import Counter
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.test import Client

from prompts_app.actions.sharing.votes import Visitor, cast_vote
from prompts_app.engine.errors import Refused
from prompts_app.models import BlindChoice, BlindVote, Prompt, Result, User
from prompts_app.tests.actions.running import in_a_thread
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.views.blind_reading import TALLY, a_pair, outputs, read, seal_of, start, vote
from prompts_app.tests.views.recorded import improved_prompt, recorded_run
from prompts_app.views.public.blind import COOKIE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_votes_yet() -> None:
    cache.clear()


@pytest.fixture
def prompt() -> Prompt:
    """v1 and v3 on main-model differ in seven cases: 1, 2, 3 and 5 to 8."""
    return improved_prompt(owner=alice(), slug="invoices", title="Invoices")


# --- voting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["A", "B", "neither"])
def test_a_vote_shows_which_was_which_and_the_tally(prompt: Prompt, letter: str) -> None:
    client = Client()
    address = start(client, prompt)
    shown = outputs(read(client, address))
    response = vote(client, address, letter)
    assert response["Location"] == address
    body = read(client, address)
    assert outputs(body) == shown
    assert TALLY in body
    assert "this pair, 1 vote<" in body
    stored = BlindVote.objects.get()
    old = "PAID" in shown[0]
    expected = {"A": "one" if old else "other", "B": "other" if old else "one"}.get(letter, "neither")
    assert stored.choice == expected
    for number, place in ((1, 0 if old else 1), (3, 1 if old else 0)):
        result = Result.objects.get(pk=stored.one_id if number == 1 else stored.other_id)
        link = f'<a href="/@alice/invoices/results/{result.public_id}/"><bdi>v{number}</bdi></a>'
        assert f"{'AB'[place]}: {link}" in body
    assert body.count("1 of 1") == 2  # of this pair, and of all


def test_a_button_pressed_twice_is_one_vote_and_no_reproach(prompt: Prompt) -> None:
    """The second press leaves before the first one's cookie is there."""
    first, second = Client(), Client()
    address = start(first, prompt)
    seal = seal_of(read(first, address))
    second.cookies["csrftoken"] = first.cookies["csrftoken"].value
    for client in (first, second):
        response = client.post(address, {"choice": "A", "pair": seal})
        assert (response.status_code, response.headers["Location"]) == (302, address)
        assert TALLY in read(client, address)
    assert BlindVote.objects.count() == 1
    assert first.cookies[COOKIE].value.split(":")[0] == second.cookies[COOKIE].value.split(":")[0]


def test_the_tally_of_another_pair_stays_hidden(prompt: Prompt) -> None:
    client = Client()
    vote(client, start(client, prompt))
    assert TALLY not in read(client, start(client, prompt))


def test_the_next_pair_is_one_that_was_not_chosen_in_until_there_is_none(prompt: Prompt) -> None:
    client = Client()
    for _ in range(7):
        vote(client, start(client, prompt))
    assert BlindVote.objects.values("one", "other").distinct().count() == 7
    body = read_page(client.get(f"{prompt.get_absolute_url()}blind/"))
    assert "You have chosen in every pair there is: 7." in body
    assert ", 7 votes<" in body


def test_the_tally_counts_everybodys_votes(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    for place, letter in enumerate(["A", "A", "B", "neither"]):
        vote(Client(), address, letter, REMOTE_ADDR=f"192.0.2.{place}")
    own = client_of(bob())
    vote(own, address, "A")
    body = read(own, address)
    assert ", 5 votes<" in body
    for count in ("3 of 5", "1 of 5"):
        assert count in body


def test_no_figure_order_or_card_moves(prompt: Prompt) -> None:
    columns = [field.name for field in Prompt._meta.concrete_fields]
    before = Prompt.objects.values(*columns).get()
    page = Client().get("/prompts/?q=invoices").content
    for place in range(3):
        vote(Client(), start(Client(), prompt), "A", REMOTE_ADDR=f"192.0.2.{place}")
    assert BlindVote.objects.count() == 3
    assert Prompt.objects.values(*columns).get() == before
    assert Client().get("/prompts/?q=invoices").content.count(b"invoices") == page.count(b"invoices")
    assert "blind" not in read_page(Client().get("/@alice/invoices.json"))


# --- stuffing ---------------------------------------------------------------------------------------------


def test_the_same_browser_votes_once_and_its_first_choice_stays(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    vote(client, address, "A")
    first = BlindVote.objects.get().choice
    assert vote(client, address, "B").status_code == 302
    assert [one.choice for one in BlindVote.objects.all()] == [first]


def test_a_cleared_cookie_does_not_vote_again(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    vote(client, address)
    client.cookies.clear()
    response = vote(client, address, "B")
    assert response.status_code == 409
    body = read_page(response)
    assert "a vote on this pair has come from your network already" in body
    assert TALLY not in body
    assert BlindVote.objects.count() == 1
    assert COOKIE not in response.cookies


def test_a_forged_cookie_is_not_heard(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    vote(client, address)
    for forged in ("somebody-else", signing.dumps("somebody-else"), f"x:{client.cookies[COOKIE].value}"):
        other = Client()
        other.cookies[COOKIE] = forged
        assert TALLY not in read(other, address)
        assert vote(other, address, "B").status_code == 409
    assert BlindVote.objects.count() == 1


def test_a_cookie_signed_for_something_else_is_not_heard(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    vote(Client(), address)
    other = Client()
    other.cookies[COOKIE] = signing.get_cookie_signer(salt="other").sign("me")
    assert vote(other, address, "B").status_code == 409


def test_a_stolen_cookie_is_the_same_visitor_from_anywhere(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    vote(client, address)
    other = Client()
    other.cookies[COOKIE] = client.cookies[COOKIE].value
    assert vote(other, address, "B", REMOTE_ADDR="192.0.2.7").status_code == 302
    assert BlindVote.objects.count() == 1


def test_the_cookie_is_for_this_server_alone(prompt: Prompt) -> None:
    client = Client()
    vote(client, start(client, prompt))
    cookie = client.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert 300 * 86400 < int(cookie["max-age"]) <= 366 * 86400


def test_an_account_votes_once_wherever_it_is(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    for place in range(3):
        vote(client_of(bob()), address, "AB"[place % 2], REMOTE_ADDR=f"192.0.2.{place}")
    stored = BlindVote.objects.get()
    assert stored.place == ""
    assert TALLY in read(client_of(bob()), address)


def test_two_accounts_in_one_house_both_count(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    vote(client_of(bob()), address)
    vote(client_of(User.objects.create_user("carol", "carol@example.com")), address)
    assert BlindVote.objects.count() == 2


def test_the_authors_own_vote_is_not_counted_and_the_page_says_so(prompt: Prompt) -> None:
    own = client_of(alice())
    address = start(own, prompt)
    body = read(own, address)
    assert "your own choice is never counted" in body
    assert TALLY in body
    assert vote(own, address).status_code == 302
    assert not BlindVote.objects.exists()
    assert "The author’s own votes are not counted." in read(Client(), address)


def test_without_the_forms_token_nothing_is_counted(prompt: Prompt) -> None:
    client = Client(enforce_csrf_checks=True)
    address = start(client, prompt)
    seal = seal_of(read(client, address))
    assert client.post(address, {"choice": "A", "pair": seal}).status_code == 403
    assert not BlindVote.objects.exists()


def test_a_vote_is_about_the_outputs_that_were_read(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    seal = seal_of(read(client, address))
    recorded_run(prompt.versions.get(number=3), "main-model", 10, [4], days_ago=0)
    response = client.post(address, {"choice": "A", "pair": seal})
    assert response.status_code == 409
    assert "these are not the outputs your form was about" in read_page(response)
    assert not BlindVote.objects.exists()


@pytest.mark.parametrize("choice", ["", "C", "one", "A\0", "é" * 1000])
def test_nonsense_is_no_vote(prompt: Prompt, choice: str) -> None:
    client = Client()
    address = start(client, prompt)
    response = vote(client, address, choice)
    assert response.status_code == 422
    assert "Nothing was chosen" in read_page(response)
    assert client.post(address, {"choice": "A", "pair": "é\0"}).status_code == 409
    assert not BlindVote.objects.exists()


def test_too_many_votes_from_one_network_wait(prompt: Prompt, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"blind_vote": "3/h/key"}
    codes = []
    for number in range(5):
        client = client_of(User.objects.create_user(f"sock-{number}", f"{number}@example.com"))
        response = vote(client, start(client, prompt))
        codes.append(response.status_code)
    assert codes == [302, 302, 302, 429, 429]
    assert response["Retry-After"] == "3600"
    assert BlindVote.objects.count() == 3
    elsewhere = client_of(bob())
    assert vote(elsewhere, start(elsewhere, prompt), REMOTE_ADDR="192.0.2.1").status_code == 302


def test_one_household_has_one_network_in_ipv6(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    assert vote(Client(), address, REMOTE_ADDR="2001:db8:1:2::1").status_code == 302
    assert vote(Client(), address, REMOTE_ADDR="2001:db8:1:2:ffff::9").status_code == 409
    assert vote(Client(), address, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_no_address_is_stored_and_two_pairs_have_nothing_in_common(prompt: Prompt) -> None:
    client = Client()
    for _ in range(2):
        vote(client, start(client, prompt), REMOTE_ADDR="192.0.2.77")
    rows = list(BlindVote.objects.values())
    assert "192.0.2" not in str(rows)
    assert client.cookies[COOKIE].value.partition(":")[0] not in str(rows)
    assert rows[0]["voter"] != rows[1]["voter"]
    assert rows[0]["place"] != rows[1]["place"]
    assert {len(row["place"]) for row in rows} == {5}  # 20 bits: thousands of addresses have the same
    assert "192.0.2" not in str(getattr(cache, "_cache", ""))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["cookie", "account", "network"])
def test_of_votes_at_the_same_moment_one_counts(same: str) -> None:
    pair = a_pair(improved_prompt(owner=alice()))
    visitors = {
        "cookie": [Visitor(None, "me", f"192.0.2.{place}") for place in range(4)],
        "account": [Visitor(7, "", f"192.0.2.{place}") for place in range(4)],
        "network": [Visitor(None, f"browser-{place}", "192.0.2.1") for place in range(4)],
    }[same]
    barrier, said = Barrier(4), list[object]()

    def act(visitor: Visitor) -> Callable[[], None]:
        def voted() -> None:
            barrier.wait()
            try:
                said.append(cast_vote(pair, visitor, BlindChoice.ONE))
            except Refused:
                said.append("from here")

        return voted

    threads = [in_a_thread(act(visitor)) for visitor in visitors]
    for thread in threads:
        thread.join(30)
    assert BlindVote.objects.count() == 1
    assert Counter(said) == Counter([True, *["from here" if same == "network" else False] * 3])
