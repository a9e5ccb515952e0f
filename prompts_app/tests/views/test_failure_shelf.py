"""``/studio/prompts/…/failures/``: choosing a recorded failure and writing down what was wrong."""

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.models import Draft, KnownFailure, Prompt, Run
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of
from prompts_app.tests.security.test_headers import keeps_to_it
from prompts_app.tests.security.test_hostile_text import SCRIPTS
from prompts_app.tests.views.recorded import improved_prompt

pytestmark = pytest.mark.django_db

KEY = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"


@pytest.fixture
def prompt() -> Prompt:
    return improved_prompt(owner=alice(), slug="invoices", title="Invoices")


@pytest.fixture
def own() -> Client:
    return client_of(alice())


def first_run(prompt: Prompt) -> Run:
    return prompt.runs.get(version__number=1)


def new(prompt: Prompt, number: int = 7) -> str:
    return reverse("studio_failure_new", args=["invoices", first_run(prompt).public_id, number])


LIST = "/studio/prompts/invoices/failures/"


def test_the_list_suggests_what_was_mended_first(prompt: Prompt, own: Client) -> None:
    body = read_page(own.get(LIST))
    assert "No failures disclosed." in body
    assert "passes in v2" in body
    assert body.index("passes in v2") < body.index("still fails")
    assert new(prompt, 5) in body


def test_putting_one_there(prompt: Prompt, own: Client) -> None:
    page = read_page(own.get(new(prompt)))
    assert "PAID, wrong output of case 7" in page
    assert "v2: passes this case, 1/1" in page
    version = prompt.versions.get(number=2)
    response = own.post(new(prompt), {"diagnosis": "Why **so**.", "fixed_in": version.pk, "do": "save"})
    assert response["Location"] == LIST
    failure = KnownFailure.objects.get()
    assert (failure.diagnosis, failure.fixed_in, failure.case_index) == ("Why **so**.", version, 6)
    assert "v2: passes this case, 1/1" in read_page(own.get(LIST))
    assert own.get(new(prompt))["Location"] == f"{LIST}{failure.public_id}/"


def test_changing_it_and_taking_it_off(prompt: Prompt, own: Client) -> None:
    failure = shelve(first_run(prompt), 6, "First words.", prompt.versions.get(number=2))
    address = f"{LIST}{failure.public_id}/"
    assert "First words." in read_page(own.get(address))
    own.post(address, {"diagnosis": "Better words.", "fixed_in": "", "revision": 1, "do": "save"})
    failure.refresh_from_db()
    assert (failure.diagnosis, failure.fixed_in) == ("Better words.", None)
    assert "Better words." in read_page(own.get(f"{address}delete/"))
    assert KnownFailure.objects.exists()
    own.post(f"{address}delete/")
    assert not KnownFailure.objects.exists()


def test_the_order(prompt: Prompt, own: Client) -> None:
    for place in (4, 5):
        shelve(first_run(prompt), place, "Why.", None)
    second = KnownFailure.objects.get(case_index=5)
    own.post(f"{LIST}{second.public_id}/move/", {"step": "up"})
    assert [one.case_index for one in prompt.known_failures.all()] == [5, 4]


# --- typed text is never lost ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"diagnosis": "x" * 4001}, "At most 4000 characters"),
        ({"diagnosis": "Two\0words"}, "NUL character"),
        ({"diagnosis": "Why it failed.", "fixed_in": "99999"}, "Choose one of the versions after"),
        ({"diagnosis": " "}, "Say what went wrong"),
    ],
)
def test_a_refused_form_comes_back_as_it_was_typed(
    prompt: Prompt, own: Client, typed: dict[str, str], said: str
) -> None:
    body = read_page(own.post(new(prompt), {**typed, "do": "save"}))
    assert "Not saved yet." in body
    assert said in body
    assert typed["diagnosis"].strip() in body
    assert not KnownFailure.objects.exists()


def test_an_edit_that_another_tab_overtook_is_kept_and_asked_about(prompt: Prompt, own: Client) -> None:
    failure = shelve(first_run(prompt), 6, "First.", None)
    address = f"{LIST}{failure.public_id}/"
    own.post(address, {"diagnosis": "Theirs.", "revision": 1, "do": "save"})
    response = own.post(address, {"diagnosis": "Mine.", "revision": 1, "do": "save"})
    body = read_page(response)
    assert "This was saved meanwhile" in body
    assert "Mine." in body
    assert "Theirs." in body
    own.post(address, {"diagnosis": "Mine.", "revision": 1, "do": "save-anyway"})
    assert KnownFailure.objects.get().diagnosis == "Mine."


def test_typing_between_saves_is_kept_and_restored(prompt: Prompt, own: Client) -> None:
    page = f"failure-{first_run(prompt).public_id}-7"
    own.post("/studio/prompts/invoices/draft/", {"page": page, "diagnosis": "Half a thought"})
    assert "Half a thought" in read_page(own.get(new(prompt)))
    own.post(new(prompt), {"do": "discard"})
    assert "Half a thought" not in read_page(own.get(new(prompt)))
    own.post("/studio/prompts/invoices/draft/", {"page": page, "diagnosis": "Another thought"})
    own.post(new(prompt), {"diagnosis": "Done.", "do": "save"})
    assert not Draft.objects.exists()


