"""Forking: who may, what is taken over, and where the page says it comes from."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from prompts_app.actions.importing.apply import import_prompts
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.engine.formats import parse
from prompts_app.models import Prompt
from prompts_app.tests.factories import CaseFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of, dana
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

pytestmark = pytest.mark.django_db


def origin(**fields: Any) -> Prompt:
    """Alice's public prompt of two versions with three cases, the first version run on them."""
    fields = {"owner": alice(), "title": "Mother", "slug": "mother", "licence": "CC-BY-4.0"} | fields
    prompt = public_prompt(**fields)
    VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "First {{word}}"}], note="secret why")
    VersionFactory(
        prompt=prompt,
        number=2,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Second {{word}}"}],
        parameters={"temperature": 0},
    )
    for number in range(3):
        CaseFactory(prompt=prompt, position=number, name=f"Case {number}")
    prompt.tags.create(name="letters")
    return prompt


def fork(prompt: Prompt, client: Client | None = None, query: str = "", **typed: str) -> Any:
    client = client or client_of(bob())
    data = {"title": "Daughter", "with_cases": "on"} | typed
    return client.post(f"{prompt.get_absolute_url()}fork/{query}", data)


def forked(prompt: Prompt, query: str = "", **typed: str) -> Prompt:
    response = fork(prompt, None, query, **typed)
    assert response.status_code == 302, read_page(response)
    return Prompt.objects.get(owner=bob(), slug=response.url.split("/")[-2])


class TestWhatIsTakenOver:
    def test_the_newest_version_and_the_cases_as_a_private_prompt_of_the_reader(self) -> None:
        mother = origin()
        daughter = forked(mother)
        assert (daughter.visibility, daughter.published_at) == ("private", None)
        version = daughter.versions.get()
        assert version.messages == mother.versions.get(number=2).messages
        assert version.parameters == {"temperature": 0}
        assert daughter.forked_from == mother.versions.get(number=2)
        assert daughter.suite() == mother.suite()
        assert (daughter.licence, daughter.forked_licence) == ("CC-BY-4.0", "CC-BY-4.0")
        assert [tag.name for tag in daughter.tags.all()] == ["letters"]

    def test_the_version_that_was_looked_at(self) -> None:
        mother = origin()
        assert forked(mother, v="1").forked_from == mother.versions.get(number=1)

    def test_no_results_no_notes_no_sections_no_key(self) -> None:
        mother = origin(situation="Private thoughts", limits="Mine")
        recorded_run(mother.versions.get(number=2), cases=3)
        daughter = forked(mother)
        assert (daughter.runs.count(), daughter.evidence) == (0, {})
        assert (daughter.situation, daughter.limits) == ("", "")
        assert "secret why" not in daughter.versions.get().note

    def test_without_the_cases_where_not_asked(self) -> None:
        mother = origin()
        response = client_of(bob()).post(f"{mother.get_absolute_url()}fork/", {"title": "Daughter"})
        assert response.status_code == 302
        assert Prompt.objects.get(owner=bob()).cases.count() == 0

    def test_the_address_is_one_the_reader_has_not_used(self) -> None:
        public_prompt(owner=bob(), slug="daughter")
        assert forked(origin()).slug == "daughter-2"

    def test_twice_gives_the_first_one_again_while_it_is_untouched(self) -> None:
        mother = origin()
        assert forked(mother) == forked(mother)
        first = Prompt.objects.get(owner=bob())
        VersionFactory(prompt=first, number=2)
        assert forked(mother) != first
        assert Prompt.objects.owned_by(bob()).count() == 2

    def test_a_title_that_is_missing_comes_back_as_a_question(self) -> None:
        response = fork(origin(), title=" ")
        assert response.status_code == 422
        assert "Give it a title." in read_page(response)
        assert not Prompt.objects.owned_by(bob()).exists()


