"""A profile prints as a résumé of two A4 pages, an interview sheet as one, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from prompts_app.tests.browser.conftest import Site

A4_PT = (595, 842)


@pytest.mark.parametrize("query", ["", "?print"])
def test_a_profile_with_chosen_work_is_two_pages(site: Site, page: Page, query: str) -> None:
    page.goto(f"{site.url}/@ada-example/{query}")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 2
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {A4_PT}


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
