"""Untrusted text in a real browser: it does not run, asks nothing of another host, leaves the page in shape.

security/test_hostile_text.py reads every page as text; here Chromium itself is the judge. A browser that only
our content security policy kept from running something counts as a failure too: the text got in as markup.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.models import KnownFailure, Visibility
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.security.addresses import TABLE, Rule, names
from prompts_app.tests.security.test_hostile_text import ODD, SCRIPTS, TELLING, addresses, poison
from prompts_app.tests.security.world import World, world
from prompts_app.tests.views.recorded import recorded_run

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 800}
# Set before anything of the page: what would be run, and what the policy had to stop.
WATCH = """
window.happened = [];
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => window.happened.push(name);
addEventListener(
  "securitypolicyviolation", e => window.happened.push(`${e.violatedDirective} ${e.blockedURI}`)
);
"""
# Names what sticks out, for the one who has to mend it.
WIDEST = """
[...document.body.querySelectorAll("*")]
  .map(e => [e, Math.round(e.getBoundingClientRect().right)]).filter(([e, right]) => right > innerWidth)
  .sort(([, one], [, other]) => other - one).slice(0, 6)
  .map(([e, right]) => `${e.tagName}.${e.className}#${e.id} ends at ${right}`).join(", ")
"""
# Comments, style sheets and the like hide what follows them, so they come last in a long text.
HIDES_THE_REST = ("<!--", "<style>", "<math>", "</textarea>", "<iframe")
ALL_SCRIPTS = "\n\n".join(sorted(SCRIPTS, key=lambda text: text.startswith(HIDES_THE_REST)))
FILES = (".zip", ".jpg")
NO_PAGE = (".png", ".webp", ".svg", ".md", ".json", ".yaml", ".xml", ".txt", ".atom", "/healthz", *FILES)
ALL_ODD = "\n\n".join(ODD)


@pytest.fixture
def visit(new_context: Callable[..., BrowserContext], live_server: Any) -> Iterator[Callable[[str], Page]]:
    """``visit(address)`` opens it on a phone; what it did that it should not have is the test's failure."""
    page = new_context(viewport=PHONE).new_page()
    wrong: list[str] = []
    page.add_init_script(WATCH)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("request", lambda request: wrong.extend(_elsewhere(request.url, live_server.url)))

    def open_address(address: str) -> Page:
        answer = page.goto(live_server.url + address)
        assert answer is not None
        assert answer.status == 200, address
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("window.happened") == [], address
        assert page.locator("h1").count() == 1 or not page.title(), address  # or a part for htmx
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE["width"]:
            wrong.append(
                f"{address} is {wide} px wide on a phone of {PHONE['width']}: " + page.evaluate(WIDEST)
            )
        return page

    yield open_address
    assert wrong == []


def _elsewhere(url: str, site: str) -> list[str]:
    """``url`` where it leads to another host."""
    return [] if url.startswith((site, "data:image/", "blob:", "about:")) else [url]


def pages_of(w: World) -> list[str]:
    """Every public address that is a page."""
    return [address for address in addresses(w) if not address.endswith(NO_PAGE)]


@pytest.mark.slow
@pytest.mark.parametrize("text", [ALL_SCRIPTS, ALL_ODD], ids=["markup", "odd letters"])
def test_no_public_page_runs_loads_or_widens(visit: Callable[[str], Page], text: str) -> None:
    w = world(Visibility.PUBLIC)
    poison(w, text)
    for address in pages_of(w):
        visit(address)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_searched_for_keeps_inside(visit: Callable[[str], Page], width: int) -> None:
    world(Visibility.PUBLIC)
    for query in (f"q={'W' * 300}", "q=" + "a+" * 300, f"tag={'W' * 300}&model={'W' * 300}"):
        for address in ("/prompts/", "/@alice/"):
            page = visit(f"{address}?{query}")
            page.set_viewport_size({"width": width, "height": PHONE["height"]})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(WIDEST)
            page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})


@pytest.mark.slow
@pytest.mark.parametrize("text", [ALL_ODD, "W" * 5_000])
def test_what_compares_two_versions_keeps_inside(visit: Callable[[str], Page], text: str) -> None:
    """Two sides, the curve with its table and the failure shelf, which one version alone does not have."""
    w = world(Visibility.PUBLIC)
    recorded_run(
        VersionFactory(prompt=w.prompt, number=2, note=text), w.run.model, suite=w.run.suite, fails=[1]
    )
    KnownFailure.objects.create(prompt=w.prompt, run=w.prompt.runs.latest("pk"), case_index=0, diagnosis=text)
    w.prompt.runs.update(tokens_in_median=2_000_000_000)
    rebuild_evidence(w.prompt)
    poison(w, text)
    for address in ("/@alice/notary/", "/@alice/notary/compare/v1...v2/"):
        page = visit(address)
        assert page.locator("#shelf li, #outputs article").count()
        page.set_viewport_size({"width": 1280, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, page.evaluate(WIDEST)
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})


@pytest.mark.slow
@pytest.mark.parametrize("text", TELLING)
def test_the_pages_an_employer_opens_show_each_as_text(visit: Callable[[str], Page], text: str) -> None:
    w = world(Visibility.PUBLIC)
    poison(w, text)
    for name in ("profile", "prompt", "result"):
        page = visit(reverse(name, args=TABLE[name].args(w)))
        assert "evil.example" not in str(page.evaluate("[...document.images].map(i => i.src)"))


@pytest.mark.slow
@pytest.mark.parametrize("text", [ALL_SCRIPTS, ALL_ODD], ids=["markup", "odd letters"])
def test_the_authors_own_pages_run_nothing(visit: Callable[[str], Page], text: str, live_server: Any) -> None:
    w = world(Visibility.PRIVATE)
    poison(w, text)
    page = visit(reverse("account_login"))
    session = client_of(alice()).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    rows = {name: TABLE[name] for name in names(Rule.OWN, Rule.THING)}
    del rows["studio_export_file"]  # no page: it is downloaded
    for name, row in rows.items():
        if row.method == "get" and row.answers == (200,):
            visit(reverse(name, args=row.args(w)))


@pytest.mark.slow
def test_a_script_in_the_page_would_be_noticed(visit: Callable[[str], Page]) -> None:
    """The watch itself is watched: what it looks for does show when it is there."""
    world(Visibility.PUBLIC)
    page = visit("/@alice/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.wait_for_function("window.happened.length > 0", timeout=5_000)