class TestWhoMay:
    def test_all_rights_reserved_is_refused_in_a_sentence(self) -> None:
        mother = origin(licence="reserved")
        for response in (client_of(bob()).get(f"{mother.get_absolute_url()}fork/"), fork(mother)):
            assert "All rights are reserved" in read_page(response)
        assert not Prompt.objects.owned_by(bob()).exists()
        assert 'href="/@alice/mother/fork/"' not in read_page(Client().get(mother.get_absolute_url()))

    def test_an_unlisted_prompt_is_refused_in_a_sentence(self) -> None:
        mother = origin(visibility="unlisted")
        assert "Only public prompts" in read_page(fork(mother))
        assert not Prompt.objects.owned_by(bob()).exists()

    def test_a_private_prompt_is_404_to_readers_and_strangers(self) -> None:
        mother = origin(visibility="private")
        for client in (client_of(bob()), Client()):
            assert client.get(f"{mother.get_absolute_url()}fork/").status_code == 404
            assert fork(mother, client).status_code == 404

    def test_ones_own_is_not_forked(self) -> None:
        assert "your own prompt" in read_page(fork(origin(), client_of(alice())))

    def test_share_alike_keeps_the_licence(self) -> None:
        daughter = forked(origin(licence="CC-BY-SA-4.0"))
        typed = {"title": "Daughter", "slug": daughter.slug, "task": "other", "licence": "MIT"}
        typed |= {"impact_kind": "none", "revision": str(daughter.revision)}
        address = f"/studio/prompts/{daughter.slug}/details/"
        html = read_page(client_of(bob()).post(address, typed))
        assert "which what is made of it has to keep" in html
        daughter.refresh_from_db()
        assert daughter.licence == "CC-BY-SA-4.0"

    def test_signing_in_on_the_way_leads_back_to_the_form(self) -> None:
        origin()
        bob()
        wanted, client = "/@alice/mother/fork/?v=1", Client()
        html = read_page(client.get(wanted))
        assert 'href="/accounts/login/?next=%2F%40alice%2Fmother%2Ffork%2F%3Fv%3D1"' in html
        signed_in = client.post("/accounts/login/", {"login": "bob", "password": PASSWORD, "next": wanted})
        assert signed_in.headers["Location"] == wanted
        html = read_page(client.get(wanted))
        assert 'value="Mother"' in html
        assert 'name="v" value="1"' in html

    def test_what_was_typed_signed_out_is_there_again(self) -> None:
        mother, client = origin(), Client()
        assert fork(mother, client, title="Typed before", v="1").status_code == 302
        client.force_login(bob(), backend="django.contrib.auth.backends.ModelBackend")
        html = read_page(client.get("/@alice/mother/fork/"))
        assert 'value="Typed before"' in html
        assert 'name="v" value="1"' in html

    def test_a_former_address_leads_on(self) -> None:
        origin()
        response = client_of(bob()).get("/@Alice/mother/fork/")
        assert response.headers["Location"] == "/@alice/mother/fork/"


def published(prompt: Prompt) -> Prompt:
    Prompt.objects.filter(pk=prompt.pk).update(visibility="public")
    prompt.refresh_from_db()
    return prompt


def text(prompt: Prompt, client: Client | None = None) -> str:
    response = (client or Client()).get(prompt.get_absolute_url())
    assert response.status_code == 200
    return read_page(response)


