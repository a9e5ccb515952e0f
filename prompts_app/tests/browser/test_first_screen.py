"""What an employer's phone shows before anybody scrolls, signed out and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page

PHONE = {"width": 390, "height": 844}


def first_screen(new_page: Callable[..., Page], address: str) -> Page:
    page = new_page(viewport=PHONE, java_script_enabled=False)
    page.goto(address)
    return page


def ends_above_the_fold(place: Locator) -> bool:
    box = place.bounding_box()
    assert box is not None
    return box["y"] + box["height"] <= PHONE["height"]


@pytest.mark.parametrize(
    "said", ["cases pass", "published", "on an own server", "last tested", "recorded by"]
)
def test_a_profile_says_what_was_built_how_it_was_tested_on_what_and_when(
    new_page: Callable[..., Page], said: str
) -> None:
    page = first_screen(new_page, "/@cleo-specimen/")
    assert ends_above_the_fold(page.locator(".figures > div", has_text=said))


def test_a_prompt_says_how_it_tested_on_which_model_and_when(new_page: Callable[..., Page]) -> None:
    page = first_screen(new_page, "/@cleo-specimen/pharmacy-desk/")
    headline = page.locator(".headline")
    assert "cases pass on" in headline.inner_text()
    for place in (
        headline,
        page.get_by_text(re.compile(r"tested \d+ Nov 2026")).first,
        page.locator("#sheet h2"),
    ):
        assert ends_above_the_fold(place)
