"""``/prompts/``: searched, filtered, sorted, in pages; nothing that is typed breaks it."""

import re
from typing import Any

import pytest
from django.test import Client

from prompts_app.evidence.listings import refresh
from prompts_app.models import Prompt, Tag
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import client_of
from prompts_app.tests.views.recorded import practice_run, public_prompt, recorded_prompt, recorded_run

pytestmark = pytest.mark.django_db


def page(client: Client | None = None, **query: Any) -> str:
    response = (client or Client()).get("/prompts/", query)
    assert response.status_code == 200
    return read_page(response)


def titles(html: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi>", html)


def tagged(prompt: Prompt, *names: str) -> Prompt:
    prompt.tags.set([Tag.objects.get_or_create(name=name)[0] for name in names])
    refresh([prompt])
    return prompt


class TestList:
    def test_best_evidence_first_untested_last(self) -> None:
        public_prompt(title="Untested")
        recorded_prompt(title="Good", cases=30)
        recorded_prompt(title="Fair", cases=30, fails=range(1, 11))
        html = page()
        assert titles(html) == ["Good", "Fair", "Untested"]
        assert "Best evidence first" in html

    def test_a_row_says_k_of_n_the_interval_level_models_cost_and_date(self) -> None:
        recorded_prompt(cases=25, fails=[17])
        html = page()
        for said in ("24/25", "80–99%", "recorded", "test-model", "$0.0011", "failed: case 17"):
            assert said in html, said

    def test_unknown_cost_is_unknown(self) -> None:
        recorded_run(VersionFactory(prompt=public_prompt()), cost=None)
        html = page()
        assert "cost unknown" in html
        assert "$0<" not in html

    def test_evidence_of_an_older_version_says_so(self) -> None:
        prompt = recorded_prompt()
        VersionFactory(prompt=prompt, number=2)
        from prompts_app.actions.runs.counting import rebuild_evidence

        rebuild_evidence(prompt)
        assert "v1, not the newest" in page()

    def test_practice_counts_as_untested(self) -> None:
        practice_run(VersionFactory(prompt=public_prompt()))
        assert "not tested yet" in page()

    @pytest.mark.parametrize("visibility", ["private", "unlisted"])
    def test_only_public_prompts_even_for_their_owner(self, visibility: str) -> None:
        prompt = recorded_prompt(title="Hidden work", visibility=visibility)
        for client in (Client(), client_of(prompt.owner)):
            assert "Hidden work" not in page(client)
            assert "Hidden work" not in page(client, q="hidden")

    def test_prompts_of_a_private_author_are_not_listed(self) -> None:
        prompt = recorded_prompt(title="Hidden work")
        prompt.owner.profile.visibility = "private"
        prompt.owner.profile.save()
        assert "Hidden work" not in page()


class TestFilters:
    def test_words(self) -> None:
        recorded_prompt(title="Invoice reader")
        recorded_prompt(title="Poem writer")
        html = page(q="invoice")
        assert titles(html) == ["Invoice reader"]
        assert "Best match first" in html

    def test_task_with_counts(self) -> None:
        recorded_prompt(title="Reads", task="extraction")
        recorded_prompt(title="Writes", task="writing")
        assert titles(page(task="extraction")) == ["Reads"]
        assert "Extraction (1)" in page()

    def test_tag(self) -> None:
        tagged(recorded_prompt(title="With"), "json")
        recorded_prompt(title="Without")
        assert titles(page(tag="json")) == ["With"]
        assert titles(page(tag="JSON")) == ["With"]
        assert "json (1)" in page()

    def test_model_that_counts(self) -> None:
        recorded_prompt(title="On birch", model="birch-large")
        recorded_prompt(title="On wren", model="wren-8b")
        practice_run(VersionFactory(prompt=public_prompt(title="Practised")))
        assert titles(page(model="birch-large")) == ["On birch"]
        assert titles(page(model="practice")) == []
        assert "birch-large (1)" in page()
        assert "practice (" not in page()

    def test_level_at_least(self) -> None:
        recorded_prompt(title="Recorded")
        recorded_run(VersionFactory(prompt=public_prompt(title="Imported")), source="imported")
        recorded_run(VersionFactory(prompt=public_prompt(title="Pasted")), source="pasted")
        assert titles(page(level="2")) == ["Recorded"]
        assert titles(page(level="1")) == ["Recorded", "Imported"]
        html = page()
        assert "pasted (3)" in html
        assert "imported (2)" in html
        assert "recorded (1)" in html

    def test_several_at_once_and_each_can_be_removed(self) -> None:
        recorded_prompt(title="Invoice reader", task="extraction")
        html = page(q="invoice", task="extraction", level="2")
        assert titles(html) == ["Invoice reader"]
        assert 'href="/prompts/?q=invoice&amp;level=2"' in html.replace("&level", "&amp;level").replace(
            "&amp;amp;", "&amp;"
        )

    def test_sorted_by_newest(self) -> None:
        recorded_prompt(title="Older")
        public_prompt(title="Newer")
        html = page(sort="newest")
        assert titles(html) == ["Newer", "Older"]
        assert "Newest first" in html

    def test_sorted_by_last_test(self) -> None:
        old, new = public_prompt(title="Tested long ago"), public_prompt(title="Tested today")
        recorded_run(VersionFactory(prompt=old), days_ago=90)
        recorded_run(VersionFactory(prompt=new), cases=3, fails=[1, 2, 3], days_ago=0)
        assert titles(page(sort="tested")) == ["Tested today", "Tested long ago"]


class TestOddInput:
    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("task", "cooking", "There is no task “cooking”"),
            ("level", "9", "There is no evidence level “9”"),
            ("level", "-1", "There is no evidence level"),
            ("sort", "likes", "There is no order “likes”"),
        ],
    )
    def test_an_unknown_value_is_left_out_and_said(self, name: str, value: str, said: str) -> None:
        recorded_prompt(title="Still here")
        html = page(None, **{name: value})
        assert said in html
        assert titles(html) == ["Still here"]

    @pytest.mark.parametrize("name", ["q", "task", "model", "level", "tag", "sort", "page"])
    @pytest.mark.parametrize(
        "value", ["\x00", "x" * 20_000, "'\"<script>", "\u202eabc", "🙂", "%", "9" * 400, '"unclosed', "-1"]
    )
    def test_nothing_breaks_it(self, name: str, value: str) -> None:
        recorded_prompt()
        html = page(None, **{name: value})
        assert "<script>'" not in html
        assert "\x00" not in html

    def test_the_usual_order_is_not_pinned_by_the_form(self) -> None:
        recorded_prompt(title="Invoice reader")
        assert '<option value="" selected>Evidence, low end' in page(sort="")
        html = page(q="invoice", sort="")
        assert '<option value="" selected>Relevance' in html
        assert '<option value="evidence">' in html
        assert "Best evidence first" in page(q="invoice", sort="evidence")

    def test_relevance_without_words_is_the_usual_order(self) -> None:
        recorded_prompt()
        assert "Best evidence first" in page(sort="relevance")


