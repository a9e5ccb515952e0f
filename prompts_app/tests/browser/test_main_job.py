"""The main job, as a new user does it: sign up, write, test, publish, send the link, be found."""

import re
from collections.abc import Callable
from time import sleep

from playwright.sync_api import Page, Route, expect

from prompts_app.tests.browser.conftest import Site

PASSWORD = "correct horse battery staple"
RUN_TAKES_MS = 60_000


def sign_up(page: Page, handle: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail").fill(f"{handle}@example.com")
    page.get_by_label("Handle").fill(handle)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", level=1, name="Your prompts")).to_be_visible()


def sign_in_as_demo(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("demo")
    page.locator("input[name=password]").fill("proofsheet-demo")
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/studio/")


def write_prompt(page: Page, title: str, message: str) -> None:
    page.get_by_role("link", name="New prompt").click()
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_label("Summary").fill("Says a word back, politely.")
    page.locator("textarea[name=content]").fill(message)
    page.get_by_role("button", name="Save as v1").last.click()
    expect(page.get_by_text("Saved as v1")).to_be_visible()


def write_case(page: Page, slug: str, name: str, value: str, expected: str) -> None:
    page.goto(f"/studio/prompts/{slug}/cases/new/")
    page.get_by_label("Name").fill(name)
    page.locator("textarea[name=value]").fill(value)
    page.locator("textarea[name=expected]").fill(expected)
    page.get_by_role("button", name="Save the case").click()
    expect(page.get_by_text(name).first).to_be_visible()


def add_endpoint(page: Page, base_url: str) -> None:
    page.goto("/studio/endpoints/new/")
    page.locator("input[name=name]").fill("Local server")
    page.locator("input[name=base_url]").fill(base_url)
    page.locator("input[name=key]").fill("sk-test-not-a-real-one")
    page.locator("main button[value=save]").last.click()
    expect(page.get_by_text("Local server").first).to_be_visible()


def run_on(page: Page, slug: str, endpoint: str, model: str) -> None:
    page.goto(f"/studio/prompts/{slug}/run/")
    page.get_by_label("Endpoint").select_option(label=endpoint)
    page.locator("textarea[name=more_models]").fill(model)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/studio/runs/**")


def slowly(route: Route) -> None:
    """What a script asks for takes its time, as on a slow network; what a person opens does not."""
    if not route.request.is_navigation_request():
        sleep(0.4)
    route.continue_()


def publish(page: Page, slug: str) -> None:
    page.goto(f"/studio/prompts/{slug}/publish/")
    page.get_by_label("Public.").check()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("main .facts").get_by_text("public", exact=True)).to_be_visible()


def test_from_an_empty_account_to_a_profile_a_stranger_reads(
    page: Page, new_page: Callable[..., Page], site: Site, model_server: str
) -> None:
    sign_up(page, "nell")
    write_prompt(page, "Polite echo", "Say {{word}} politely.")
    write_case(page, "polite-echo", "Thanks", "thanks", "thanks")
    write_case(page, "polite-echo", "Never said", "sorry", "something the model does not say")
    add_endpoint(page, model_server)
    run_on(page, "polite-echo", "Local server", "gpt-4o-mini")
    expect(page.get_by_text("1 pass, 1 fail", exact=True)).to_be_visible(timeout=RUN_TAKES_MS)

    stranger = new_page()
    assert stranger.goto("/@nell/polite-echo/").status == 404  # type: ignore[union-attr]  # it did answer
    publish(page, "polite-echo")

    stranger.goto("/@nell/")
    expect(stranger).to_have_title(re.compile("nell"))
    stranger.get_by_role("link", name="Polite echo").first.click()
    expect(stranger.get_by_role("heading", level=1, name="Polite echo")).to_be_visible()
    expect(stranger.get_by_text("1/2").first).to_be_visible()
    expect(stranger.get_by_text("Never said").first).to_be_visible()
    assert "sk-test-not-a-real-one" not in stranger.content()

    stranger.goto("/prompts/")
    stranger.get_by_label("Search prompts").fill("polite echo")
    stranger.get_by_role("button", name="Search").click()
    expect(stranger.get_by_role("link", name="Polite echo", exact=True)).to_be_visible()

    page.goto("/studio/prompts/polite-echo/publish/")
    page.get_by_label("Private.").check()
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator("main .facts").get_by_text("private")).to_be_visible()
    assert stranger.goto("/@nell/polite-echo/").status == 404  # type: ignore[union-attr]
    stranger.goto("/prompts/?q=polite+echo")
    expect(stranger.get_by_role("link", name="Polite echo", exact=True)).to_have_count(0)


def test_the_demo_account_watches_a_practice_run_without_key_or_network(page: Page) -> None:
    sign_in_as_demo(page)
    page.locator("main .pile th a").first.click()
    page.get_by_role("link", name="Run", exact=True).click()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/studio/runs/**")
    expect(page.get_by_text("practice, not a model").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ pass, \d+ fail")).first).to_be_visible(timeout=RUN_TAKES_MS)
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0, timeout=RUN_TAKES_MS)


def test_a_run_is_cancelled_by_a_press_that_lasts_longer_than_the_page_stands_still(page: Page) -> None:
    sign_in_as_demo(page)
    page.goto("/studio/prompts/contact-card/run/")
    page.get_by_label("Repeats").fill("20")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/studio/runs/**")
    page.get_by_role("button", name="Cancel run").click(delay=2_500)  # the page is asked for each second
    expect(page.get_by_text("cancelled").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)  # and goes on once it is let go


def test_it_all_works_without_javascript(new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    sign_up(page, "noscript")
    write_prompt(page, "Plain forms", "Repeat: {{word}}")
    write_case(page, "plain-forms", "A word", "hello", "hello")
    page.goto("/studio/prompts/plain-forms/run/")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text(re.compile("1 pass, 0 fail")).first).to_be_visible(timeout=RUN_TAKES_MS)
    publish(page, "plain-forms")
    page.goto("/@noscript/plain-forms/")
    expect(page.get_by_role("heading", level=1, name="Plain forms")).to_be_visible()
    assert "not tested yet" in page.content()  # a practice run is no evidence


def test_start_is_pressed_while_the_page_still_tells_what_it_comes_to(page: Page, model_server: str) -> None:
    sign_up(page, "ines")
    write_prompt(page, "Quick hand", "Say {{word}} politely.")
    write_case(page, "quick-hand", "Thanks", "thanks", "thanks")
    add_endpoint(page, model_server)
    page.goto("/studio/prompts/quick-hand/run/")
    page.route("**/quick-hand/run/", slowly)
    page.get_by_label("Endpoint").select_option(label="Local server")
    page.locator("textarea[name=more_models]").fill("gpt-4o-mini")
    # Pressing leaves the field, which asks for the estimate; its answer comes before the button is let go.
    page.get_by_role("button", name="Start the run").click(delay=1_200)
    page.wait_for_url("**/studio/runs/**")
    expect(page.get_by_text("1 pass", exact=False).first).to_be_visible(timeout=RUN_TAKES_MS)