def test_a_session_that_ran_out_brings_the_text_back(prompt: Prompt) -> None:
    client = Client()
    response = client.post(new(prompt), {"diagnosis": "Typed while signed out", "do": "save"})
    assert response.status_code == 302
    client.post(response["Location"], {"login": alice().handle, "password": PASSWORD})
    assert "Typed while signed out" in read_page(client.get(new(prompt)))


def test_what_looks_like_a_secret_is_asked_about(prompt: Prompt, own: Client) -> None:
    response = own.post(new(prompt), {"diagnosis": f"It printed {KEY}", "do": "save"})
    assert "looks like a secret" in read_page(response)
    assert not KnownFailure.objects.exists()


# --- whose it is -------------------------------------------------------------------------------------------


def test_it_is_its_authors_alone(prompt: Prompt) -> None:
    failure = shelve(first_run(prompt), 6, "quiet words", None)
    for method, address in [
        ("get", LIST), ("get", new(prompt, 5)), ("post", new(prompt, 5)),
        ("get", f"{LIST}{failure.public_id}/"), ("post", f"{LIST}{failure.public_id}/"),
        ("post", f"{LIST}{failure.public_id}/move/"), ("post", f"{LIST}{failure.public_id}/delete/"),
    ]:  # fmt: skip
        response = getattr(client_of(bob()), method)(address, {"diagnosis": "Mine now.", "do": "save"})
        assert response.status_code == 404
        assert "quiet words" not in read_page(response)
    assert KnownFailure.objects.get().diagnosis == "quiet words"


def test_somebody_elses_run_cannot_be_put_on_ones_own_shelf(prompt: Prompt) -> None:
    improved_prompt(owner=bob(), slug="invoices", title="Bob's")
    assert client_of(bob()).get(new(prompt)).status_code == 404


def test_a_case_that_is_not_there(prompt: Prompt, own: Client) -> None:
    assert own.get(new(prompt, 11)).status_code == 404
    assert own.get(new(prompt, 0)).status_code == 404
    assert "did not fail in this run" in read_page(own.get(new(prompt, 9)))
    body = read_page(own.post(new(prompt, 9), {"diagnosis": "Why.", "do": "save"}))
    assert "did not fail in this run" in body
    assert "Why." in body


@pytest.mark.parametrize("text", SCRIPTS)
def test_hostile_words_are_shown_as_text(prompt: Prompt, own: Client, text: str) -> None:
    failure = shelve(first_run(prompt), 6, text, None)
    one = f"{LIST}{failure.public_id}/"
    for address in (LIST, one, f"{one}delete/", "/studio/prompts/invoices/publish/"):
        response = own.get(address)
        assert response.status_code == 200
        keeps_to_it(response)
        assert "<" not in text or text not in read_page(response)


# --- what a reader can't find yet --------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "details/", "publish/"])
def test_the_list_of_what_is_missing_stands_on_each_page_of_the_prompt(
    prompt: Prompt, own: Client, page: str
) -> None:
    body = read_page(own.get(f"/studio/prompts/invoices/{page}"))
    assert "What a reader can’t find yet" in body
    assert "No failure is disclosed" in body
    assert "%" not in body[body.index('id="missing"') : body.index("</section>", body.index('id="missing"'))]


def test_it_is_asked_for_anew_while_one_types_and_keeps_nothing(prompt: Prompt, own: Client) -> None:
    address = "/studio/prompts/invoices/missing/"
    assert "The situation is not told" in read_page(own.get(address))
    typed = read_page(own.post(address, {"situation": "A shop.", "limits": ""}))
    assert "The situation is not told" not in typed
    assert "Its limits are not told" in typed
    prompt.refresh_from_db()
    assert prompt.situation == ""
    assert "<html" not in typed


def test_publishing_does_not_wait_for_it(prompt: Prompt, own: Client) -> None:
    own.post("/studio/prompts/invoices/publish/", {"visibility": "unlisted"})
    prompt.refresh_from_db()
    assert prompt.visibility == "unlisted"


def test_every_section_has_its_questions(prompt: Prompt, own: Client) -> None:
    body = read_page(own.get("/studio/prompts/invoices/details/"))
    assert body.count("What a reader looks for") == 4


@pytest.mark.parametrize("do", ["save", "save-anyway", "no-such-button"])
@pytest.mark.parametrize("page", ["details/", "failure"])
def test_every_button_of_a_page_without_rows_saves(page: str, do: str, prompt: Prompt, own: Client) -> None:
    """Or says why not; only a page with rows to add and previews has others."""
    address = new(prompt) if page == "failure" else f"/studio/prompts/invoices/{page}"
    response = own.post(address, {"do": do})
    assert response.status_code == 200
    assert 'role="alert"' in read_page(response)
