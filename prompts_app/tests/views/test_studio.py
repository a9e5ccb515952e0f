"""The author's list: state and evidence at a glance, and what to do next."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.models import Prompt, Run, Source
from prompts_app.search import reindex
from prompts_app.tests.factories import (
    CaseFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of, dana, person

pytestmark = pytest.mark.django_db

URL = "/studio/"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


def written(slug: str = "words", cases: int = 1, **fields: Any) -> Prompt:
    prompt = PromptFactory(owner=alice(), slug=slug, title=slug.title(), **fields)
    VersionFactory(prompt=prompt)
    CaseFactory.create_batch(cases, prompt=prompt)
    return prompt


def with_run(prompt: Prompt, passed: int = 3, failed: int = 1) -> Run:
    suite = [{"name": f"Case {n}"} for n in range(passed + failed)]
    run = RunFactory(version=prompt.versions.get(), suite=suite)
    for n in range(passed + failed):
        ResultFactory(run=run, case_index=n, passed=n < passed)
    count_run(run)
    rebuild_evidence(prompt)
    return run


def page_of(client: Client, query: str = "") -> str:
    return read_page(client.get(URL + query))


def test_signed_out_it_asks_to_sign_in() -> None:
    assert client_of(None).get(URL)["Location"] == "/accounts/login/?next=/studio/"


def test_it_is_never_indexed_nor_cached(client: Client) -> None:
    answer = client.get(URL)
    assert 'content="noindex"' in read_page(answer)
    assert "no-store" in answer["Cache-Control"]


class TestEmpty:
    def test_it_teaches_the_four_steps(self, client: Client) -> None:
        page = page_of(client)
        assert [step in page for step in ("Write", "Test", "Publish", "Send")] == [True] * 4
        assert "/studio/prompts/new/" in page
        assert "/studio/import/" in page

    def test_a_sample_author_shows_where_it_leads(self, client: Client) -> None:
        assert "sample content" not in page_of(client)
        person("ada-example", name="Ada Example", is_sample=True)
        assert '<a href="/@ada-example/">' in page_of(client)


class TestRows:
    def test_only_my_own_are_there(self, client: Client) -> None:
        written()
        PromptFactory(owner=dana(), title="Hers", visibility="public")
        page = page_of(client)
        assert "Words" in page
        assert "Hers" not in page

    def test_evidence_stands_with_its_interval(self, client: Client) -> None:
        with_run(written())
        page = page_of(client)
        assert '<b class="kn">3/4</b>' in page
        assert "30–95%" in page
        assert "3 of 4 cases pass; failed: case 4" in page

    def test_my_own_address_is_there_to_be_copied(self, client: Client) -> None:
        page = page_of(client)
        assert 'href="/@alice/"' in page
        assert 'data-copy="my-link"' in page

    def test_titles_are_escaped(self, client: Client) -> None:
        written(summary="<script>x</script>")
        Prompt.objects.update(title="<img src=x>")
        assert "<img src=x>" not in page_of(client)


class TestNextStep:
    def test_no_cases_yet(self, client: Client) -> None:
        written(cases=0)
        assert "No cases yet." in (page := page_of(client))
        assert '<a href="/studio/prompts/words/cases/new/">Write its first case' in page

    def test_not_run_yet(self, client: Client) -> None:
        written(cases=3)
        assert "Not run yet." in (page := page_of(client))
        assert '<a href="/studio/prompts/words/run/">Run v1 on 3 cases' in page

    def test_a_practice_run_is_no_evidence(self, client: Client) -> None:
        prompt = written()
        RunFactory(version=prompt.versions.get(), source=Source.PRACTICE, cases_passed=1)
        rebuild_evidence(prompt)
        assert "Not run yet." in page_of(client)

    def test_running_now(self, client: Client) -> None:
        RunFactory(version=written().versions.get(), state=Run.State.RUNNING)
        assert "Running now." in page_of(client)

    def test_the_newest_version_is_not_tested(self, client: Client) -> None:
        prompt = written()
        with_run(prompt)
        VersionFactory(prompt=prompt, number=2)
        rebuild_evidence(prompt)
        assert "V2 is not tested." in page_of(client)

    def test_ready_to_publish(self, client: Client) -> None:
        with_run(written())
        assert '<a href="/studio/prompts/words/publish/">Publish it' in page_of(client)

    def test_published(self, client: Client) -> None:
        with_run(written(visibility="public"))
        assert "Tested and published." in page_of(client)


class TestFilterAndPages:
    def test_by_state(self, client: Client) -> None:
        written("secret")
        written("shown", visibility="public")
        page = page_of(client, "?state=public")
        assert "Shown" in page
        assert "Secret" not in page
        assert "1 public" in (said := " ".join(page.split()))
        assert "1 private" in said

    def test_a_state_without_prompts_says_so(self, client: Client) -> None:
        written()
        assert "None of your prompts is unlisted." in page_of(client, "?state=unlisted")

    @pytest.mark.parametrize("query", ["?state=nonsense", "?page=0", "?page=x", f"?page={9**30}"])
    def test_nonsense_in_the_address_shows_the_list(self, client: Client, query: str) -> None:
        written()
        assert "Words" in page_of(client, query)

    def test_by_words_private_ones_too_and_nobody_elses(self, client: Client) -> None:
        for prompt in (
            written("secret"),
            written("shown", visibility="public"),
            PromptFactory(title="Secret dana"),
        ):
            reindex([prompt])
        page = page_of(client, "?q=secret")
        assert "1 prompt with “secret”, last changed first." in " ".join(page.split())
        assert "Shown" not in page
        assert "dana" not in page
        assert "All <b>1</b>" in page
        assert "2 prompts, last changed first." in " ".join(page_of(client).split())
        nothing = " ".join(page_of(client, "?q=secret&state=public").split())
        assert "None of your public prompts holds “secret” with all that is asked for." in nothing

    def test_each_thing_asked_for_can_be_dropped(self, client: Client) -> None:
        reindex([written("secret")])
        page = page_of(client, "?q=secret&state=private")
        assert 'href="/studio/?state=private">remove' in page
        assert 'href="/studio/?q=secret">remove' in page
        assert ">remove" not in page_of(client)

    def test_that_there_are_more_is_said(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("prompts_app.search.MOST_HITS", 2)
        reindex([written(f"secret-{number}") for number in range(3)])
        assert "More than 1,000 hold these words" in page_of(client, "?q=secret")
        assert "More than 1,000" not in page_of(client, "?q=nothing")

    def test_the_form_is_there_where_there_is_much_to_find(self, client: Client) -> None:
        PromptFactory.create_batch(8, owner=alice())
        assert 'type="search"' not in page_of(client)
        PromptFactory.create_batch(50, owner=alice())
        page = page_of(client, "?state=private&q=")
        assert 'type="search"' in page
        assert 'href="?state=private&amp;after=' in page

    @pytest.mark.parametrize("typed", ["\x00", "<script>x", '"', "x" * 9000, "\u202e"])
    def test_any_words(self, client: Client, typed: str) -> None:
        PromptFactory.create_batch(9, owner=alice())
        answer = client.get(URL, {"q": typed})
        assert answer.status_code == 200
        assert "<script>x" not in read_page(answer)

    def test_fifty_a_page(self, client: Client) -> None:
        PromptFactory.create_batch(51, owner=alice())
        first = client.get(URL).context
        assert len(first["rows"]) == 50
        second = client.get(URL, {"after": first["page"].after}).context
        assert len(second["rows"]) == 1
        again = client.get(URL, {"before": second["page"].before}).context
        assert [row.prompt for row in again["rows"]] == [row.prompt for row in first["rows"]]
        assert (again["page"].before, first["page"].before) == ("", "")


def test_the_number_of_queries_does_not_grow(
    client: Client, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    for n in range(10):
        with_run(written(f"words-{n}"))
    client.get(URL)
    ten = count_queries(lambda: client.get(URL))
    for n in range(10, 20):
        with_run(written(f"words-{n}"))
    assert count_queries(lambda: client.get(URL)) == ten
    assert ten <= 10
