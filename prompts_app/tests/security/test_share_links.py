"""A share link opens what its author chose, to whom has it, while it works, and nothing else to anybody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from django.apps import apps
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from prompts_app.actions.sharing.links import PromptChoice, create_link, renew_link, revoke_link
from prompts_app.models import Profile, Prompt, ShareLink, ShareLinkOpens, Visibility
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.test_visibility import (
    OWNER,
    READER,
    STRANGER,
    browser,
    is_noindex,
    says_nothing,
)
from prompts_app.tests.security.world import TITLE, Tags, World, build_world, world

pytestmark = pytest.mark.django_db

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0 Safari/537.36"


def places(w: World) -> list[str]:
    """Every page of the prompt, as it stands below the link."""
    return [
        "notary/",
        "notary/?show=passes",
        f"notary/v{w.version.number}/",
        f"notary/results/{w.result.public_id}/",
        f"notary/runs/{w.run.public_id}.json",
        "notary.md",
        "notary.json",
    ]


def everything(w: World) -> list[str]:
    return [f"/s/{w.token}/", *[f"/s/{w.token}/{place}" for place in places(w)]]


def is_for_its_recipient(response: Any) -> None:
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "ETag" not in response.headers


def is_nowhere(response: Any) -> None:
    assert response.status_code == 404
    assert says_nothing(response)
    is_for_its_recipient(response)


@pytest.mark.parametrize("viewer", [STRANGER, READER, OWNER])
@pytest.mark.parametrize("visibility", Visibility.values)
def test_who_has_the_link_sees_the_work(visibility: str, viewer: str) -> None:
    w = world(visibility)
    for address in everything(w):
        response = browser(viewer).get(address)
        assert response.status_code == 200, address
        is_for_its_recipient(response)
        assert "quokka-in-the-label" not in read_page(response)
        if not response["Content-Type"].startswith("text/html"):
            assert w.token not in read_page(response), "a file that is taken away must not carry the link"
        if response["Content-Type"].startswith("text/html"):
            assert TITLE in read_page(response)
            assert any(
                meta.get("name") == "robots" and "noindex" in (meta.get("content") or "")
                for meta in Tags(read_page(response)).named("meta")
            )


def test_the_front_says_the_note_and_that_opens_are_counted() -> None:
    w = world()
    page = read_page(Client().get(f"/s/{w.token}/"))
    assert "quokka-in-the-note" in page
    assert "Opens of this link are counted by day; nothing else is kept." in page
    assert "Alice Author" in page


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.PUBLIC])
def test_every_link_on_the_way_stays_below_the_share_link(visibility: str) -> None:
    """A reader of a private prompt must never be led to its own address, which is a 404 for them."""
    w = world(visibility)
    base, seen, todo = f"/s/{w.token}/", set[str](), [f"/s/{w.token}/"]
    while todo:
        address = todo.pop()
        seen.add(address)
        response = Client().get(address)
        assert response.status_code == 200, address
        if not response["Content-Type"].startswith("text/html"):
            continue
        tags = Tags(read_page(response))
        for name, attributes in tags.tags:
            for key in ("href", "src", "action", "content", "formaction"):
                value = (attributes.get(key) or "").partition("#")[0].partition("?")[0]
                assert "/@alice/notary" not in value, (address, name, value)
                found = _absolute(address, value) if name == "a" and value else ""
                if found.startswith(base) and found not in seen and found not in todo:
                    todo.append(found)
    assert f"{base}notary/v1/" in seen
    assert f"{base}notary/results/{w.result.public_id}/" in seen
    assert f"{base}notary.md" in seen


def _absolute(at: str, href: str) -> str:
    return urljoin(at, href)


def unknown(w: World) -> str:
    return "a-token-nobody-ever-made"


def expired(w: World) -> str:
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return w.token


def revoked(w: World) -> str:
    revoke_link(w.link)
    return w.token


def renewed(w: World) -> str:
    renew_link(w.link)
    return w.token


def deleted(w: World) -> str:
    w.link.delete()
    return w.token


def switched_off(w: World) -> str:
    w.prompt.owner.is_active = False
    w.prompt.owner.save()
    return w.token


def the_hash(w: World) -> str:
    return ShareLink.objects.get().token_hash


CLOSED = [unknown, expired, revoked, renewed, deleted, switched_off, the_hash]


@pytest.mark.parametrize("close", CLOSED)
@pytest.mark.parametrize("viewer", [STRANGER, READER])
def test_a_link_that_does_not_work_is_nowhere(viewer: str, close: Callable[[World], str]) -> None:
    w = world()
    token = close(w)
    for place in ["", *places(w)]:
        is_nowhere(browser(viewer).get(f"/s/{token}/{place}"))
    is_nowhere(browser(viewer).post(f"/s/{token}/", {"passphrase": "x"}))


def test_expired_revoked_and_unknown_are_the_same_to_the_byte() -> None:
    answers = set()
    for close in (unknown, expired, revoked):
        ShareLink.objects.all().delete()
        Prompt.objects.all().delete()
        w = build_world()
        response = Client().get(f"/s/{close(w)}/")
        answers.add((response.status_code, read_page(response)))
    assert len(answers) == 1


def test_a_link_with_a_passphrase_asks_for_it_and_says_nothing_else() -> None:
    w = locked("open sesame")
    for address in everything(w):
        response = Client().get(address)
        assert response.status_code == (200 if address.endswith(f"{w.token}/") else 302), address
        assert says_nothing(response)
        assert "Alice" not in read_page(response)
        is_for_its_recipient(response)
    wrong = Client().post(f"/s/{w.token}/", {"passphrase": "open barley"})
    assert wrong.status_code == 403
    assert says_nothing(wrong)
    assert "not the passphrase" in read_page(wrong)
    assert not ShareLinkOpens.objects.exists()


def locked(passphrase: str) -> World:
    cache.clear()
    w = world(Visibility.PRIVATE)
    w.link.set_passphrase(passphrase)
    w.link.save()
    return w


def test_the_right_passphrase_opens_this_link_in_this_browser_only() -> None:
    w = locked("open sesame")
    _, token = create_link(alice(), PromptChoice("Other", [w.prompt], passphrase="open sesame"))
    reader = Client(headers={"user-agent": CHROME})
    answer = reader.post(f"/s/{w.token}/", {"passphrase": "open sesame"})
    assert answer.status_code == 302
    for address in everything(w):
        assert reader.get(address).status_code == 200, address
    assert ShareLinkOpens.objects.get().count == 1
    assert says_nothing(reader.get(f"/s/{token}/"))
    assert says_nothing(Client().get(f"/s/{w.token}/"))


def test_a_changed_passphrase_shuts_out_who_knew_the_old_one() -> None:
    w = locked("open sesame")
    reader = Client()
    reader.post(f"/s/{w.token}/", {"passphrase": "open sesame"})
    w.link.set_passphrase("something else")
    w.link.save()
    assert says_nothing(reader.get(f"/s/{w.token}/"))
    assert reader.get(f"/s/{w.token}/notary/").status_code == 302


def test_a_pass_cannot_be_made_up() -> None:
    w = locked("open sesame")
    reader = Client()
    session = reader.session
    session["share_link_passes"] = {w.link.public_id: "0" * 64}
    session.save()
    assert says_nothing(reader.get(f"/s/{w.token}/"))


def test_trying_passphrases_is_slow() -> None:
    w = locked("open sesame")
    codes = [Client().post(f"/s/{w.token}/", {"passphrase": f"try {n}"}).status_code for n in range(12)]
    assert codes == [403] * 10 + [429] * 2
    late = Client().post(f"/s/{w.token}/", {"passphrase": "open sesame"})
    assert (late.status_code, late["Retry-After"]) == (429, "60")
    assert "Wait a minute" in read_page(late)


def guess(w: World, *, from_: str, typed: str = "a guess") -> int:
    return Client(REMOTE_ADDR=from_).post(f"/s/{w.token}/", {"passphrase": typed}).status_code


def test_whoever_guesses_does_not_shut_out_whom_the_link_is_for() -> None:
    w = locked("open sesame")
    assert [guess(w, from_="192.0.2.1") for _ in range(12)][-1] == 429
    assert guess(w, from_="192.0.2.2", typed="open sesame") == 302


def test_another_link_has_tries_of_its_own() -> None:
    w = locked("open sesame")
    _, token = create_link(alice(), PromptChoice("Other", [w.prompt], passphrase="open sesame"))
    assert [guess(w, from_="192.0.2.1") for _ in range(12)][-1] == 429
    assert (
        Client(REMOTE_ADDR="192.0.2.1").post(f"/s/{token}/", {"passphrase": "open sesame"}).status_code == 302
    )


def test_who_guesses_from_many_addresses_has_few_tries_from_each(settings: Any) -> None:
    w = locked("open sesame")
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "passphrase_wrong": "20/h/key"}
    for place in range(4):
        assert {guess(w, from_=f"192.0.2.{place}") for _ in range(5)} == {403}
    assert [guess(w, from_="192.0.2.77") for _ in range(5)] == [403] * 3 + [429] * 2
    assert [guess(w, from_="2001:db8:1:2::1"), guess(w, from_="2001:db8:1:2:ffff::9")] == [403] * 2
    assert [guess(w, from_="2001:db8:1:2::2") for _ in range(2)] == [403, 429], "one household"
    assert guess(w, from_="198.51.100.9", typed="open sesame") == 302, "whom the link is for"


def test_the_host_header_gives_no_further_tries(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    w = locked("open sesame")
    codes = [
        Client(headers={"host": f"127.0.0.1:{port}"}).post(f"/s/{w.token}/", {"passphrase": "x"}).status_code
        for port in range(8000, 8012)
    ]
    assert codes == [403] * 10 + [429] * 2


@pytest.mark.parametrize("typed", ["", " ", "\0", "\u202e", "x" * 1_000_000])
def test_any_text_as_a_passphrase_is_just_wrong(typed: str) -> None:
    w = locked("open sesame")
    response = Client().post(f"/s/{w.token}/", {"passphrase": typed})
    assert response.status_code == 403
    assert says_nothing(response)


# --- what it does not show ---


def test_a_prompt_made_private_leaves_the_link_unless_it_was_chosen_as_private() -> None:
    w = world(Visibility.PUBLIC)
    ShareLink.objects.all().delete()
    _, token = create_link(alice(), PromptChoice("For Bob", [w.prompt]))
    assert TITLE in read_page(Client().get(f"/s/{token}/"))
    Prompt.objects.update(visibility=Visibility.PRIVATE)
    assert says_nothing(Client().get(f"/s/{token}/"))
    is_nowhere(Client().get(f"/s/{token}/notary/"))


@pytest.mark.parametrize("other", [Visibility.PRIVATE, Visibility.UNLISTED, Visibility.PUBLIC])
def test_other_prompts_of_the_author_are_not_below_the_link(other: str) -> None:
    w = world()
    hidden = PromptFactory(owner=alice(), slug="hidden", title="Not chosen", visibility=other)
    VersionFactory(prompt=hidden)
    is_nowhere(Client().get(f"/s/{w.token}/hidden/"))
    is_nowhere(Client().get(f"/s/{w.token}/hidden.md"))
    assert "Not chosen" not in read_page(Client().get(f"/s/{w.token}/"))


@pytest.mark.parametrize(
    "place",
    ["notary", "notary/../hidden/", "notary/../../studio/", "../studio/", "studio/", "notary//", "NOTARY/",
     "notary/results/nothere/", "notary/v99/", "@alice/", "%00/", "\u202e/", ".md", "notary.exe"],
)  # fmt: skip
def test_nothing_but_the_prompts_own_pages_is_below_the_link(place: str) -> None:
    w = world()
    PromptFactory(owner=alice(), slug="hidden", title="Not chosen")
    response = Client().get(f"/s/{w.token}/{place}")
    assert response.status_code in (404, 302) or TITLE in read_page(response)
    assert "Not chosen" not in read_page(response)


@pytest.mark.parametrize("place", ["notary", "notary/interview", "notary/results?state=failed"])
def test_an_address_without_its_last_slash_leads_on(place: str) -> None:
    w = world()
    response = Client().get(f"/s/{w.token}/{place}")
    path, _, query = place.partition("?")
    assert response.status_code == 302
    assert response.headers["Location"] == f"/s/{w.token}/{path}/" + (f"?{query}" if query else "")
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_practice_is_not_shown_to_the_recipient() -> None:
    w = world()
    w.run.source = "practice"
    w.run.save()
    is_nowhere(Client().get(f"/s/{w.token}/notary/results/{w.result.public_id}/"))


def test_the_link_shows_work_of_a_private_profile_to_its_recipient_only() -> None:
    """The profile is hidden from everybody; a link is its author's word to one person."""
    w = world(Visibility.PUBLIC, profile=Profile.Visibility.PRIVATE)
    for address in everything(w):
        assert Client().get(address).status_code == 200
    assert Client().get("/@alice/").status_code == 404
    assert Client().get("/@alice/notary/").status_code == 404


