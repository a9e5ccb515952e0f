"""Link preview cards: the right picture for the right people, whatever anybody is called."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from PIL import Image

from prompts_app.actions.pictures import cards
from prompts_app.actions.pictures.cards import HEIGHT, MOST_FRAMES, WIDTH, Card, drawable
from prompts_app.models import Profile, Prompt, Visibility
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.security.world import Tags, World, world
from prompts_app.views.public.cards import card_of_author, card_of_prompt

pytestmark = pytest.mark.django_db

ADDRESSES = ["/@alice/card.png", "/@alice/notary/card.png"]
RED = (201, 42, 42)


@pytest.fixture(autouse=True)
def _no_picture_kept() -> None:
    cache.clear()


def picture(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def red_in(image: Image.Image) -> int:
    counted = image.convert("RGB").getcolors(1_000_000) or []
    return sum(count for count, colour in counted if colour == RED)


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_a_small_png_of_the_size_previews_want(address: str) -> None:
    world()
    response = Client().get(address)
    assert response.headers["Content-Type"] == "image/png"
    assert picture(response.content).size == (WIDTH, HEIGHT)
    assert len(response.content) < 60_000


@pytest.mark.parametrize("address", ADDRESSES)
def test_who_has_it_is_told_so_without_drawing_it_again(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world()
    first = Client().get(address)
    monkeypatch.setattr(cards, "draw", lambda card: pytest.fail("drawn again"))
    again = Client().get(address, headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
    assert Client().get(address).content == first.content
    assert "must-revalidate" in first.headers["Cache-Control"]


def test_new_evidence_is_a_new_picture() -> None:
    w = world()
    before = Client().get(ADDRESSES[1]).headers["ETag"]
    w.prompt.evidence["frames"] = "f"
    w.prompt.save()
    assert Client().get(ADDRESSES[1]).headers["ETag"] != before


def test_a_failed_case_is_crossed_in_red() -> None:
    passing = Card("Title", "by A", "A sentence.", "p" * 25)
    failing = Card("Title", "by A", "A sentence.", "p" * 24 + "f")
    at_600 = picture(failing.png()).convert("RGB").resize((600, 315), Image.Resampling.LANCZOS)
    assert red_in(picture(failing.png())) > red_in(picture(passing.png())) + 200
    reddish = [c for c, (r, g, b) in at_600.getcolors(1_000_000) or [] if r > 180 and g < 110 and b < 110]  # type: ignore[misc]
    assert sum(reddish) > 60


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.UNLISTED, Visibility.PUBLIC])
def test_the_profile_card_counts_only_what_is_public(visibility: str, address: str) -> None:
    w = world(visibility)
    card = card_of_author(w.prompt.owner)
    assert (card.frames == "p") == (visibility == Visibility.PUBLIC)
    assert ("1 of 1 cases pass" in card.foot) == (visibility == Visibility.PUBLIC)


@pytest.mark.parametrize("profile", [Profile.Visibility.UNLISTED, Profile.Visibility.PRIVATE])
def test_a_hidden_profile_has_no_card_for_others_and_none_in_an_index(profile: str) -> None:
    world(profile=profile)
    for address in ADDRESSES:
        response = Client().get(address)
        if profile == Profile.Visibility.PRIVATE:
            assert response.status_code == 404
        else:
            assert response.headers["X-Robots-Tag"] == "noindex"
            assert response.headers["Cache-Control"] == "private, no-store"
        assert client_of(alice()).get(address).status_code == 200


def test_pages_name_their_card() -> None:
    world()
    for page, address in (("/@alice/", ADDRESSES[0]), ("/@alice/notary/", ADDRESSES[1])):
        metas = Tags(Client().get(page).content.decode()).named("meta")
        images = [meta["content"] for meta in metas if meta.get("property") == "og:image"]
        assert images == [f"http://127.0.0.1:8000{address}"]


def test_capitals_lead_to_the_one_address() -> None:
    world()
    response = Client().get("/@Alice/Notary/card.png")
    assert (response.status_code, response["Location"]) == (301, ADDRESSES[1])


# --- text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Ada Example", "Zoë Ångström", "Đorđe Šćepanović", "Łukasz", "Ελένη", "Дарья", "O’Neil – 7"]
)
def test_names_the_fonts_know_are_drawn(name: str) -> None:
    assert drawable(name, "@handle") == name


@pytest.mark.parametrize(
    "name",
    ["李小龍", "محمد", "שרה", "नमस्ते", "🦄", "\U000f0000", "", " ", "\u200b", "李 – (小)"],
)
def test_names_they_do_not_know_become_the_handle_and_never_boxes(name: str) -> None:
    assert drawable(name, "@handle") == "@handle"


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("李小龍 Bruce Lee", "Bruce Lee"),
        ("Bruce Lee (李小龍)", "Bruce Lee"),
        ("👩‍💻 Coder ❤️ Berlin", "Coder ❤ Berlin"),
        ("翻訳: GPT, 日本語", "GPT,"),
        ("Z̷̛͚a̵͝l̴g̶o̵", "Zalgo"),
        ("a\u202eb\u200bc\0d", "abcd"),
        ("שרה 7", "7"),
    ],
)
def test_only_the_letters_they_do_not_know_are_left_out(name: str, drawn: str) -> None:
    assert drawable(name, "@handle") == drawn


def test_a_name_nobody_can_draw_falls_back_to_the_handle() -> None:
    w = world()
    Profile.objects.update(name="李小龍", headline="提示工程師")
    Prompt.objects.update(title="محمد")
    owner = type(w.prompt.owner).objects.get(pk=w.prompt.owner_id)
    assert card_of_author(owner).title == "@alice"
    assert card_of_author(owner).sentence == ""
    prompt = Prompt.objects.with_author().get()
    assert (card_of_prompt(prompt).title, card_of_prompt(prompt).byline) == ("notary", "by @alice")


@pytest.mark.parametrize("text", ["W" * 5000, "word " * 2000, "x", "<b>&amp;"])
@pytest.mark.parametrize("frames", ["", "f", "pfewu" * 400])
def test_any_length_of_text_and_strip_is_drawn(text: str, frames: str) -> None:
    assert picture(cards.draw(Card(text, text, text, frames, text))).size == (WIDTH, HEIGHT)


def test_a_long_strip_says_that_it_is_cut() -> None:
    w = world()
    w.prompt.evidence["frames"] = "p" * (MOST_FRAMES + 1)
    assert f"the first {MOST_FRAMES} of {MOST_FRAMES + 1} cases" in card_of_prompt(w.prompt).foot


def test_sample_work_says_so() -> None:
    w: World = world()
    w.prompt.owner.profile.is_sample = True
    assert card_of_prompt(w.prompt).foot.startswith("Sample content")


def test_ten_more_prompts_cost_no_more_queries(count_queries: Callable[[Callable[[], Any]], int]) -> None:
    w = world()
    counts = []
    for number in range(2):
        for place in range(10):
            Prompt.objects.create(
                owner=w.prompt.owner, slug=f"p{number}-{place}", title="P", visibility=Visibility.PUBLIC,
                evidence=w.prompt.evidence, evidence_level=2, evidence_passed=1, evidence_cases=1,
            )  # fmt: skip
        counts.append(count_queries(lambda: Client().get(ADDRESSES[0])))
    assert counts[0] == counts[1]


def inked(card: Card, top: int, bottom: int) -> int:
    """Pixels between two heights that are not paper."""
    band = picture(card.png()).convert("RGB").crop((0, top, WIDTH, bottom))
    paper = band.getpixel((0, 0))
    return sum(count for count, colour in band.getcolors(1_000_000) or [] if colour != paper)


def test_a_title_too_long_for_one_line_goes_on_in_a_second() -> None:
    short = Card("Pharmacy desk", "by A", "", "p" * 13)
    long = Card("Pharmacy desk that knows what not to answer", "by A", "", "p" * 13)
    assert inked(short, 200, 265) == 0
    assert inked(long, 200, 265) > 2_000


def test_a_strip_of_few_cases_is_drawn_larger_and_stays_above_the_foot() -> None:
    few, many = (Card("Title", "by A", "Sentence. " * 40, "p" * cases) for cases in (5, 25))
    assert inked(few, 400, 540) / 5 > 2 * inked(many, 400, 540) / 25
    for cases in (1, 5, 13, 25, 26, 50):
        card = Card("A long title " * 20, "by A", "Sentence. " * 40, "f" * cases, "Foot")
        assert inked(card, 540, 558) == 0
        assert inked(card, 0, 40) == 0
