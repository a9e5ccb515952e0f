"""All results of a prompt that count: failures first, by version, model, case and state."""

import re
from typing import Any

import pytest
from django.test import Client

from prompts_app.models import Prompt
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.recorded import improved_prompt, practice_run, public_prompt, recorded_run

pytestmark = pytest.mark.django_db


def page(prompt: Prompt, client: Client | None = None, **query: Any) -> str:
    response = (client or Client()).get(f"{prompt.get_absolute_url()}results/", query)
    assert response.status_code == 200
    return read_page(response)


def rows(html: str) -> list[tuple[str, int, str]]:
    """(mark, case, model) of each line."""
    found = re.findall(
        r"<tr><td><span aria-hidden=\"true\">(.)</span>.*?<b>(\d+)</b>.*?</td><td><bdi>([^<]*)</bdi>", html
    )
    return [(mark, int(case), model) for mark, case, model in found]


class TestWhatIsShown:
    def test_the_shown_version_on_all_models_failures_first_then_no_answer_then_passes(self) -> None:
        listed = rows(page(improved_prompt()))
        assert len(listed) == 20
        marks = "".join(mark for mark, _, _ in listed)
        assert re.fullmatch(r"✗{3}!✓{16}", marks)
        assert listed[:3] == [("✗", 4, "main-model"), ("✗", 4, "small-model"), ("✗", 7, "small-model")]

    def test_by_version(self) -> None:
        assert len(rows(page(improved_prompt(), version=1))) == 10

    def test_by_model(self) -> None:
        listed = rows(page(improved_prompt(), model="small-model"))
        assert {model for _, _, model in listed} == {"small-model"}

    def test_by_case(self) -> None:
        assert rows(page(improved_prompt(), case=4)) == [("✗", 4, "main-model"), ("✗", 4, "small-model")]

    @pytest.mark.parametrize(
        ("state", "mark", "count"), [("failed", "✗", 3), ("error", "!", 1), ("passed", "✓", 16)]
    )
    def test_by_state(self, state: str, mark: str, count: int) -> None:
        assert [found for found, _, _ in rows(page(improved_prompt(), state=state))] == [mark] * count

    def test_all_at_once(self) -> None:
        query: dict[str, Any] = {"version": 3, "model": "small-model", "case": 7, "state": "failed"}
        assert rows(page(improved_prompt(), **query)) == [("✗", 7, "small-model")]

    def test_none_leads_back(self) -> None:
        html = page(improved_prompt(), case=5, state="failed")
        assert "None. <a href=" in html
        assert 'href="/@' in html

    def test_pages_keep_what_was_asked(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), cases=70, fails=range(1, 41))
        html = page(prompt, state="failed", page=2)
        assert "31 to 40 of 40" in html
        assert 'href="?version=1&amp;state=failed&amp;page=1#list"' in html

    def test_each_leads_to_its_result(self) -> None:
        prompt = improved_prompt()
        address = re.search(r'<td>.*?<a href="(\w+/)"><b>', page(prompt))
        assert address
        assert Client().get(f"{prompt.get_absolute_url()}results/{address[1]}").status_code == 200

    def test_only_the_latest_run_of_a_version_and_model_counts(self) -> None:
        prompt = public_prompt()
        version = VersionFactory(prompt=prompt)
        recorded_run(version, fails=[1, 2], days_ago=2)
        recorded_run(version, fails=[3], days_ago=1)
        assert rows(page(prompt, state="failed")) == [("✗", 3, "test-model")]

    def test_practice_is_not_there_not_even_for_the_author(self) -> None:
        prompt = public_prompt(owner=alice())
        practice_run(VersionFactory(prompt=prompt))
        assert "Not tested yet." in page(prompt, client_of(alice()))

    def test_a_case_that_was_not_judged_is_no_failure(self) -> None:
        prompt = improved_prompt()
        run = prompt.runs.get(version__number=1)
        run.frames = "u" + run.frames[1:]
        run.save()
        assert rows(page(prompt, version=1, case=1)) == [("–", 1, "main-model")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"version": "99"}, "There is no version “99” here; it was left out."),
        ({"version": "-1"}, "There is no version “-1” here"),
        ({"model": "no-such"}, "There is no model “no-such” here"),
        ({"model": "<script>"}, "There is no model “&lt;script&gt;” here"),
        ({"case": "0"}, "There is no case “0” here"),
        ({"case": "12345678901234567890"}, "There is no case “12345678"),
        ({"state": "f"}, "There is no state “f” here"),
        ({"page": "no"}, "20 case results"),
        ({"model": "\x00"}, "20 case results"),
    ],
)
def test_what_means_nothing_is_answered_calmly(query: dict[str, Any], said: str) -> None:
    assert said in page(improved_prompt(), **query)


def test_the_prompts_page_leads_there() -> None:
    prompt = improved_prompt()
    html = read_page(Client().get(prompt.get_absolute_url()))
    assert f'href="{prompt.get_absolute_url()}results/"' in html


def test_is_in_no_index() -> None:
    assert '<meta name="robots" content="noindex, follow">' in page(improved_prompt())
