"""``/``: shows real work, or says with dignity that there is none."""

import pytest
from django.test import Client

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.actions.runs.seal import seal_run
from prompts_app.models import Prompt
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import bob, client_of
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_prompt,
    recorded_run,
    suite_of,
)

pytestmark = pytest.mark.django_db


def page(client: Client | None = None) -> str:
    response = (client or Client()).get("/")
    assert response.status_code == 200
    return read_page(response)


class TestEmpty:
    def test_says_that_nothing_is_tested_and_what_to_do(self) -> None:
        html = page()
        assert "Nothing tested is public here yet" in html
        assert "An empty contact strip" in html
        assert 'class="exhibit"' not in html

    def test_untested_prompts_are_counted_but_not_evidence(self) -> None:
        public_prompt()
        html = page()
        assert "1 public prompt without a tested output" in html


class TestExhibit:
    def test_is_the_greatest_rise_from_first_to_last(self) -> None:
        improved_prompt(title="Rose far")
        small = public_prompt(title="Rose little")
        for number, fails in ((1, [1, 2]), (2, [1])):
            recorded_run(VersionFactory(prompt=small, number=number), fails=fails)
        html = page()
        exhibit = html.partition('class="exhibit"')[2].partition("</figure>")[0]
        assert "Rose far" in exhibit
        assert '2/10</b> <span class="range">6–51%' in exhibit
        assert '9/10</b> <span class="range">60–98%' in exhibit
        assert "2 of 10 cases pass; failed: cases 1, 2, 3, 4, 5, 6, 7, 8" in exhibit

    def test_no_exhibit_where_the_cases_changed(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt, number=1), fails=range(1, 10))
        recorded_run(VersionFactory(prompt=prompt, number=2), suite=suite_of(10, "Other"))
        assert 'class="exhibit"' not in page()

    def test_no_exhibit_where_it_got_worse(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt, number=1))
        recorded_run(VersionFactory(prompt=prompt, number=2), fails=[1])
        assert 'class="exhibit"' not in page()

    def test_imported_evidence_is_no_exhibit(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt, number=1), fails=range(1, 10), source="imported")
        recorded_run(VersionFactory(prompt=prompt, number=2), source="imported")
        assert 'class="exhibit"' not in page()


class TestBestEvidenced:
    def test_ordered_by_level_then_the_low_end(self) -> None:
        recorded_prompt(title="Few cases", cases=3)
        recorded_prompt(title="Many cases", cases=40, fails=[1])
        imported = public_prompt(title="Imported")
        recorded_run(VersionFactory(prompt=imported), cases=100, source="imported")
        html = page()
        assert html.index("Many cases") < html.index("Few cases") < html.index("Imported")

    def test_what_is_sealed_stands_first_as_the_words_say(self) -> None:
        recorded_prompt(title="All pass", cases=30)
        some = recorded_prompt(title="Some pass, sealed", fails=[1, 2, 3])
        seal_run(some.runs.get())
        rebuild_evidence(some)
        html = page().partition('id="best-h"')[2]
        assert "Sealed before recorded before imported before pasted" in html
        assert html.index("Some pass, sealed") < html.index("All pass")

    def test_eight_at_most_and_a_link_to_all(self) -> None:
        for number in range(10):
            recorded_prompt(title=f"Prompt no {number}", cases=4)
        html = page()
        assert html.count("Prompt no ") == 8
        assert "All 10 public prompts" in html

    def test_what_is_not_public_is_not_there(self) -> None:
        for visibility in ("private", "unlisted"):
            recorded_prompt(title="Hidden work", visibility=visibility)
        assert "Hidden work" not in page()
        assert "Hidden work" not in page(client_of(Prompt.objects.all()[0].owner))

    def test_practice_is_no_evidence(self) -> None:
        prompt = public_prompt(title="Practised")
        practice_run(VersionFactory(prompt=prompt))
        assert "Practised" not in page()


def test_a_signed_out_visit_sets_no_cookie_and_may_be_shared() -> None:
    response = Client().get("/")
    assert not response.cookies
    assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"


def test_a_signed_in_visit_is_kept_by_nobody() -> None:
    assert client_of(bob()).get("/").headers["Cache-Control"] == "private, no-store"


def test_the_same_page_is_not_sent_twice() -> None:
    client = Client()
    first = client.get("/")
    assert client.get("/", HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 304
    recorded_prompt()
    assert client.get("/", HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 200


def test_it_cannot_be_posted_to() -> None:
    assert Client().post("/").status_code == 405