class TestCredit:
    def test_the_page_names_title_version_author_and_licence(self) -> None:
        html = text(published(forked(origin())))
        assert 'Forked from <a href="/@alice/mother/v2/"><bdi>Mother</bdi> v2</a>' in html
        assert "CC BY 4.0" in html
        assert f'"isBasedOn": "{settings.SITE_URL}/@alice/mother/v2/"' in html

    def test_a_later_change_of_the_origins_licence_takes_nothing_back(self) -> None:
        mother = origin()
        daughter = published(forked(mother))
        Prompt.objects.filter(pk=mother.pk).update(licence="reserved")
        assert "</a>, CC BY 4.0" in text(daughter)

    @pytest.mark.parametrize("how", ["private", "unlisted", "deleted", "version deleted", "author away"])
    def test_an_origin_that_was_taken_back_is_not_named(self, how: str) -> None:
        mother = origin(title="Unmistakable")
        daughter = published(forked(mother))
        take_back(mother, how)
        daughter.refresh_from_db()
        stem = daughter.get_absolute_url().rstrip("/")
        pages = [text(daughter), *(read_page(Client().get(stem + end)) for end in (".md", ".json"))]
        for page in pages:
            assert "Unmistakable" not in page
            assert "alice" not in page.lower()
        assert "a prompt that is no longer public" in pages[0]

    def test_its_own_author_is_still_told(self) -> None:
        mother = origin()
        daughter = published(forked(mother))
        take_back(mother, "private")
        assert "Mother" in text(daughter, client_of(alice()))
        assert "Mother" not in text(daughter, client_of(bob()))

    def test_exports_credit_it(self) -> None:
        daughter = published(forked(origin()))
        stem = daughter.get_absolute_url().rstrip("/")
        markdown = read_page(Client().get(stem + ".md"))
        assert "forked_from: Mother v2 by Alice Author, CC BY 4.0, http" in " ".join(markdown.split())
        bundle = json.loads(Client().get(stem + ".json").content)
        assert bundle["prompts"][0]["forked_from"].startswith("Mother v2 by Alice Author, CC BY 4.0, http")
        assert bundle["prompts"][0]["forked_licence"] == "CC-BY-4.0"


@pytest.mark.parametrize("end", [".md", ".json"])
def test_a_fork_that_was_imported_from_a_file_keeps_its_credit(end: str) -> None:
    daughter = published(forked(origin(licence="CC-BY-SA-4.0")))
    file = Client().get(daughter.get_absolute_url().rstrip("/") + end).content
    import_prompts(dana(), parse(f"daughter{end}", file))
    copy = Prompt.objects.get(owner=dana())
    assert copy.forked_credit.startswith("Mother v2 by Alice Author, CC BY-SA 4.0, http")
    assert "Mother v2 by Alice Author" in text(published(copy))


def take_back(mother: Prompt, how: str) -> None:
    if how == "deleted":
        mother.delete()
    elif how == "version deleted":
        mother.versions.get(number=2).delete()
    elif how == "author away":
        alice().profile.__class__.objects.filter(user=alice()).update(visibility="private")
    else:
        Prompt.objects.filter(pk=mother.pk).update(visibility=how)


SUITE = suite_of(10)


def measured(here: list[int] | None, there: list[int] | None, **of_fork: Any) -> tuple[Prompt, Prompt]:
    """Origin and public fork, run with these failing cases; None: not run."""
    mother = origin()
    daughter = published(forked(mother))
    if there is not None:
        recorded_run(mother.versions.get(number=2), fails=there, suite=SUITE)
    if here is not None:
        recorded_run(daughter.versions.get(), fails=here, **{"suite": SUITE} | of_fork)
    return mother, daughter


class TestMeasuredGain:
    def test_same_cases_same_model(self) -> None:
        mother, daughter = measured([1], [1, 2, 3, 4])
        html = text(daughter)
        assert '<b class="kn">9/10</b> <span class="range">60–98%</span> here' in html
        assert '<b class="kn">6/10</b> <span class="range">31–83%</span> for the original' in html
        assert "1 fork; best measured" in text(mother)

    def test_a_loss_is_told_the_same_way(self) -> None:
        _, daughter = measured([1, 2, 3, 4], [1])
        assert "6/10" in text(daughter).split("for the original")[0]

    def test_other_cases_are_not_compared(self) -> None:
        mother, daughter = measured([1], [1, 2], suite=suite_of(10, "Other"))
        assert "Not compared: different cases." in text(daughter)
        assert "best measured" not in text(mother)

    def test_another_model_is_not_compared(self) -> None:
        _, daughter = measured([1], [1, 2], model="other-model")
        assert "Not compared: different models." in text(daughter)

    def test_one_name_at_two_addresses_is_not_called_the_same_model(self) -> None:
        mother = origin()
        daughter = published(forked(mother))
        for version, port in ((mother.versions.get(number=2), 8111), (daughter.versions.get(), 8222)):
            recorded_run(version, "tiny", suite=SUITE, asked_at=f"http://127.0.0.1:{port}")
        html = text(daughter)
        assert "Not compared: asked at different addresses" in html
        assert "same model" not in html

    @pytest.mark.parametrize(("here", "there"), [(None, [1]), ([1], None), (None, None)])
    def test_nothing_is_said_where_one_was_not_tested(self, here: Any, there: Any) -> None:
        mother, daughter = measured(here, there)
        html = text(daughter)
        assert "for the original" not in html
        assert "Not compared" not in html
        assert "best measured" not in text(mother)

    def test_practice_is_no_measure(self) -> None:
        _, daughter = measured([1], [1, 2], source="practice")
        assert "for the original" not in text(daughter)

    def test_what_was_not_recorded_here_says_so(self) -> None:
        _, daughter = measured([1], [1, 2], source="pasted")
        assert "not both recorded by this server" in text(daughter)

    def test_nothing_of_an_origin_that_was_taken_back(self) -> None:
        mother, daughter = measured([1], [1, 2])
        take_back(mother, "private")
        assert "for the original" not in text(daughter)

    def test_of_several_forks_the_best_one_is_named(self) -> None:
        mother, first = measured([1, 2], [1, 2, 3, 4])
        second = published(fork_by_dana(mother))
        recorded_run(second.versions.get(), fails=[1], suite=SUITE)
        html = text(mother)
        assert "2 forks; best measured" in html
        assert html.split("best measured")[1].index("Second") < html.split("best measured")[1].index(
            "against"
        )
        assert first.title in html


