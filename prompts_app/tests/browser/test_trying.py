"""Trying a text that is saved nowhere: by keyboard, with its words as they come, and without JavaScript."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from prompts_app.tests.browser.conftest import Site
from prompts_app.tests.browser.test_main_job import add_endpoint, sign_up
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.engine.streaming import FINISHED, says, streamed

ANSWER_MS = 30_000
SLOWLY = streamed(says(content="The first words"), 4, says(content=" and the last."), *FINISHED)
AT_ONCE = streamed(says(content="Hello Ada."), *FINISHED)


def new_prompt(page: Page, server: OddServer) -> None:
    add_endpoint(page, server.base_url)
    page.goto("/studio/prompts/new/")
    page.locator("textarea[name=content]").fill("Say hello to {{name}}.")


def test_words_appear_while_the_model_still_writes_and_nothing_is_saved(page: Page, site: Site) -> None:
    sign_up(page, "trier")
    with answering(SLOWLY) as server:
        new_prompt(page, server)
        page.get_by_label("{{name}}").fill("Ada")
        page.get_by_text("Another model").click()
        page.get_by_label("Its model, by name").fill("tiny")
        page.get_by_role("checkbox", name=re.compile("practice-1")).uncheck()
        page.locator("textarea[name=content]").press("Control+Enter")
        answers = page.locator("#answers")
        expect(answers.get_by_text("The first words")).to_be_visible(timeout=ANSWER_MS)
        expect(answers.get_by_text("answering")).to_be_visible()
        expect(answers.get_by_text("The first words and the last.")).to_be_visible(timeout=ANSWER_MS)
        expect(answers.get_by_role("button", name="Stop")).to_have_count(0)
    assert server.asked[0].json["messages"] == [{"role": "user", "content": "Say hello to Ada."}]
    expect(page.locator("#earlier")).to_contain_text("not judged")
    page.goto("/studio/")
    expect(page.get_by_text("Say hello to")).to_have_count(0)  # no prompt was made of it


def test_it_works_without_javascript(new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    sign_up(page, "plain-trier")
    with answering(AT_ONCE) as server:
        new_prompt(page, server)
        page.get_by_role("button", name="Update the preview").click()  # finds the variable
        page.get_by_label("{{name}}").fill("Ada")
        page.get_by_role("checkbox", name=re.compile("practice-1")).uncheck()
        page.locator("summary", has_text="Another model").click()
        page.get_by_label("Its model, by name").fill("tiny")
        page.get_by_role("button", name="Try").click()
        for _ in range(20):
            if page.get_by_text("Hello Ada.").count():
                break
            page.wait_for_timeout(1000)
            page.get_by_role("link", name="See what has come").click()
    expect(page.get_by_text("Hello Ada.")).to_be_visible()
    expect(page.locator("textarea[name=content]")).to_have_value("Say hello to {{name}}.")
