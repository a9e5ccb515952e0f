"""How a prompt got here: which cases each version fixed and which it broke, held against the one before."""

import re

import pytest
from django.test import Client

from prompts_app.models import Prompt
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

pytestmark = pytest.mark.django_db


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def told(prompt: Prompt) -> str:
    html = read_page(Client().get(prompt.get_absolute_url()))
    return text_of(html.partition('id="versions"')[2].partition("</section>")[0])


def headline_of(prompt: Prompt, older: int, newer: int) -> str:
    html = read_page(Client().get(f"{prompt.get_absolute_url()}compare/v{older}...v{newer}/"))
    return text_of(html.partition('<p class="headline">')[2].partition("</p>")[0])


def test_what_a_version_fixed_and_what_it_broke_are_counted_apart() -> None:
    """A net of +3 hides that a case got worse."""
    prompt = public_prompt()
    recorded_run(VersionFactory(prompt=prompt, number=1), fails=[1, 2, 3, 4], errors=[6])
    recorded_run(VersionFactory(prompt=prompt, number=2), fails=[5], errors=[])
    assert "fixed 4, broke 1 against v1" in told(prompt)
    assert headline_of(prompt, 1, 2).startswith("v2 fixed 4, broke 1 of 10 cases")


def test_a_version_is_held_against_the_one_tested_before_it() -> None:
    prompt = public_prompt()
    recorded_run(VersionFactory(prompt=prompt, number=1), fails=[1])
    VersionFactory(prompt=prompt, number=2)
    recorded_run(VersionFactory(prompt=prompt, number=3), fails=[2])
    story = told(prompt)
    assert "fixed 1, broke 1 against v1" in story
    assert "compare with v2" in story, "the text before it is another version's"
    assert headline_of(prompt, 1, 3).startswith("v3 fixed 1, broke 1 of 10 cases")


def test_where_the_cases_changed_only_those_both_ran_are_counted() -> None:
    prompt = public_prompt()
    old, new = suite_of(4), suite_of(6)
    new[0]["variables"] = {"word": "another value"}
    recorded_run(VersionFactory(prompt=prompt, number=1), suite=old, fails=[1, 2, 3])
    recorded_run(VersionFactory(prompt=prompt, number=2), suite=new, fails=[4])
    assert "fixed 2, broke 1 against v1; the cases changed, so only the 3 both ran are counted" in told(
        prompt
    )
    assert headline_of(prompt, 1, 2).startswith("v2 fixed 2, broke 1 of 3 cases")


def test_the_first_tested_version_is_held_against_nothing() -> None:
    prompt = public_prompt()
    recorded_run(VersionFactory(prompt=prompt, number=1))
    assert "broke" not in told(prompt)
