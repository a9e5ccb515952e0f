"""Pasted and imported runs beside recorded ones: labelled wherever they stand, and in no sum with them.

Else an author could paste bad answers for a first version, and the site would tell how much was gained.
"""

import re

import pytest
from django.test import Client

from prompts_app.models import Prompt, Source
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import public_prompt, recorded_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt() -> Prompt:
    """v1 was pasted and fails nearly everything; v2 is recorded on one model, pasted on another."""
    prompt = public_prompt(owner=alice(), slug="mixed")
    first, second = (VersionFactory(prompt=prompt, number=number) for number in (1, 2))
    recorded_run(first, fails=range(1, 10), source=Source.PASTED)
    recorded_run(second, fails=[1])
    recorded_run(second, "other-model", source=Source.IMPORTED)
    return prompt


def page(address: str) -> str:
    return read_page(Client().get(address))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(name: str) -> str:
    return text_of(page("/@alice/mixed/").partition(f'id="{name}"')[2].partition("</section>")[0])


def test_the_headline_says_what_it_compares_with_and_counts_recorded_models_only(prompt: Prompt) -> None:
    html = page("/@alice/mixed/")
    said = text_of(html.partition('<p class="headline">')[2].partition("</p>")[0])
    assert said == "9 of 10 cases pass on test-model (60–98%), up from 1 of 10 for v1 (pasted)."
    assert ">9/10 cases · test-model<" in page("/@alice/mixed/badge.svg")


def test_each_place_a_lesser_run_stands_in_says_so(prompt: Prompt) -> None:
    assert "v1 , the baseline test-model 1/10 2–40% pasted" in section("sheet")
    assert "other-model 10/10 72–100% imported" in section("sheet")
    grid = section("models").partition("Pass Interval")[0]
    assert (grid.count("pasted"), grid.count("imported")) == (1, 1)
    assert "1/10 2–40% pasted" in section("versions")
    assert "v1 pasted" in section("tokens")
    assert "pasted" in section("before")
    assert "1/10 2–40% before, pasted" in text_of(page("/@alice/mixed/compare/v1...v2/"))
    assert "test-model pasted" in text_of(page("/@alice/mixed/results/?version=1"))


def test_no_gain_on_the_profile_is_counted_from_it(prompt: Prompt) -> None:
    html = page("/@alice/")
    assert "since baseline" not in html
    assert 'id="gains"' not in html


def test_tokens_are_not_saved_against_it(prompt: Prompt) -> None:
    prompt.runs.filter(version__number=1).update(tokens_in_median=1_000)
    recorded_run(prompt.versions.get(number=2), fails=[1])
    assert "fewer tokens" not in page("/@alice/mixed/")


def test_the_home_page_does_not_exhibit_it(prompt: Prompt) -> None:
    assert "for v1" not in page("/")
