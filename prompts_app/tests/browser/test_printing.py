"""A profile prints as a résumé of two A4 pages, an interview sheet as one, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from prompts_app.models import KnownFailure
from prompts_app.tests.browser.conftest import Site
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

A4_PT = (595, 842)


@pytest.mark.parametrize("query", ["", "?print"])
def test_a_profile_with_chosen_work_is_two_pages(site: Site, page: Page, query: str) -> None:
    page.goto(f"{site.url}/@ada-example/{query}")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 2
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {A4_PT}


@pytest.mark.django_db(transaction=True)
def test_the_fullest_interview_sheet_is_one_page_too(
    new_context: Callable[..., BrowserContext], live_server: Any
) -> None:
    """As many questions as there can be, each of two lines, below a title of two."""
    prompt = public_prompt(title=("A prompt that says at great length what it does and for whom " * 2)[:120])
    suite = suite_of(30, "A customer writes a long letter about three things at once and asks for a refund")
    for number in range(1, 7):
        text = " ".join(f"word{number}x{place}" for place in range(60 + 20 * (number % 3)))
        version = VersionFactory(
            prompt=prompt, number=number, messages=[{"role": "user", "content": f"{text} {{{{word}}}}"}]
        )
        for model in ("vendor/model-large-instruct-2026-05", "small"):
            recorded_run(version, model, suite=suite, fails=range(1, 25 - 2 * number), errors=[30])
    run = prompt.runs.filter(version__number=3)[0]
    for place in range(3):
        KnownFailure.objects.create(prompt=prompt, run=run, case_index=place, diagnosis="It is told.")
    page = new_context().new_page()
    page.goto(f"{live_server.url}{prompt.get_absolute_url()}interview/")
    assert page.locator(".asked > li").count() >= 13
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True))) == 1


@pytest.mark.parametrize("prompt", ["order-email-to-json", "question-to-sql", "support-ticket-routing"])
def test_an_interview_sheet_is_one_page(site: Site, page: Page, prompt: str) -> None:
    page.goto(f"{site.url}/@ada-example/{prompt}/interview/")
    assert page.locator(".asked > li").count() > 8
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True))) == 1


def test_on_paper_there_is_no_button_and_the_code_to_scan_is_in_the_corner(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/@ada-example/")
    page.emulate_media(media="print")
    assert page.locator("button:visible").count() == 0
    assert page.locator("nav:visible").count() == 0
    code = page.locator(".qr").bounding_box()
    name = page.locator("h1").bounding_box()
    assert code is not None
    assert name is not None
    assert code["x"] > name["x"] + 300
    assert code["y"] < name["y"]