class TestPages:
    def test_twenty_a_page_none_twice(self) -> None:
        for number in range(23):
            public_prompt(title=f"Prompt {number}")
        first, second = titles(page()), titles(page(page=2))
        assert len(first) == 20
        assert len(second) == 3
        assert len({*first, *second}) == 23
        assert 'rel="next" href="?page=2"' in page()
        assert "21 to 23 of 23" in page(page=2)

    @pytest.mark.parametrize(("asked", "shown"), [("0", "21 to 21"), ("99", "21 to 21"), ("x", "1 to 20")])
    def test_a_page_that_is_not_there(self, asked: str, shown: str) -> None:
        for _ in range(21):
            public_prompt()
        assert shown in page(page=asked)

    def test_a_number_that_no_page_has_is_said(self) -> None:
        public_prompt()
        assert "No page has the number 99, so this is the last one." in page(page=99)
        assert "No page has the number" not in page(page=1)

    def test_the_filters_go_along(self) -> None:
        for _ in range(21):
            public_prompt(task="code")
        assert 'href="?task=code&amp;page=2"' in page(task="code")


class TestNothingFound:
    def test_an_empty_site_says_what_stands_here_one_day(self) -> None:
        assert "No prompt is public yet" in page()

    def test_offers_to_drop_a_filter_with_the_real_count(self) -> None:
        recorded_prompt(title="Invoice reader", task="extraction")
        recorded_prompt(title="Invoice writer", task="writing")
        html = page(q="invoice", task="code")
        assert "No prompt for “invoice”, Code and SQL yet" in html
        assert ">Any task (2)</a>" in html
        assert "Without the words (" not in html

    def test_offers_to_drop_a_word(self) -> None:
        recorded_prompt(title="Tax return")
        html = page(q="tax Croatian")
        assert ">Without “Croatian” (1)</a>" in html
        assert "Without “tax”" not in html

    def test_offers_everything_where_no_filter_helps(self) -> None:
        html = page(q="zzz", task="code")
        assert ">All prompts</a>" in html


class TestWithHtmx:
    def test_only_the_results_and_the_filters_are_sent(self) -> None:
        recorded_prompt(title="Invoice reader")
        response = Client().get("/prompts/", {"q": "invoice"}, headers={"HX-Request": "true"})
        html = read_page(response)
        assert "<html" not in html
        assert html.lstrip().startswith('<section id="results"')
        assert 'id="filters" data-hx-swap-oob="innerHTML"' in html
        assert re.search("<title>[^<]* tested prompts?: ", html)
        assert "HX-Request" in response.headers["Vary"]

    def test_the_address_is_free_of_filters_that_are_not_set(self) -> None:
        headers = {"HX-Request": "true"}
        response = Client().get("/prompts/?q=a&task=&model=&level=2&sort=", headers=headers)
        assert response.headers["HX-Push-Url"] == "/prompts/?q=a&level=2"
        assert Client().get("/prompts/?q=", headers=headers).headers["HX-Push-Url"] == "/prompts/"

    def test_going_back_gets_the_whole_page(self) -> None:
        headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
        html = read_page(Client().get("/prompts/", headers=headers))
        assert "<html" in html
        assert html.count('id="filters"') == 1
        assert "swap-oob" not in html  # htmx takes such a part out of what it puts back

    def test_without_it_the_form_is_an_ordinary_one(self) -> None:
        html = page()
        assert 'action="/prompts/"' in html
        assert 'type="submit">Search</button>' in html


def test_a_search_is_not_indexed_but_the_list_is() -> None:
    assert 'content="noindex, follow"' in page(q="x")
    assert "noindex" not in page()
