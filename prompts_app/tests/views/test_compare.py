"""``/compare/v2...v3/``: what changed in the text, and which cases that fixed and broke."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from prompts_app.models import Prompt, Result
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import client_of
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_run,
    suite_of,
)

pytestmark = pytest.mark.django_db


def page(prompt: Prompt, which: str, **query: str) -> str:
    response = Client().get(f"{prompt.get_absolute_url()}compare/{which}/", query)
    assert response.status_code == 200
    return read_page(response)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html.replace("</dt>", "</dt> ")).split())


def changed_prompt() -> Prompt:
    """v2 fixes cases 1 and 2 of v1 and breaks case 5."""
    prompt = public_prompt()
    for number, fails in ((1, [1, 2, 3]), (2, [3, 5])):
        messages = [
            {"role": "user", "content": f"Say it {'loudly' if number == 1 else 'softly'}: {{{{word}}}}"}
        ]
        recorded_run(VersionFactory(prompt=prompt, number=number, messages=messages), fails=fails)
    return prompt


class TestWhatItSays:
    def test_fixed_and_broke_with_their_cases(self) -> None:
        said = text_of(page(changed_prompt(), "v1...v2"))
        assert "v2 fixed 2, broke 1 of 10 cases that both ran on test-model." in said
        assert "Fixed 1 Case 1, 2 Case 2" in said
        assert "Broke 5 Case 5" in said

    def test_the_other_way_round_it_is_the_opposite(self) -> None:
        said = text_of(page(changed_prompt(), "v2...v1"))
        assert "v1 fixed 1, broke 2 of 10 cases" in said

    def test_counts_agree_with_the_results(self) -> None:
        prompt = improved_prompt()
        passed = [
            {
                r.case_index
                for r in Result.objects.filter(run__version__number=n, run__model="main-model")
                if r.passed
            }
            for n in (1, 3)
        ]
        said = text_of(page(prompt, "v1...v3"))
        assert f"v3 fixed {len(passed[1] - passed[0])}, broke {len(passed[0] - passed[1])} of 10" in said

    @pytest.mark.parametrize(
        ("fits", "held"),
        [
            (({}, {"held": 10, "kept": 7}), "v2"),
            (({"held": 10, "kept": 10}, {"withheld": 2}), "v1"),
            (({}, {}), ""),
            (({"held": 10}, {"held": 10, "kept": 3}), ""),
            (({"refused": 10}, {}), ""),
        ],
    )
    def test_that_only_one_was_held_to_a_schema(self, fits: tuple[dict[str, int], ...], held: str) -> None:
        prompt = changed_prompt()
        for number, fit in enumerate(fits, 1):
            prompt.runs.filter(version__number=number).update(schema_fit=fit)
        for said in (
            text_of(page(prompt, "v1...v2")),
            text_of(read_page(Client().get(prompt.get_absolute_url()))),
        ):
            assert ("held to the JSON Schema" in said) is bool(held)
            assert f"Only the answers of {held} were held to the JSON Schema it asks for" in said or not held

    def test_the_words_that_changed(self) -> None:
        html = page(changed_prompt(), "v1...v2")
        assert '<del class="del">loudly</del>' in html
        assert '<ins class="ins">softly</ins>' in html

    def test_outputs_of_both_what_broke_first(self) -> None:
        html = page(changed_prompt(), "v1...v2").partition('id="outputs"')[2]
        names = re.findall(r"<h3[^>]*>Case (\d+) .*?: ([a-z ]+)</h3>", html)
        assert names[:4] == [("5", "broken"), ("1", "fixed"), ("2", "fixed"), ("3", "fails in both")]
        first = html.partition("<h3")[2].partition("<h3")[0]
        assert "yes, output of case 5" in first.partition("<article")[2].partition("</article>")[0]
        assert '<span class="hit">PAID</span>, wrong output of case 5' in first

    def test_a_call_without_an_answer_shows_no_output_and_says_nothing_of_its_assertions(self) -> None:
        prompt = public_prompt()
        for number, errors in ((1, [1, 2]), (2, [2])):
            recorded_run(VersionFactory(prompt=prompt, number=number), errors=errors, cases=3)
        html = page(prompt, "v1...v2").partition('id="outputs"')[2]
        told = re.findall(r"<h3[^>]*>Case (\d+) .*?: ([a-z ]+)</h3>", html)
        assert told == [("1", "no answer in one"), ("2", "no answer in both"), ("3", "passes in both")]
        in_both = html.partition("Case 2 ")[2].partition("<h3")[0]
        assert in_both.count("No answer") == 2
        assert "(empty)" not in in_both
        assert "no assertion" not in in_both

    def test_only_cases_both_ran(self) -> None:
        prompt = changed_prompt()
        recorded_run(VersionFactory(prompt=prompt, number=3), suite=[*suite_of(2), *suite_of(3, "New")])
        said = text_of(page(prompt, "v2...v3"))
        assert "v3 fixed 0, broke 0 of 2 cases that both ran" in said
        assert "The cases changed in between; only those both ran are compared." in said

    def test_the_model_can_be_chosen_where_both_ran_on_several(self) -> None:
        prompt = changed_prompt()
        for version in prompt.versions.all():
            recorded_run(version, "zweites/model", fails=[1])
        assert "both ran on zweites/model" in text_of(page(prompt, "v1...v2", model="zweites/model"))
        assert "both ran on test-model" in text_of(page(prompt, "v1...v2", model="third"))
        assert "both ran on test-model" in text_of(page(prompt, "v1...v2", model="\x00"))

    def test_without_a_model_in_common_only_the_text_is_compared(self) -> None:
        prompt = changed_prompt()
        practice_run(VersionFactory(prompt=prompt, number=3))
        html = page(prompt, "v2...v3")
        assert "No model answered both, so only the text is compared." in html
        assert 'id="outputs"' not in html
        assert "practice" not in html


class TestPagesAndQueries:
    def test_ten_cases_a_page_with_the_model_kept(self) -> None:
        prompt = public_prompt()
        for number in (1, 2):
            recorded_run(VersionFactory(prompt=prompt, number=number), "a&b", cases=25)
        html = page(prompt, "v1...v2", page="2")
        assert "11 to 20 of 25" in html
        assert "model=a%26b&amp;page=3" in html

    @pytest.mark.parametrize("number", ["-1", "x", "\x00", "999999"])
    def test_odd_pages_are_harmless(self, number: str) -> None:
        assert "outputs" in page(changed_prompt(), "v1...v2", page=number)

    def test_more_cases_take_no_more_queries_nor_a_heavier_page(self) -> None:
        counts = []
        for cases in (10, 200):
            prompt = public_prompt()
            for number in (1, 2):
                recorded_run(
                    VersionFactory(prompt=prompt, number=number), cases=cases, fails=range(number, cases)
                )
            Result.objects.filter(run__prompt=prompt).update(output="long " * 10_000)
            with CaptureQueriesContext(connection) as asked:
                html = page(prompt, "v1...v2")
            counts.append(len(asked))
            assert len(html.encode()) < 150_000
        assert counts[0] == counts[1]


class TestWhoMaySee:
    @pytest.mark.parametrize("which", ["v1...v9", "v0...v1", "v1...v1", "v1..v2", "v1...", "v-1...v2"])
    def test_what_is_not_there(self, which: str) -> None:
        prompt = changed_prompt()
        assert Client().get(f"{prompt.get_absolute_url()}compare/{which}/").status_code == 404

    def test_private_is_the_authors_alone_and_unlisted_is_not_indexed(self) -> None:
        prompt = changed_prompt()
        address = f"{prompt.get_absolute_url()}compare/v1...v2/"
        assert 'content="noindex"' not in read_page(Client().get(address))
        assert 'content="noindex"' in read_page(Client().get(address, {"page": "1"}))
        Prompt.objects.update(visibility="unlisted")
        assert Client().get(address).headers["X-Robots-Tag"] == "noindex"
        Prompt.objects.update(visibility="private")
        assert Client().get(address).status_code == 404
        assert client_of(prompt.owner).get(address).status_code == 200

    def test_markup_is_shown_not_run(self) -> None:
        prompt = changed_prompt()
        Result.objects.update(output="</pre><script>alert(1)</script>")
        assert "<script>alert" not in page(prompt, "v1...v2")

    def test_the_prompt_page_leads_here(self) -> None:
        prompt = improved_prompt()
        html = read_page(Client().get(prompt.get_absolute_url()))
        for which in ("v1...v2", "v2...v3"):
            assert f'href="{prompt.get_absolute_url()}compare/{which}/">fixed ' in html
        assert 'href="compare/v1...v3/"' in html


def test_numbers_alone_lead_to_the_address_of_the_versions() -> None:
    address = f"{improved_prompt().get_absolute_url()}compare/"
    response = Client().get(f"{address}1...3/", follow=True)
    assert response.request["PATH_INFO"] == f"{address}v1...v3/"
    assert response.status_code == 200
    assert Client().get("/@nobody/nothing/compare/1...2/", follow=True).status_code == 404
