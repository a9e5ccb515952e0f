"""``/blind/``: two outputs read without their names: which pair, what shows, and to whom."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.actions.sharing.votes import Visitor, cast_vote, tally_of
from prompts_app.evidence.blind_pairs import duel_of
from prompts_app.evidence.records import MOST_SHOWN, Records
from prompts_app.models import BlindChoice, BlindVote, Prompt, Result, Run, Source, Visibility
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.test_hostile_text import ODD, SCRIPTS, is_harmless
from prompts_app.tests.views.blind_reading import TALLY, a_pair, outputs, read, seal_of, start, the_duel, vote
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_votes_yet() -> None:
    cache.clear()


@pytest.fixture
def prompt() -> Prompt:
    """v1 and v3 on main-model differ in seven cases: 1, 2, 3 and 5 to 8."""
    return improved_prompt(owner=alice(), slug="invoices", title="Invoices")


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
               {"state": Run.State.CANCELLED}, {"api": "images"}],
)  # fmt: skip
def test_only_recorded_runs_that_count_and_answer_in_words(prompt: Prompt, fields: dict[str, str]) -> None:
    Run.objects.filter(version__number=1).update(**fields)
    assert all(duel is None or duel.is_over_versions is False for duel in [duel_of(Records(prompt))])


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
        assert "There is no pair to read blind" in read_page(response)
    assert "Read two outputs blind" not in read_page(Client().get(prompt.get_absolute_url()))


def test_the_prompts_page_leads_there_and_tells_no_tally(prompt: Prompt) -> None:
    client = Client()
    vote(client, start(client, prompt))
    body = read_page(client.get(prompt.get_absolute_url()))
    assert '<a class="btn" href="blind/" rel="nofollow">' in body
    assert "7 pairs; the server draws one" in body
    assert "this pair, " not in body


# --- blind ------------------------------------------------------------------------------------------------


def test_nothing_tells_which_is_which_before_voting(prompt: Prompt) -> None:
    client = Client()
    body = read(client, start(client, prompt))
    assert len(outputs(body)) == 2
    assert TALLY not in body
    main = body[body.index('id="pair"') : body.index('id="rule-h"')]
    for word in ("v1", "v3", "baseline", "current", "results/", "tokens", "this pair, "):
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
        assert "output of case" not in read_page(response)
    assert not BlindVote.objects.exists()
    assert client_of(alice()).get(address).status_code == 200


def test_below_a_share_link_nobody_votes_and_nothing_leads_there(prompt: Prompt) -> None:
    _, token = create_link(alice(), PromptChoice("For them", [prompt]))
    assert "Read two outputs blind" not in read_page(Client().get(f"/s/{token}/invoices/"))
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


def test_a_private_part_of_an_output_is_read_as_its_label(prompt: Prompt) -> None:
    secret = "the tariff of the Zyxomma works, clause twelve"
    Result.objects.filter(run__version__number=1).update(output=f"Say {secret}.")
    add_span(prompt, "client rule", secret)
    for client in (Client(), client_of(alice())):
        body = read(client, start(client, prompt))
        assert "Zyxomma" not in body
        assert "[client rule," in body


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
