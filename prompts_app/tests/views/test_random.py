"""``/random/``: a result nobody picked, of those the figures are made of, and how many were deleted."""

import pytest
from django.test import Client

from prompts_app.models import Prompt, Result
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import client_of
from prompts_app.tests.views.recorded import improved_prompt, practice_run, public_prompt

pytestmark = pytest.mark.django_db


def draw(prompt: Prompt, client: Client | None = None) -> str:
    response = (client or Client()).get(f"{prompt.get_absolute_url()}random/")
    assert response.status_code == 200
    return read_page(response)


def drawn(html: str, prompt: Prompt) -> Result:
    found = html.partition('keep <a href="')[2].partition('"')[0]
    return Result.objects.get(public_id=found.removeprefix(f"{prompt.get_absolute_url()}results/").strip("/"))


def test_each_result_of_the_shown_evidence_can_come_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = improved_prompt()
    practice_run(prompt.versions.get(number=3))
    shown = set(Result.objects.filter(run__version__number=3).exclude(run__source="practice"))
    assert len(shown) == 20
    places = iter(range(20))
    monkeypatch.setattr(
        "prompts_app.views.public.results.chance.randrange", lambda count: next(places) % count
    )
    assert {drawn(draw(prompt), prompt) for _ in range(20)} == shown


def test_says_of_how_many_and_how_many_runs_were_deleted() -> None:
    prompt = improved_prompt(deleted_runs=3)
    html = draw(prompt)
    assert "1 of the 20 results behind v3’s figures." in html
    assert "3 runs of this prompt were deleted by the author." in html
    assert "No run of this prompt was deleted." in draw(improved_prompt())


def test_nobody_keeps_it_and_a_permanent_address_claims_no_chance() -> None:
    prompt = improved_prompt()
    response = Client().get(f"{prompt.get_absolute_url()}random/")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert 'content="noindex"' in read_page(response)
    result = Result.objects.filter(run__prompt=prompt).first()
    assert result is not None
    kept = Client().get(f"{prompt.get_absolute_url()}results/{result.public_id}/", {"random": "1"})
    assert "Drawn at random" not in read_page(kept)


def test_nothing_tested_nothing_to_draw_not_even_practice_for_its_author() -> None:
    prompt = public_prompt()
    practice_run(VersionFactory(prompt=prompt))
    for client in (Client(), client_of(prompt.owner)):
        assert client.get(f"{prompt.get_absolute_url()}random/").status_code == 404


def test_private_is_its_authors_alone() -> None:
    prompt = improved_prompt(visibility="private")
    assert Client().get(f"{prompt.get_absolute_url()}random/").status_code == 404
    assert "Drawn at random" in draw(prompt, client_of(prompt.owner))


def test_the_failures_lead_here() -> None:
    html = read_page(Client().get(improved_prompt().get_absolute_url()))
    assert 'random/">one at random</a>' in html
