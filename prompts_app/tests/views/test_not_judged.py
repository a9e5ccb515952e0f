"""Outputs that nothing judged are evidence: shown and counted wherever results are, and never as a rate."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.actions.runs.paste import paste_output
from prompts_app.models import Case, Prompt, Result, Run, Source, Version
from prompts_app.tests.factories import CaseFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.recorded import public_prompt, recorded_prompt, recorded_run, unjudged_run
from prompts_app.views.public.cards import card_of_prompt

pytestmark = pytest.mark.django_db

SAID = "3 outputs, not judged"
COUNTED = {  # address → how the outputs are counted there
    "/@alice/open/": "3 outputs of v1 on test-model, not judged",
    "/@alice/open/v1/": SAID,
    "/@alice/open/results/": "v1 on 1 model: 3 not judged.",
    "/@alice/open/random/": "1 of the 3 results of v1, none of them judged",
    "/@alice/open/interview/": SAID,
    "/@alice/open/badge.svg": SAID,
    "/@alice/open.md": SAID,
    "/@alice/open.promptfoo.yaml": SAID,
    "/@alice/": SAID,
    "/@alice/feed.atom": SAID,
    "/feed.atom": SAID,
    "/prompts/": SAID,
    "/prompts/?model=test-model": SAID,
    "/prompts/?level=2": SAID,
    "/oembed?url=http://127.0.0.1:8000/@alice/open/": SAID,
}


@pytest.fixture
def prompt() -> Prompt:
    prompt = public_prompt(owner=alice(), slug="open", title="Open work", summary="")
    unjudged_run(VersionFactory(prompt=prompt))
    prompt.refresh_from_db()
    return prompt


def page(address: str, client: Client | None = None) -> str:
    response = (client or Client()).get(address)
    assert response.status_code == 200, address
    return read_page(response)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def said_nowhere(html: str) -> None:
    for untrue in ("not tested", "0/0", "0 of 0", "no output of it", "never run", "no case could be judged"):
        assert untrue not in html.lower()


@pytest.mark.parametrize(("address", "said"), COUNTED.items())
def test_they_are_counted_without_a_rate_wherever_results_are(
    prompt: Prompt, address: str, said: str
) -> None:
    html = page(address)
    assert said in text_of(html) or said in html
    said_nowhere(html)


@pytest.mark.parametrize("address", ["/@alice/open/", "/@alice/open/v1/", "/@alice/open/results/"])
def test_each_output_is_there_to_read_and_linked(prompt: Prompt, address: str) -> None:
    html = page(address)
    for result in Result.objects.all():
        assert f"results/{result.public_id}/" in html or f'href="{result.public_id}/"' in html
        assert result.output in text_of(html)


def test_their_level_is_told_as_that_of_others(prompt: Prompt) -> None:
    assert "</svg>recorded</span>" in page("/prompts/")
    Run.objects.update(source=Source.PASTED)
    unjudged_run(VersionFactory(prompt=prompt, number=2), source=Source.PASTED)
    for address in ("/@alice/open/", "/@alice/open/badge.svg", "/@alice/open.md"):
        assert "pasted" in page(address), address


def test_the_card_and_the_link_preview_say_so(prompt: Prompt) -> None:
    card = card_of_prompt(prompt)
    assert card.sentence == "3 outputs of v1 on test-model, not judged."
    assert card.frames == "uuu"
    assert "not judged" in page("/@alice/open/").partition('name="description" content="')[2][:200]


def test_the_studio_says_what_is_missing(prompt: Prompt) -> None:
    CaseFactory(prompt=prompt)
    html = page("/studio/", client_of(alice()))
    assert SAID in text_of(html)
    assert "answered, not judged" in html
    said_nowhere(html)
    assert "Nothing judged its 3 outputs" in page("/studio/prompts/open/details/", client_of(alice()))


def test_judged_evidence_comes_before_unjudged_before_none(prompt: Prompt) -> None:
    pasted = recorded_prompt(title="Judged though pasted", fails=range(1, 11))
    recorded_run(pasted.versions.get(), fails=range(1, 11), source=Source.PASTED)
    Run.objects.filter(prompt=pasted, source=Source.RECORDED).delete()
    VersionFactory(prompt=public_prompt(title="Nothing at all"))
    rebuild_evidence(pasted)
    html = page("/prompts/")
    places = [html.index(title) for title in ("Judged though pasted", "Open work", "Nothing at all")]
    assert places == sorted(places)
    assert "not tested yet" in html


def test_a_newer_version_with_outputs_is_not_called_untested(prompt: Prompt) -> None:
    """And it does not take the place of what was judged: else a bad rate could be hidden behind it."""
    recorded_run(prompt.versions.get(), fails=[1])
    unjudged_run(VersionFactory(prompt=prompt, number=2))
    html = page("/@alice/open/")
    assert "9 of 10 cases pass" in text_of(html)
    assert "is not judged" in html
    said_nowhere(html)
    assert "2 outputs" not in html
    assert "3 outputs" in html


def test_a_model_nothing_judged_stands_in_the_table_after_the_judged(prompt: Prompt) -> None:
    version = prompt.versions.get()
    recorded_run(version, "judged-model", fails=[1])
    models = page("/@alice/open/").partition('id="models"')[2].partition("</section>")[0]
    assert models.index("judged-model") < models.index(SAID)
    assert "lowest of" not in page("/@alice/open/")


def test_two_versions_nothing_judged_are_set_side_by_side(prompt: Prompt) -> None:
    unjudged_run(VersionFactory(prompt=prompt, number=2))
    html = page("/@alice/open/compare/v1...v2/")
    assert "nothing judged it" in html
    assert "fixed 0" not in html
    assert "output of case 1" in html


def test_no_test_yet_is_said_only_where_there_is_no_output() -> None:
    prompt = public_prompt(owner=alice(), slug="none")
    version = VersionFactory(prompt=prompt)
    assert "not tested yet" in page("/@alice/none/")
    recorded_run(version, cases=3, errors=[1, 2, 3])
    assert "not tested yet" in page("/@alice/none/")


def test_pasted_outputs_without_assertions_are_seen_on_every_page() -> None:
    prompt = public_prompt(owner=alice(), slug="typed")
    version: Version = VersionFactory(prompt=prompt)
    case: Case = CaseFactory(prompt=prompt, assertions=[])
    paste_output(prompt, version, case, model="far-model", output="Ahoy", date=version.created_at.date())
    for address in ("/@alice/typed/", "/@alice/typed/v1/", "/@alice/typed/results/"):
        html = page(address)
        assert "Ahoy" in html
        said_nowhere(html)
    assert "One output of v1 on far-model, not judged, pasted only." in text_of(page("/@alice/typed/"))


@pytest.mark.parametrize(
    "address",
    [
        "/@alice/open/",
        "/@alice/open/badge.svg",
        "/@alice/open.md",
        "/@alice/",
        "/prompts/",
        "/@alice/open/results/",
    ],
)  # fmt: skip
def test_a_prompt_whose_only_run_ended_early_is_not_called_untested(prompt: Prompt, address: str) -> None:
    Run.objects.update(state=Run.State.CANCELLED)
    Version.objects.update(first_run_at=timezone.now())  # as starting a run does
    rebuild_evidence(prompt)
    html = page(address)
    said_nowhere(html)
    assert "no run that counts, 1 ended early" in html.lower()


def test_nor_on_its_card(prompt: Prompt) -> None:
    Run.objects.update(state=Run.State.CAPPED)
    rebuild_evidence(prompt)
    assert "1 ended early" in card_of_prompt(prompt).foot
