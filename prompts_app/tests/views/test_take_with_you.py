"""The profile's address to carry away: QR code, print view, and what the print says of the work."""

import pytest
import segno
from django.test import Client

from prompts_app.evidence.listings import refresh
from prompts_app.models import Profile, Prompt
from prompts_app.templatetags.sharing import LONGEST_GIST, gist, qr_code
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.security.test_visibility import is_noindex
from prompts_app.tests.security.world import Tags, world

pytestmark = pytest.mark.django_db

ADDRESS = "http://127.0.0.1:8000/@alice/"


def profile(query: str = "") -> str:
    return read_page(Client().get(f"/@alice/{query}"))


def modules_drawn(svg: str) -> set[tuple[int, int]]:
    """The dark modules of a drawn code, read back from its path."""
    path = svg.split(' d="')[1].split('"')[0]
    dark = set()
    for run in path.split("M")[1:]:
        place, width = run.split("h")
        x, y = place.split(" ")
        dark |= {(int(x) + step, int(float(y))) for step in range(int(width))}
    return dark


@pytest.mark.parametrize("address", [ADDRESS, "https://a.example/" + "x" * 300])
def test_the_code_is_the_address_module_by_module(address: str) -> None:
    matrix = segno.make(address, error="m", micro=False).matrix
    expected = {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert modules_drawn(qr_code(address)) == expected


def test_the_page_ends_with_its_address_to_take_along() -> None:
    world()
    page = profile()
    assert "Take this page with you" in page
    assert 'aria-label="QR code of 127.0.0.1:8000/@alice/"' in page
    assert f'<span id="address">{ADDRESS}</span>' in page
    assert 'href="/@alice/feed.atom"' in page


def test_the_print_view_is_the_same_page_with_the_papers_styles_on_the_screen() -> None:
    world()
    plain, printed = profile(), profile("?print")
    media = [
        next(link["media"] for link in Tags(page).named("link") if "print" in (link.get("href") or ""))
        for page in (plain, printed)
    ]
    assert media == ["print", "all"]
    assert "As it prints, on two A4 pages." in printed
    assert "As it prints, on two A4 pages." not in plain
    assert is_noindex(Client().get("/@alice/?print"))
    assert not is_noindex(Client().get("/@alice/"))
    assert f'<link rel="canonical" href="{ADDRESS}">' in printed


def test_a_private_profile_offers_nothing_to_carry_away() -> None:
    world(profile=Profile.Visibility.PRIVATE)
    page = read_page(client_of(alice()).get("/@alice/"))
    assert "Take this page with you" not in page


@pytest.mark.parametrize(("pinned", "shown"), [(3, True), (4, False)])
def test_up_to_three_chosen_works_print_with_their_problem(pinned: int, shown: bool) -> None:
    w = world()
    for place in range(pinned):
        Prompt.objects.create(
            owner=w.prompt.owner, slug=f"p{place}", title="P", visibility="public", pin_position=place,
            situation="A team keys **900** invoices.", constraints="- JSON\n- no guess", limits="Text only.",
        )  # fmt: skip
    refresh(Prompt.objects.all())
    page = profile()
    assert ("A team keys 900 invoices." in page) == shown
    assert ("<dd>JSON; no guess</dd>" in page) == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Plain.", "Plain."),
        ("**Bold** and [a link](https://x.example/)", "Bold and a link"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("- one\n- two\n\nthree", "one; two; three"),
        ("", ""),
    ],
)
def test_a_gist_is_plain_words(text: str, said: str) -> None:
    assert gist(text) == said


@pytest.mark.parametrize("text", ["word " * 500, "x" * 5000, "- item\n" * 500, "<" * 3000, "&" * 3000])
def test_a_gist_is_short(text: str) -> None:
    assert len(gist(text)) <= LONGEST_GIST + 2