def test_a_private_prompt_is_still_nowhere_else() -> None:
    w = world(Visibility.PRIVATE)
    reader = Client(headers={"user-agent": CHROME})
    assert reader.get(f"/s/{w.token}/notary/").status_code == 200
    for address in ("/@alice/notary/", "/@alice/notary.md", "/prompts/?q=quagga", "/@alice/"):
        assert says_nothing(reader.get(address)), address


# --- the address ---


def test_the_token_is_stored_nowhere_in_clear() -> None:
    cache.clear()
    maker = client_of(alice())
    world()
    data = {"label": "For Bob", "prompts": ["notary"], "expires": "30"}
    page = read_page(maker.post("/studio/links/new/", data, follow=True))
    token = page.split("/s/")[1].split("/")[0]
    assert Client().get(f"/s/{token}/").status_code == 200
    for model in apps.get_models():
        for row in model._default_manager.values():
            assert token not in str(row), model
    again = read_page(maker.get(ShareLink.objects.first().get_absolute_url()))  # type: ignore[union-attr]
    assert token not in again


def test_before_it_is_shown_the_address_waits_encrypted() -> None:
    world()
    maker = client_of(alice())
    maker.post("/studio/links/new/", {"label": "For Bob", "prompts": ["notary"], "expires": "30"})
    kept = maker.session["new_share_address"]["token"]
    assert not ShareLink.objects.with_token(kept).exists()


