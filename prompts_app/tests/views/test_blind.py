"""``/blind/``: two outputs read without their names; one vote a visitor and pair, and no figure moves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from prompts_app.actions.run import delete_runs
from prompts_app.actions.sharing import Choice, create_link
from prompts_app.actions.votes import Pair, Visitor, VotedFromHere, cast_vote, tally_of
from prompts_app.models import BlindChoice, BlindVote, Prompt, Result, Run, Source, User, Visibility
from prompts_app.tests.actions.running import in_a_thread
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.test_hostile_text import ODD, SCRIPTS, is_harmless
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run
from prompts_app.views.public.blind import COOKIE
from prompts_app.views.public.duel import MOST_SHOWN, Duel, duel_of

pytestmark = pytest.mark.django_db

TALLY = "What visitors chose"


@pytest.fixture(autouse=True)
def no_votes_yet() -> None:
    cache.clear()


@pytest.fixture
def prompt() -> Prompt:
    """v1 and v3 on main-model differ in seven cases: 1, 2, 3 and 5 to 8."""
    return improved_prompt(owner=alice(), slug="invoices", title="Invoices")


def start(client: Client, prompt: Prompt) -> str:
    """The address of a pair that the server drew."""
    response = client.get(f"{prompt.get_absolute_url()}blind/")
    assert response.status_code == 302
    return str(response["Location"])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    assert "noindex" in response["X-Robots-Tag"]
    return str(response.content.decode())


def seal_of(body: str) -> str:
    (seal,) = re.findall(r'name="pair" value="([0-9a-f]+)"', body)
    return str(seal)


def vote(client: Client, address: str, choice: str = "A", **where: str) -> Any:
    seal = seal_of(Client().get(address).content.decode())
    return client.post(address, {"choice": choice, "pair": seal}, **where)  # type: ignore[arg-type]


def outputs(body: str) -> list[str]:
    return re.findall(r'<pre class="output" dir="auto">(.*?)</pre>', body, re.DOTALL)


def the_duel(prompt: Prompt) -> Duel:
    duel = duel_of(Prompt.objects.get(pk=prompt.pk))
    assert duel
    return duel


def a_pair(prompt: Prompt) -> Pair:
    return the_duel(prompt).pairs[0]


# --- which pair -------------------------------------------------------------------------------------------


def test_the_pairs_are_the_cases_in_which_baseline_and_current_differ(prompt: Prompt) -> None:
    duel = the_duel(prompt)
    assert (duel.names, duel.one.model, duel.other.model) == (("v1", "v3"), "main-model", "main-model")
    assert sorted(duel.cases.values()) == [0, 1, 2, 4, 5, 6, 7]


def test_with_one_version_its_first_two_models_are_read(prompt: Prompt) -> None:
    made = public_prompt()
    version = VersionFactory(prompt=made)
    recorded_run(version, "a-good", 10)
    recorded_run(version, "b-bad", 10, [2, 3])
    duel = the_duel(made)
    assert (duel.names, sorted(duel.cases.values())) == (("b-bad", "a-good"), [1, 2])


@pytest.mark.parametrize(
    "fields", [{"source": Source.PASTED}, {"source": Source.IMPORTED}, {"source": Source.PRACTICE},
               {"state": Run.State.CANCELLED}, {"asks": "images"}],
)  # fmt: skip
def test_only_recorded_runs_that_count_and_answer_in_words(prompt: Prompt, fields: dict[str, str]) -> None:
    Run.objects.filter(version__number=1).update(**fields)
    assert all(duel is None or duel.is_over_versions is False for duel in [duel_of(prompt)])


@pytest.mark.parametrize(
    "fields", [{"output": ""}, {"error_kind": "timeout"}, {"output": "yes, output of case 1"}]
)
def test_without_an_answer_or_a_difference_a_case_is_no_pair(prompt: Prompt, fields: dict[str, str]) -> None:
    Result.objects.filter(run__version__number=1, case_index=0).update(**fields)
    assert 0 not in the_duel(prompt).cases.values()


def test_outputs_that_differ_only_beyond_what_is_shown_are_no_pair(prompt: Prompt) -> None:
    for number, end in ((1, "one"), (3, "three")):
        of_version = Result.objects.filter(run__version__number=number, case_index=0)
        of_version.update(output="x" * MOST_SHOWN + end)
    assert 0 not in the_duel(prompt).cases.values()


def test_a_case_that_was_changed_is_no_pair_and_one_that_moved_is(prompt: Prompt) -> None:
    run = Run.objects.get(version__number=3, model="main-model")
    other = [{**run.suite[0], "name": "Changed"}, *run.suite[2:], run.suite[1]]
    recorded_run(run.version, "main-model", suite=other, days_ago=0)
    duel = the_duel(prompt)
    pairs = [(Result.objects.get(pk=p.one).case_index, at) for p, at in duel.cases.items()]
    assert (1, 9) in pairs
    assert 0 not in [was for was, _ in pairs]


@pytest.mark.parametrize("gone", ["everything", "baseline"])
def test_without_a_pair_the_page_says_so_and_nothing_leads_there(prompt: Prompt, gone: str) -> None:
    runs = Run.objects.all() if gone == "everything" else Run.objects.exclude(version__number=3)
    delete_runs(prompt, list(runs.select_related("prompt")))
    delete_runs(prompt, list(Run.objects.filter(model="small-model").select_related("prompt")))
    for place in ("blind/", "blind/abc/"):
        response = Client().get(prompt.get_absolute_url() + place)
        assert response.status_code == 200
        assert "There is no pair to read blind" in response.content.decode()
    assert "Read two outputs blind" not in Client().get(prompt.get_absolute_url()).content.decode()


def test_the_prompts_page_leads_there_and_tells_no_tally(prompt: Prompt) -> None:
    client = Client()
    vote(client, start(client, prompt))
    body = client.get(prompt.get_absolute_url()).content.decode()
    assert '<a class="btn" href="blind/" rel="nofollow">' in body
    assert "7 pairs; the server draws one" in body
    assert "n = " not in body


# --- blind ------------------------------------------------------------------------------------------------


def test_nothing_tells_which_is_which_before_voting(prompt: Prompt) -> None:
    client = Client()
    body = read(client, start(client, prompt))
    assert len(outputs(body)) == 2
    assert TALLY not in body
    main = body[body.index('id="pair"') : body.index('id="rule-h"')]
    for word in ("v1", "v3", "baseline", "current", "results/", "tokens", "n = "):
        assert word not in main
    for result in Result.objects.all():
        assert result.public_id not in body
    assert "Visitors’ opinion, not evidence" in body


def test_reading_again_shows_the_same_and_the_order_varies_with_the_draw(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    assert outputs(read(Client(), address)) == outputs(read(Client(), address))
    duel = the_duel(prompt)
    draws = [duel.drawn(f"draw-{number}") for number in range(400)]
    swapped = Counter(drawn.is_swapped for drawn in draws)
    assert min(swapped.values()) > 140
    assert set(Counter(drawn.pair for drawn in draws)) == set(duel.pairs)


def test_the_address_alone_does_not_tell_the_order(prompt: Prompt, settings: Any) -> None:
    duel = the_duel(prompt)
    before = [duel.drawn(f"draw-{number}").is_swapped for number in range(64)]
    settings.SECRET_KEY = "another key"
    assert [duel.drawn(f"draw-{number}").is_swapped for number in range(64)] != before


def test_looking_sets_no_cookie_but_the_forms_own_and_votes_for_nothing(prompt: Prompt) -> None:
    client = Client()
    address = start(client, prompt)
    read(client, address)
    client.get(address, {"choice": "A", "pair": "0" * 16})
    client.head(address)
    assert set(client.cookies) == {"csrftoken"}
    assert not BlindVote.objects.exists()


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
    assert "n = 1" in body
    stored = BlindVote.objects.get()
    old = "PAID" in shown[0]
    expected = {"A": "one" if old else "other", "B": "other" if old else "one"}.get(letter, "neither")
    assert stored.choice == expected
    for number, place in ((1, 0 if old else 1), (3, 1 if old else 0)):
        result = Result.objects.get(pk=stored.one_id if number == 1 else stored.other_id)
        link = f'<a href="/@alice/invoices/results/{result.public_id}/"><bdi>v{number}</bdi></a>'
        assert f"{'AB'[place]}: {link}" in body
    assert body.count("1 of 1") == 2  # of this pair, and of all


def test_the_tally_of_another_pair_stays_hidden(prompt: Prompt) -> None:
    client = Client()
    vote(client, start(client, prompt))
    assert TALLY not in read(client, start(client, prompt))


def test_the_next_pair_is_one_that_was_not_chosen_in_until_there_is_none(prompt: Prompt) -> None:
    client = Client()
    for _ in range(7):
        vote(client, start(client, prompt))
    assert BlindVote.objects.values("one", "other").distinct().count() == 7
    body = client.get(f"{prompt.get_absolute_url()}blind/").content.decode()
    assert "You have chosen in every pair there is: 7." in body
    assert "n = 7" in body


def test_the_tally_counts_everybodys_votes(prompt: Prompt) -> None:
    address = start(Client(), prompt)
    for place, letter in enumerate(["A", "A", "B", "neither"]):
        vote(Client(), address, letter, REMOTE_ADDR=f"192.0.2.{place}")
    own = client_of(bob())
    vote(own, address, "A")
    body = read(own, address)
    assert "n = 5" in body
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
    assert "blind" not in Client().get("/@alice/invoices.json").content.decode()


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
    body = response.content.decode()
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
    assert "these are not the outputs your form was about" in response.content.decode()
    assert not BlindVote.objects.exists()


@pytest.mark.parametrize("choice", ["", "C", "one", "A\0", "é" * 1000])
def test_nonsense_is_no_vote(prompt: Prompt, choice: str) -> None:
    client = Client()
    address = start(client, prompt)
    response = vote(client, address, choice)
    assert response.status_code == 422
    assert "Nothing was chosen" in response.content.decode()
    assert client.post(address, {"choice": "A", "pair": "é\0"}).status_code == 409
    assert not BlindVote.objects.exists()


def test_too_many_votes_from_one_network_wait(prompt: Prompt, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"blind_vote": "3/h/key"}
    codes = []
    for number in range(5):
        client = client_of(User.objects.create_user(f"sock-{number}", f"{number}@example.com"))
        codes.append(vote(client, start(client, prompt)).status_code)
    assert codes == [302, 302, 302, 429, 429]
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
            except VotedFromHere:
                said.append("from here")

        return voted

    threads = [in_a_thread(act(visitor)) for visitor in visitors]
    for thread in threads:
        thread.join(30)
    assert BlindVote.objects.count() == 1
    assert Counter(said) == Counter([True, *["from here" if same == "network" else False] * 3])


# --- whose page, and for how long -------------------------------------------------------------------------


def test_votes_go_with_their_outputs(prompt: Prompt) -> None:
    pair = a_pair(prompt)
    cast_vote(pair, Visitor(7, "", ""), BlindChoice.OTHER)
    assert tally_of(pair).n == 1
    delete_runs(prompt, list(Run.objects.filter(version__number=1).select_related("prompt")))
    assert not BlindVote.objects.exists()


@pytest.mark.parametrize("person", ["stranger", "reader"])
def test_a_private_prompt_is_read_blind_by_nobody_else(prompt: Prompt, person: str) -> None:
    address = start(Client(), prompt)
    seal = seal_of(read(Client(), address))
    Prompt.objects.update(visibility=Visibility.PRIVATE)
    client = client_of(bob() if person == "reader" else None)
    for response in (
        client.get(f"{prompt.get_absolute_url()}blind/"),
        client.get(address),
        client.post(address, {"choice": "A", "pair": seal}),
    ):
        assert response.status_code == 404
        assert "output of case" not in response.content.decode()
    assert not BlindVote.objects.exists()
    assert client_of(alice()).get(address).status_code == 200


def test_below_a_share_link_nobody_votes_and_nothing_leads_there(prompt: Prompt) -> None:
    _, token = create_link(alice(), Choice("For them", [prompt]))
    assert "Read two outputs blind" not in Client().get(f"/s/{token}/invoices/").content.decode()
    for place in ("blind/", "blind/abc/"):
        assert Client().get(f"/s/{token}/invoices/{place}").status_code == 404
    assert Client().post(f"/s/{token}/invoices/blind/abc/", {"choice": "A"}).status_code == 405


def test_a_former_address_leads_on(prompt: Prompt) -> None:
    response = Client().get(reverse("blind", args=["Alice", "invoices"]))
    assert (response.status_code, response["Location"]) == (302, "/@alice/invoices/blind/")


def test_more_cases_and_votes_take_no_more_queries(
    prompt: Prompt, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    address = start(Client(), prompt)
    few = count_queries(lambda: Client().get(address))
    for number, fails in ((1, range(1, 41)), (3, [1])):
        recorded_run(prompt.versions.get(number=number), "main-model", 40, fails, days_ago=0)
    for place in range(10):
        vote(Client(), start(Client(), prompt), REMOTE_ADDR=f"192.0.2.{place}")
    assert count_queries(lambda: Client().get(address)) == few <= 12
    assert count_queries(lambda: Client().get(f"{prompt.get_absolute_url()}blind/")) <= 8


@pytest.mark.parametrize("text", [*SCRIPTS, *ODD])
def test_hostile_outputs_and_inputs_are_shown_as_text(prompt: Prompt, text: str) -> None:
    Result.objects.filter(run__version__number=1).update(output=text)
    for run in Run.objects.all():
        case = {"name": text, "variables": {text: text}, "turns": [text], "assertions": []}
        Run.objects.filter(pk=run.pk).update(suite=[case] * 10, model=text[:200])
    client = Client()
    address = start(client, prompt)
    is_harmless(client.get(address), text)
    vote(client, address)
    is_harmless(client.get(address), text)
    is_harmless(client.get(prompt.get_absolute_url()), text)
