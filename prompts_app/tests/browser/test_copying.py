"""What copies: to the clipboard, by hand where the browser gives none, and nowhere without scripts."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

PROMPT = "/@ada-example/order-email-to-json/"
SCRIPTED = "[data-copy], [data-print], [data-theme-switch]"


def test_without_scripts_no_button_stands_there_that_does_nothing(new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    for address in (PROMPT, "/@ada-example/"):
        page.goto(address)
        assert page.locator(SCRIPTED).count() > 1
        assert page.locator(f":is({SCRIPTED}):visible").count() == 0


def test_with_scripts_they_are_there(page: Page) -> None:
    page.goto(PROMPT)
    assert page.locator(f":is({SCRIPTED}):visible").count() > 1


def test_where_there_is_no_clipboard_the_text_is_selected(page: Page) -> None:
    """A site on a plain http address has none."""
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(PROMPT)
    page.get_by_role("button", name="Copy prompt").click()
    expect(page.get_by_role("button", name="Selected: press Ctrl+C")).to_be_visible()
    assert "You turn order e-mails into JSON" in page.evaluate("getSelection().toString()")