# --- opens ---


def opened() -> int:
    return sum(ShareLinkOpens.objects.values_list("count", flat=True))


def test_an_open_is_counted_once_for_the_day() -> None:
    w = world()
    reader = Client(headers={"user-agent": CHROME})
    for expected in (1, 2, 3):
        reader.get(f"/s/{w.token}/")
        assert opened() == expected
    row = ShareLinkOpens.objects.get()
    assert (row.link, row.day) == (w.link, timezone.now().date())
    reader.get(f"/s/{w.token}/notary/")
    assert opened() == 3


def test_nothing_of_the_visitor_is_kept() -> None:
    w = world()
    response = Client(headers={"user-agent": CHROME}).get(f"/s/{w.token}/")
    assert not response.cookies
    assert {field.name for field in ShareLinkOpens._meta.get_fields()} == {"id", "link", "day", "count"}


@pytest.mark.parametrize(
    "agent",
    ["", "Slackbot-LinkExpanding 1.0", "Mozilla/5.0 (compatible; Discordbot/2.0)", "WhatsApp/2.23.20.0",
     "facebookexternalhit/1.1", "LinkedInBot/1.0", "TelegramBot (like TwitterBot)", "Googlebot/2.1",
     "Mozilla/5.0 (Windows NT) SkypeUriPreview Preview/0.5", "curl/8.1"],
)  # fmt: skip
def test_programs_that_only_draw_a_preview_are_not_counted(agent: str) -> None:
    w = world()
    assert Client(headers={"user-agent": agent}).get(f"/s/{w.token}/").status_code == 200
    assert opened() == 0


