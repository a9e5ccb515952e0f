"""Filtering with JavaScript: each change of a list is an answer, and going back finds the page whole."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(new_page: Callable[..., Page], live_server: Any) -> Page:
    for n, task in enumerate(("code", "code", "writing"), 1):
        recorded_prompt(owner=alice(), title=f"Number {n}", task=task, model=f"model-{n}")
    page = new_page()
    page.goto(f"{live_server.url}/prompts/")
    return page


def found(page: Page, said: str) -> None:
    expect(page.locator("#found")).to_have_text(said)


def test_one_list_after_the_other(page: Page) -> None:
    page.select_option("#task", "code")
    found(page, "2 prompts")
    page.select_option("#model", "model-2")
    found(page, "1 prompt")
    expect(page).to_have_url(re.compile(r"/prompts/\?task=code&model=model-2$"))
    expect(page).to_have_title(re.compile("^1 tested prompt: Code and SQL, model-2"))
    page.select_option("#task", "")
    page.select_option("#model", "")
    found(page, "3 prompts")
    page.fill("#q", "number")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/prompts/\?q=number$"))
    page.fill("#q", "nobody")
    page.keyboard.press("Enter")
    found(page, "0 prompts")


def test_going_back_the_lists_are_there_and_go_on_working(page: Page) -> None:
    page.select_option("#task", "code")
    found(page, "2 prompts")
    page.select_option("#model", "model-2")
    found(page, "1 prompt")
    page.go_back()
    found(page, "2 prompts")
    expect(page.locator("#filters")).to_have_count(1)
    expect(page.locator("#task")).to_have_value("code")
    expect(page.locator("#model")).to_have_value("")
    page.select_option("#task", "writing")
    found(page, "1 prompt")
