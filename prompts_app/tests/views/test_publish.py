"""The publish page: nothing leaves by accident, and everything comes back at once."""

import pytest
from django.test import Client

from prompts_app.models import Profile, Prompt
from prompts_app.tests.factories import CaseFactory, PromptFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana

pytestmark = pytest.mark.django_db

URL = "/studio/prompts/words/publish/"
PAGE = "/@alice/words/"
KEY = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), slug="words", title="Words")
    VersionFactory(prompt=prompt)
    return prompt


def visibility() -> str:
    return Prompt.objects.get(slug="words").visibility


def test_the_page_shows_what_becomes_visible_and_what_is_missing(client: Client, prompt: Prompt) -> None:
    CaseFactory.create_batch(2, prompt=prompt)
    page = read_page(client.get(URL))
    assert "2, with their values and assertions" in page
    assert "It has 2 of the 5 cases" in page
    assert "Nothing was found." in page
    assert visibility() == "private"


@pytest.mark.parametrize("wanted", ["unlisted", "public"])
def test_a_stranger_can_open_it_from_that_moment(client: Client, prompt: Prompt, wanted: str) -> None:
    assert client_of(None).get(PAGE).status_code == 404
    answer = client.post(URL, {"visibility": wanted}, follow=True)
    assert f"It is {wanted} now." in read_page(answer)
    assert f"http://127.0.0.1:8000{PAGE}" in read_page(answer)
    assert client_of(None).get(PAGE).status_code == 200


def test_and_no_longer_once_it_is_private_again(client: Client, prompt: Prompt) -> None:
    client.post(URL, {"visibility": "public"})
    client.post(URL, {"visibility": "private"})
    for person in (None, bob()):
        assert client_of(person).get(PAGE).status_code == 404
    assert client.get(PAGE).status_code == 200


def test_a_likely_secret_stops_it_until_it_is_ticked(client: Client, prompt: Prompt) -> None:
    CaseFactory(prompt=prompt, variables={"word": KEY})
    told = client.post(URL, {"visibility": "public"})
    page = read_page(told)
    assert "Not published." in page
    assert "sk-…1bVt" in page
    assert KEY not in page
    assert visibility() == "private"
    token = told.context["groups"][0].findings[0].token
    client.post(URL, {"visibility": "public", "harmless": token})
    assert visibility() == "public"


def test_ticks_stay_when_another_finding_is_left(client: Client, prompt: Prompt) -> None:
    CaseFactory(prompt=prompt, variables={"word": f"{KEY} anna@firm.de"})
    token = client.get(URL).context["groups"][0].findings[0].token
    page = read_page(client.post(URL, {"visibility": "public", "harmless": token}))
    assert f'value="{token}" checked' in page


def test_going_private_never_asks(client: Client, prompt: Prompt) -> None:
    Prompt.objects.update(visibility="public")
    CaseFactory(prompt=prompt, variables={"word": KEY})
    client.post(URL, {"visibility": "private"})
    assert visibility() == "private"


@pytest.mark.parametrize("wanted", ["", "secret", "public\x00"])
def test_nonsense_changes_nothing(client: Client, prompt: Prompt, wanted: str) -> None:
    assert "Choose who can see it." in read_page(client.post(URL, {"visibility": wanted}))
    assert visibility() == "private"


def test_a_private_profile_is_told(client: Client, prompt: Prompt) -> None:
    Profile.objects.update(visibility="private")
    assert "Your profile is private" in read_page(client.get(URL))


class TestDeletingAVersion:
    URL = "/studio/prompts/words/v2/delete/"

    def test_the_page_says_what_goes_with_it(self, client: Client, prompt: Prompt) -> None:
        RunFactory(version=VersionFactory(prompt=prompt, number=2))
        assert "With it goes 1 run" in read_page(client.get(self.URL))
        client.post(self.URL)
        assert [version.number for version in prompt.versions.all()] == [1]

    def test_the_only_one_cannot_go(self, client: Client, prompt: Prompt) -> None:
        page = read_page(client.post("/studio/prompts/words/v1/delete/"))
        assert "This is its only version." in page
        assert prompt.versions.exists()

    @pytest.mark.parametrize("number", ["9", "9" * 30])
    def test_one_that_is_not_there(self, client: Client, prompt: Prompt, number: str) -> None:
        assert client.get(f"/studio/prompts/words/v{number}/delete/").status_code == 404


@pytest.mark.parametrize("path", ["publish", "v1/delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_prompt_does_not_exist(client: Client, path: str, method: str) -> None:
    VersionFactory(prompt=PromptFactory(owner=dana(), slug="hers", visibility="public"))
    url = f"/studio/prompts/hers/{path}/"
    assert getattr(client, method)(url, {"visibility": "private"}).status_code == 404
    assert Prompt.objects.get().is_public


class TestSavingOnAVisiblePrompt:
    """What is saved there is visible at once, so it is asked about before."""

    CASE = {"name": "A", "value_name": "word", "value": KEY, "do": "save"}
    TABLE = {"csv": f"word\n{KEY}", "do": "add", "columns": "1", "as-0": "variable:word"}
    DETAILS = {
        "title": "Words", "slug": "words", "task": "other", "licence": "MIT", "impact_kind": "none",
        "limits": KEY, "revision": "1", "do": "save",
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("path", "posted"),
        [
            ("cases/new", CASE),
            ("cases/table", TABLE),
            ("details", DETAILS),
        ],
    )
    def test_a_likely_secret_has_to_be_ticked(
        self, client: Client, prompt: Prompt, path: str, posted: dict[str, str]
    ) -> None:
        Prompt.objects.update(visibility="unlisted")
        url = f"/studio/prompts/words/{path}/"
        told = client.post(url, posted)
        assert "This prompt is unlisted, so others could read" in read_page(told)
        token = told.context["findings"][0].token
        assert client.post(url, {**posted, "harmless": token}).status_code == 302

    def test_on_a_private_one_nothing_is_asked(self, client: Client, prompt: Prompt) -> None:
        assert client.post("/studio/prompts/words/cases/new/", self.CASE).status_code == 302


def test_an_unlisted_profile_keeps_public_prompts_out_of_lists_and_the_page_says_so(
    client: Client, prompt: Prompt
) -> None:
    assert "Your profile is unlisted" not in read_page(client.get(URL))
    Profile.objects.filter(user=alice()).update(visibility="unlisted")
    assert "Your profile is unlisted" in read_page(client.get(URL))
