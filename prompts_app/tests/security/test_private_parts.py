"""A private part is read by its author alone: no word of it at any address, in any list, file or picture."""

import json
from dataclasses import asdict
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.pictures.cards import Card
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.models import Profile, Prompt, Result, SearchDocument, Visibility
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana
from prompts_app.tests.security.addresses import TABLE, Rule, names
from prompts_app.tests.security.hidden import LABEL, SHORT, TEXT, WORDS, hide
from prompts_app.tests.security.test_visibility import OWNER, READER, STRANGER, browser
from prompts_app.tests.security.world import STANDING, World, world

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

QUERIES = {
    "prompt": (
        "?show=all",
        "?show=passes",
        "?show=errors",
        "?case=1",
        "?case=5",
        "?case=9",
        "?case=14",
        "?fill=1",
    ),
    "version": ("?show=passes", "?show=errors"),
    "compare": ("?page=2",),
    "profile": ("?print",),
    "browse": ("?sort=newest", "?model=test-model"),
}


@pytest.fixture(scope="module", autouse=True)
def hidden_everywhere(standing_world: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        hide(STANDING[-1])


@pytest.fixture
def w() -> World:
    return world(Visibility.PUBLIC)


@pytest.fixture(autouse=True)
def cards_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a card is drawn from, in the place of the picture."""
    monkeypatch.setattr(Card, "png", lambda card: json.dumps(asdict(card)).encode())


def words_in(response: Any) -> list[str]:
    """The private words a response says, in its headers or its content, however they are written."""
    text = f"{response.headers} {response.getvalue().decode('utf-8', 'replace')}".casefold()
    ways = (text, unescape(text), unquote(text), text.replace("\\n", " "))
    return [word for word in (*WORDS, *SHORT.casefold().split()) if any(word in way for way in ways)]


def of_the_prompt(w: World) -> list[str]:
    """Every public address of it, every result, record and comparison."""
    rows = {name: TABLE[name] for name in names(Rule.PROMPT)}
    owner, slug = w.prompt.owner.handle, w.prompt.slug
    found = [
        reverse(name, args=row.args(w)) + query
        for name, row in rows.items()
        for query in ("", *QUERIES.get(name, ()))
    ]
    results = Result.objects.filter(run=w.run).values_list("public_id", flat=True)
    found += [reverse("result", args=[owner, slug, result]) for result in results]
    found += [
        reverse("run_record", args=[owner, slug, run.public_id])
        for run in w.prompt.runs.all()
        if run.sealed_at
    ]
    found += [reverse("version", args=[owner, slug, version.number]) for version in w.prompt.versions.all()]
    return list(dict.fromkeys(found))


def everywhere(w: World) -> list[str]:
    """And every other page anybody may open."""
    rows = {name: TABLE[name] for name in names(Rule.AUTHOR, Rule.OPEN)}
    found = [
        reverse(name, args=row.args(w)) + query
        for name, row in rows.items()
        for query in ("", *QUERIES.get(name, ()))
    ]
    oembed = reverse("oembed") + "?url=http://localhost:8000" + w.prompt.get_absolute_url()
    return [*of_the_prompt(w), *found, oembed]


@pytest.mark.parametrize("viewer", [STRANGER, READER, OWNER])
def test_no_word_of_it_at_any_public_address(viewer: str, w: World) -> None:
    """The author too reads public pages as visitors do; and what is read masked is never written back."""
    client, masked = browser(viewer), 0
    addresses = list(everywhere(w))  # which makes what some of them are of
    before = as_stored(w)
    for address in addresses:
        response = client.get(address)
        assert response.status_code != 500, address
        if viewer == OWNER and address.endswith("/fork/"):
            continue  # a form that refuses one's own prompt, and names it
        assert not words_in(response), address
        masked += LABEL in response.getvalue().decode("utf-8", "replace")
    assert masked > 30
    assert as_stored(w) == before


def as_stored(w: World) -> list[Any]:
    prompt = Prompt.objects.filter(pk=w.prompt.pk).values("title", "summary", "evidence")
    return [*prompt, *w.prompt.versions.values()]


def test_every_page_of_the_prompt_shows_the_label_instead(w: World) -> None:
    for name in ("prompt", "version", "result", "random", "compare", "prompt_md", "prompt_json", "run_record",
                 "prompt_promptfoo", "interview"):  # fmt: skip
        response = Client().get(reverse(name, args=TABLE[name].args(w)))
        assert response.status_code == 200
        assert f"[{LABEL}, {len(WORDS)} words]#" in unescape(read_page(response)).replace("</span>", ""), name


@pytest.mark.parametrize(
    ("viewer", "visibility"),
    [(STRANGER, Visibility.PRIVATE), (READER, Visibility.PUBLIC), (OWNER, Visibility.PUBLIC)],
)
def test_no_word_of_it_below_a_share_link(visibility: str, viewer: str, w: World) -> None:
    addresses = of_the_prompt(w)
    Prompt.objects.filter(pk=w.prompt.pk).update(visibility=visibility)
    w.link.chosen.update(although_private=True)
    base, own = f"/s/{w.token}/", w.prompt.get_absolute_url()
    client = browser(viewer)
    assert not words_in(client.get(base))
    opened = 0
    for address in addresses:
        below = base + w.prompt.slug + address.removeprefix(own.rstrip("/"))
        response = client.get(below)
        assert not words_in(response), below
        opened += response.status_code == 200
    assert opened > 20


def test_its_author_previews_what_the_recipient_reads(w: World) -> None:
    base = reverse("studio_link_preview", args=[w.link.public_id])
    client = client_of(alice())
    for place in ("", "notary/", "notary.json", f"notary/results/{w.result.public_id}/"):
        response = client.get(base + place)
        assert response.status_code == 200
        assert not words_in(response), place


def test_no_word_of_it_for_a_reader_anywhere_else(w: World) -> None:
    for name, row in TABLE.items():
        address = reverse(name, args=row.args(w))
        for method in ("get", "post"):
            assert not words_in(getattr(client_of(bob()), method)(address, row.data)), name


def test_searching_for_it_finds_nothing(w: World) -> None:
    for viewer in (STRANGER, READER, OWNER):
        assert f"/@alice/{w.prompt.slug}/" in read_page(browser(viewer).get("/prompts/?q=shorter"))
        for word in WORDS:
            page = read_page(browser(viewer).get("/prompts/", {"q": word}))
            assert f"/@alice/{w.prompt.slug}/" not in page, word
    document = SearchDocument.objects.get(prompt=w.prompt)
    said = f"{document.title} {document.summary} {document.body}".casefold()
    assert not [word for word in WORDS if word in said]


def test_who_types_it_gets_no_hint_that_it_is_right(w: World) -> None:
    for address in (f"/prompts/?q={TEXT}", f"{w.prompt.get_absolute_url()}?fill=1&var.word={TEXT}"):
        assert Client().get(address).status_code == 200


@pytest.mark.parametrize("guess", [TEXT, "something else altogether"])
def test_who_writes_it_elsewhere_gets_no_hint_and_breaks_no_page(guess: str, w: World) -> None:
    """Another's prompt, a fork, an origin or a name with a guess in it stands on the same pages."""
    version = VersionFactory(prompt__owner=dana(), prompt__title=guess, prompt__visibility="public")
    PromptFactory(owner=dana(), title=guess, visibility="public", forked_from=w.version)
    Prompt.objects.filter(pk=w.prompt.pk).update(forked_from=version)
    Profile.objects.filter(user=dana()).update(name=guess[:80])
    for address in ("/", "/prompts/", "/feed.atom", "/@alice/", "/@alice/feed.atom", "/@dana/",
                    w.prompt.get_absolute_url(), f"{w.prompt.stem}.json"):  # fmt: skip
        assert Client().get(address).status_code == 200, address


def test_its_author_reads_it_in_the_studio(w: World) -> None:
    client = client_of(alice())
    for name in ("studio_prompt", "studio_case", "studio_prompt_details", "studio_batch"):
        response = client.get(reverse(name, args=TABLE[name].args(w)))
        assert response.status_code == 200
        assert words_in(response), name


def test_its_author_may_ask_to_read_a_public_page_in_full(w: World) -> None:
    address = w.prompt.get_absolute_url() + "?private=shown"
    assert words_in(client_of(alice()).get(address))
    for viewer in (STRANGER, READER):
        assert not words_in(browser(viewer).get(address))


def test_a_fork_begins_with_what_its_owner_could_read(w: World) -> None:
    address = reverse("fork", args=["alice", w.prompt.slug])
    response = client_of(bob()).post(address, {"title": "Mine", "with_cases": "on"}, follow=True)
    assert not words_in(response)
    fork = Prompt.objects.get(owner=bob())
    said = str([*fork.versions.values(), *fork.cases.values(), fork.summary]).casefold()
    assert not [word for word in WORDS if word in said]


def test_another_link_of_the_same_author_hides_it_too(w: World) -> None:
    _link, token = create_link(alice(), PromptChoice("Second", [w.prompt], note=TEXT))
    assert not words_in(Client().get(f"/s/{token}/"))
    assert not words_in(Client().get(f"/s/{token}/notary/"))