def fork_by_dana(mother: Prompt) -> Prompt:
    response = fork(mother, client_of(dana()), title="Second")
    return Prompt.objects.get(owner=dana(), slug=response.url.split("/")[-2])


class TestPrivateParts:
    """A fork takes what its reader may read."""

    def mother(self) -> Prompt:
        mother = origin()
        VersionFactory(
            prompt=mother,
            number=3,
            messages=[{"role": "user", "content": "Never name Acme Holdings Limited to {{word}}."}],
        )
        CaseFactory(prompt=mother, position=9, name="About Acme Holdings Limited")
        add_span(mother, "client", "Acme Holdings Limited")
        return mother

    def test_come_as_their_placeholders(self) -> None:
        daughter = forked(self.mother())
        texts = [
            *daughter.versions.values_list("messages", flat=True),
            *daughter.cases.values_list("name", flat=True),
        ]
        assert "Acme" not in str(texts)
        assert "[client, 3 words]#" in daughter.versions.get().messages[0]["content"]

    def test_the_form_does_not_show_them(self) -> None:
        mother = self.mother()
        html = read_page(client_of(bob()).get(f"{mother.get_absolute_url()}fork/"))
        assert "Acme" not in html

    def test_a_suite_with_private_parts_is_not_compared(self) -> None:
        mother, daughter = measured([1], [1, 2])
        add_span(mother, "client", "wrong output of case")
        html = text(daughter)
        assert "for the original" not in html
        assert "Not compared: one of them has private parts." in html

    def test_a_fork_that_has_the_words_from_before_still_shows_them(self) -> None:
        mother, daughter = measured([1], [1, 2])
        add_span(mother, "client", "wrong output of case")
        assert "wrong output of case" in text(daughter)
        for end in (".md", ".json"):
            assert Client().get(daughter.get_absolute_url().rstrip("/") + end).status_code == 200

    def test_a_forks_private_parts_cannot_break_the_origins_page(self) -> None:
        mother, daughter = measured([1], [1, 2])
        add_span(daughter, "words", "How do we know?")
        assert "1 fork" in text(mother)

    def test_forks_of_a_prompt_with_private_parts_are_counted_and_not_named(self) -> None:
        mother = self.mother()
        published(forked(mother, title="Acme Holdings Limited, guessed"))
        html = text(mother)
        assert "Acme" not in html
        assert "1 fork" in html


def test_below_a_share_link_nothing_is_forked() -> None:
    mother = origin()
    _, token = create_link(alice(), PromptChoice("for Charlie", [mother]))
    assert client_of(bob()).get(f"/s/{token}/mother/fork/").status_code == 404
    assert "fork/" not in read_page(client_of(bob()).get(f"/s/{token}/mother/"))