def test_head_guesses_and_the_author_are_not_counted() -> None:
    w = world()
    reader = Client(headers={"user-agent": CHROME})
    reader.head(f"/s/{w.token}/")
    for guess in ({"sec-purpose": "prefetch;prerender"}, {"x-moz": "prefetch"}, {"x-purpose": "preview"}):
        reader.get(f"/s/{w.token}/", headers=guess)
    client_of(alice()).get(f"/s/{w.token}/", headers={"user-agent": CHROME})
    client_of(alice()).get(f"/studio/links/{w.link.public_id}/preview/", headers={"user-agent": CHROME})
    assert opened() == 0
    client_of(bob()).get(f"/s/{w.token}/", headers={"user-agent": CHROME})
    assert opened() == 1


# --- the preview ---


def test_the_preview_is_what_the_recipient_sees() -> None:
    w = world(Visibility.PRIVATE)
    mine, theirs = f"/studio/links/{w.link.public_id}/preview/", f"/s/{w.token}/"
    for place in ["", *places(w)]:
        preview = client_of(alice()).get(mine + place)
        shown = Client().get(theirs + place)
        assert preview.status_code == shown.status_code == 200
        assert _without_chrome(preview, mine) == _without_chrome(shown, theirs), place
        assert is_noindex(preview)


def _without_chrome(response: Any, base: str) -> str:
    text = read_page(response).replace(base, "/base/")
    start, end = text.find('<div class="sample"><div class="wrap"><p>A preview'), -1
    if start >= 0:
        end = text.find("</div></div>", start) + len("</div></div>")
        text = text[:start] + text[end:]
    return "\n".join(line for line in text.splitlines() if line.strip())
