"""The failure shelf on the prompt's page and in its files: as recorded, with what became of it."""

import pytest
from django.test import Client

from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.models import KnownFailure, Prompt, Result, Run, Visibility
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.security.test_hostile_text import ODD, SCRIPTS, is_harmless
from prompts_app.tests.views.recorded import improved_prompt, recorded_prompt, recorded_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt() -> Prompt:
    """Two of ten pass in v1, six in v2, nine in v3."""
    return improved_prompt(owner=alice(), slug="invoices", title="Invoices")


def put(prompt: Prompt, fixed_in: int | None = 2) -> KnownFailure:
    run = prompt.runs.get(version__number=1)
    fix = prompt.versions.filter(number=fixed_in or 0).first()
    return shelve(run, 6, "It **copied** the example.", fix)


def page(prompt: Prompt, client: Client | None = None) -> str:
    return read_page((client or Client()).get(prompt.get_absolute_url()))


def shelf(prompt: Prompt) -> str:
    body = page(prompt)
    return body[body.index('id="shelf"') : body.index('id="models"')]


def test_an_empty_one_says_so(prompt: Prompt) -> None:
    assert "No failures disclosed." in shelf(prompt)


def test_a_prompt_that_was_never_tested_has_none(prompt: Prompt) -> None:
    Run.objects.all().delete()
    Prompt.objects.update(evidence={})
    assert 'id="shelf"' not in page(prompt)


def test_it_shows_input_expected_and_got_as_recorded(prompt: Prompt) -> None:
    put(prompt)
    shown = shelf(prompt)
    result = Result.objects.get(run=prompt.runs.get(version__number=1), case_index=6)
    assert f'<a href="results/{result.public_id}/"><bdi>Case 7</bdi></a>' in shown
    for words in ("value 7", "contains yes", "PAID, wrong output of case 7", "“yes” is missing"):
        assert words in shown
    assert "It <strong>copied</strong> the example." in shown
    assert "No failures disclosed" not in shown


def test_the_fix_is_counted(prompt: Prompt) -> None:
    put(prompt)
    result = Result.objects.get(run=prompt.runs.get(version__number=2), case_index=6)
    assert f'<b>Fixed in v2</b>: 0/1 before, <a href="results/{result.public_id}/">1/1</a>' in shelf(prompt)


def test_a_fix_that_does_not_hold_is_named_and_not_believed(prompt: Prompt) -> None:
    shelve(prompt.runs.get(version__number=1), 3, "Why.", prompt.versions.get(number=2))
    assert "v2 is named as the fix" in shelf(prompt)
    assert "the case still fails" in shelf(prompt)
    assert "Fixed in" not in shelf(prompt)


def test_a_fix_that_was_not_tested_on_the_case(prompt: Prompt) -> None:
    VersionFactory(prompt=prompt, number=4)
    put(prompt, fixed_in=4)
    assert "The fix is not tested on this case" in shelf(prompt)
    assert "it has no run on <bdi>main-model</bdi>" in shelf(prompt)


def test_without_a_fix_it_is_open(prompt: Prompt) -> None:
    put(prompt, fixed_in=None)
    assert "Still open" in shelf(prompt)


def test_a_verdict_that_changed_takes_it_from_the_page(prompt: Prompt) -> None:
    put(prompt)
    Run.objects.filter(version__number=1).update(frames="p" * 10)
    assert "No failures disclosed." in shelf(prompt)


def test_the_files_carry_it(prompt: Prompt) -> None:
    put(prompt)
    address = prompt.get_absolute_url().rstrip("/")
    markdown = read_page(Client().get(address + ".md"))
    assert "It **copied** the example." in markdown
    assert "v2: passes this case, 1/1" in markdown
    (failure,) = Client().get(address + ".json").json()["prompts"][0]["known_failures"]
    assert (failure["case_index"], failure["diagnosis"], failure["fixed_in"]) == (
        6, "It **copied** the example.", 2,
    )  # fmt: skip


def test_the_interview_sheet_asks_about_it(prompt: Prompt) -> None:
    asked = read_page(Client().get(f"{prompt.get_absolute_url()}interview/"))
    assert "No failure is disclosed" in asked
    put(prompt)
    asked = read_page(Client().get(f"{prompt.get_absolute_url()}interview/"))
    assert "v1 failed case 7 (“Case 7”), v2 passes it" in asked


def test_under_a_share_link_it_stays_below_the_link(prompt: Prompt) -> None:
    put(prompt)
    Prompt.objects.update(visibility=Visibility.PRIVATE)
    prompt.refresh_from_db()
    _, token = create_link(alice(), PromptChoice("For them", [prompt], although_private=True))
    body = read_page(Client().get(f"/s/{token}/invoices/"))
    assert "It <strong>copied</strong> the example." in body
    assert 'href="results/' in body


@pytest.mark.parametrize("suffix", ["/", ".md", ".json", "/interview/"])
def test_of_a_private_prompt_nobody_else_reads_it(prompt: Prompt, suffix: str) -> None:
    put(prompt)
    Prompt.objects.update(visibility=Visibility.PRIVATE)
    response = Client().get(prompt.get_absolute_url().rstrip("/") + suffix)
    assert response.status_code == 404
    assert "copied" not in read_page(response)


def test_what_others_think_of_it_changes_no_figure(prompt: Prompt) -> None:
    before = Prompt.objects.values("evidence", "evidence_low", "evidence_level").get()
    put(prompt)
    assert Prompt.objects.values("evidence", "evidence_low", "evidence_level").get() == before


def test_the_result_page_leads_its_author_and_nobody_else_there(prompt: Prompt) -> None:
    failed = Result.objects.filter(run__version__number=1, passed=False).first()
    assert failed
    passed = Result.objects.filter(run__version__number=1, passed=True).first()
    assert passed
    own, other = client_of(alice()), Client()
    there = "Put it on the failure shelf"
    assert there in read_page(own.get(failed.get_absolute_url()))
    assert there not in read_page(other.get(failed.get_absolute_url()))
    assert there not in read_page(own.get(passed.get_absolute_url()))


@pytest.mark.parametrize("text", [*SCRIPTS, *ODD])
def test_hostile_words_are_shown_as_text(text: str) -> None:
    prompt = recorded_prompt(fails=[1], owner=alice())
    run = prompt.runs.get()
    later = VersionFactory(prompt=prompt, number=2)
    recorded_run(later, cases=10)
    failure = shelve(run, 0, text, later)
    assert failure.diagnosis == text
    for address in (prompt.get_absolute_url(), f"{prompt.get_absolute_url()}interview/"):
        is_harmless(Client().get(address), text)
    stem = prompt.get_absolute_url().rstrip("/")
    for suffix in (".md", ".json"):
        is_harmless(Client().get(stem + suffix), text)
