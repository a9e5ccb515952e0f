"""/studio/prompts/<slug>/private/: marking a text as private, its label, its reveal, and taking it back."""

import json
from hashlib import sha256
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.prompts.private_parts import MOST_SPANS, add_span, rename_span
from prompts_app.engine.errors import Refused
from prompts_app.engine.reveals import read_reveals
from prompts_app.models import PrivateSpan, Prompt, SearchDocument
from prompts_app.search import reindex
from prompts_app.tests.factories import (
    CaseFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

RULE = "Never promise a refund above 40 euros unless the shift leader agreed"


@pytest.fixture
def prompt() -> Prompt:
    prompt: Prompt = PromptFactory(owner=alice(), slug="desk", title="Refund desk", visibility="public")
    VersionFactory(prompt=prompt, messages=[{"role": "system", "content": f"Be kind.\n\n{RULE}."}])
    return prompt


def page(slug: str = "desk") -> str:
    return reverse("studio_private", args=[slug])


def mark(text: str = RULE, label: str = "client rule", **more: str) -> str:
    response = client_of(alice()).post(page(), {"text": text, "label": label, **more}, follow=True)
    return unescape(read_page(response))


def test_a_text_is_marked_and_visitors_read_the_label(prompt: Prompt) -> None:
    assert "Masked from this moment" in mark()
    span = prompt.private_spans.get()
    assert span.digest == sha256((span.salt + RULE).encode()).hexdigest()
    assert len(span.salt) == 32
    seen = read_page(Client().get(prompt.get_absolute_url()))
    assert RULE not in seen
    assert f"[client rule, 12 words]#{span.digest[:8]}</a>." in seen
    assert span.digest in seen
    assert span.salt not in seen


def test_looking_first_shows_where_it_stands_and_marks_nothing(prompt: Prompt) -> None:
    CaseFactory(prompt=prompt, variables={"word": f"{RULE.upper()}!"})
    run = RunFactory(version=prompt.versions.get(), model="elm")
    ResultFactory(run=run, case_index=0, output=f"I was told: {RULE}. So no.")
    said = mark(look="1")
    assert "It stands in 3 places." in said
    assert "output of v1 on elm, case 1" in said
    assert "case 1, word" in said
    assert "I was told: <span" in said
    assert not prompt.private_spans.exists()
    assert f"{RULE}</textarea>" in said


def test_a_text_that_stands_nowhere_yet_may_be_marked_before_it_is_written(prompt: Prompt) -> None:
    assert "It stands nowhere in this prompt yet." in mark("The price of the lamp is 12 euros", look="1")
    mark("The price of the lamp is 12 euros", "price")
    VersionFactory(
        prompt=prompt, number=2, messages=[{"role": "user", "content": "The price of the lamp is 12 euros."}]
    )
    assert "lamp" not in read_page(Client().get(prompt.get_absolute_url()))


def test_the_same_text_in_another_prompt_of_the_author_is_named(prompt: Prompt) -> None:
    other = PromptFactory(owner=alice(), title="Night desk")
    VersionFactory(prompt=other, messages=[{"role": "user", "content": RULE.lower()}])
    assert "It also stands in 1 other prompt of yours" in mark(look="1")
    add_span(other, "rule", RULE)
    assert "It also stands" not in mark(look="1")


def test_a_paragraph_can_be_taken_over(prompt: Prompt) -> None:
    said = read_page(client_of(alice()).get(page()))
    assert "?take=0#mark" in said
    assert f"{RULE}.</textarea>" in read_page(client_of(alice()).get(page() + "?take=0"))
    for odd in ("99", "x", "-1"):
        assert client_of(alice()).get(page() + f"?take={odd}").status_code == 200


@pytest.mark.parametrize(
    ("text", "label", "said"),
    [
        ("short", "rule", "Too short"),
        ("", "rule", "Paste the text"),
        (RULE, "", "Say what kind of thing it is"),
        (RULE, "never promise a refund above 40 euros u", "The label gives the text away"),
        ("refund desk rules", "refund desk rules", "The label gives the text away"),
        (RULE, "rule]#00000000", "letters, digits, spaces and hyphens"),
        (RULE, "<b>rule</b>", "letters, digits, spaces and hyphens"),
        (RULE, "rule\u200b", "invisible character"),
        (RULE, "\u202erule", "invisible character"),
        (RULE, "r" * 41, "At most 40 characters"),
        ("x" * 8_001, "rule", "At most 8,000 characters"),
        ("a [rule, 3 words]#0123abcd here", "rule", "label of a private part"),
        ("Alice Author", "name", "your profile’s name"),
        ("nul\x00 in the text", "rule", "NUL"),
    ],
)  # fmt: skip
def test_what_cannot_be_private_is_refused_and_stays_typed(
    prompt: Prompt, text: str, label: str, said: str
) -> None:
    response = client_of(alice()).post(page(), {"text": text, "label": label})
    assert response.status_code == 422
    assert said in unescape(read_page(response))
    assert not PrivateSpan.objects.exists()


def test_what_is_public_in_itself_is_refused(prompt: Prompt) -> None:
    RunFactory(version=prompt.versions.get(), model="acme-internal-model")
    with pytest.raises(Refused, match="the name of the model"):
        add_span(prompt, "model", "Acme internal model")
    Prompt.objects.filter(pk=prompt.pk).update(slug="acme-refund-desk")
    prompt.refresh_from_db()
    with pytest.raises(Refused, match="address"):
        add_span(prompt, "name", "Acme Refund")


@pytest.mark.parametrize(
    "typed",
    [{"tags": "json, grimbaldi-lamps"}, {"slug": "grimbaldi-lamps"}, {"target_model": "Grimbaldi Lamps 2"}],
)
def test_nor_is_what_is_never_masked_changed_to_say_it(prompt: Prompt, typed: dict[str, str]) -> None:
    add_span(prompt, "name", "Grimbaldi Lamps")
    columns = {"title": prompt.title, "slug": prompt.slug, "task": prompt.task, "licence": prompt.licence}
    data = {**columns, "revision": prompt.revision, "tags": "json", "do": "save", **typed}
    said = read_page(client_of(alice()).post(f"/studio/prompts/{prompt.slug}/details/", data))
    assert "This says what one of the private parts hides" in said
    assert "rimbaldi" in said  # what was typed stays
    prompt.refresh_from_db()
    assert (prompt.slug, prompt.target_model, prompt.tags.count()) == (columns["slug"], "", 0)


def test_the_same_text_twice_and_too_many_are_refused(prompt: Prompt) -> None:
    add_span(prompt, "rule", RULE)
    with pytest.raises(Refused, match="private already"):
        add_span(prompt, "again", f"  {RULE}\r\n")
    for number in range(MOST_SPANS - 1):
        add_span(prompt, "thing", f"another private thing, number {number:03}")
    with pytest.raises(Refused, match="at most"):
        add_span(prompt, "thing", "one private thing too many")


def test_a_label_is_renamed_and_the_hash_stays(prompt: Prompt) -> None:
    span = add_span(prompt, "rule", RULE)
    address = reverse("studio_private_part", args=["desk", span.public_id])
    assert client_of(alice()).post(address, {"label": "house rule"}).status_code == 302
    seen = read_page(Client().get(prompt.get_absolute_url()))
    assert f"[house rule, 12 words]#{span.digest[:8]}" in seen
    response = client_of(alice()).post(address, {"label": "<i>"})
    assert response.status_code == 422
    with pytest.raises(Refused):
        rename_span(span, RULE[:39])


def test_the_reveal_is_a_block_that_can_be_sent(prompt: Prompt) -> None:
    span = add_span(prompt, "rule", RULE)
    run = RunFactory(version=prompt.versions.get())
    ResultFactory(run=run, case_index=0, output=RULE.upper())
    said = read_page(client_of(alice()).get(reverse("studio_private_part", args=["desk", span.public_id])))
    block = unescape(said.split('id="reveal-block"')[1].split(">", 1)[1].split("</pre>")[0])
    (reveal,) = read_reveals(json.loads(block))
    assert (reveal.text, reveal.salt, reveal.digest) == (RULE, span.salt, span.digest)
    assert reveal.forms == (RULE.upper(),)


def test_making_it_visible_again_is_asked_first(prompt: Prompt) -> None:
    span = add_span(prompt, "rule", RULE)
    address = reverse("studio_private_remove", args=["desk", span.public_id])
    said = read_page(client_of(alice()).get(address))
    assert "This text becomes visible" in said
    assert prompt.private_spans.exists()
    client_of(alice()).post(address)
    assert RULE in read_page(Client().get(prompt.get_absolute_url()))


def test_search_finds_it_only_while_it_is_not_private(prompt: Prompt) -> None:
    reindex([prompt])

    def find() -> bool:
        return b"Refund desk" in Client().get("/prompts/?q=leader").content

    assert find()
    span = add_span(prompt, "rule", RULE)
    assert not find()
    assert "[rule, 12 words]" in SearchDocument.objects.get(prompt=prompt).body
    client_of(alice()).post(reverse("studio_private_remove", args=["desk", span.public_id]))
    assert find()


def test_publishing_says_how_many_are_masked(prompt: Prompt) -> None:
    address = reverse("studio_publish", args=["desk"])
    assert "all of the above is read as it stands" in read_page(client_of(alice()).get(address))
    add_span(prompt, "rule", RULE)
    assert "1 is masked everywhere" in read_page(client_of(alice()).get(address))


def test_forks_of_others_are_told_of(prompt: Prompt) -> None:
    PromptFactory(owner=bob(), forked_from=prompt.versions.get())
    assert "1 fork of this prompt belongs to others" in read_page(client_of(alice()).get(page()))


@pytest.mark.parametrize("name", ["studio_private_part", "studio_private_remove"])
def test_of_somebody_else_there_is_nothing(name: str, prompt: Prompt) -> None:
    span = add_span(prompt, "rule", RULE)
    for method in ("get", "post"):
        response = getattr(client_of(bob()), method)(
            reverse(name, args=["desk", span.public_id]), {"label": "x"}
        )
        assert response.status_code == 404
    assert client_of(bob()).get(page()).status_code == 404
    assert prompt.private_spans.get().label == "rule"


def test_the_public_page_tells_its_author_what_they_are_reading(prompt: Prompt) -> None:
    add_span(prompt, "rule", RULE)
    mine = client_of(alice())
    assert "You read this page as visitors do." in read_page(mine.get(prompt.get_absolute_url()))
    full = mine.get(prompt.get_absolute_url() + "?private=shown")
    assert "You read this page in full." in read_page(full)
    assert RULE in read_page(full)
    assert full.headers["Cache-Control"] == "private, no-store"
    assert RULE not in read_page(Client().get(prompt.get_absolute_url() + "?private=shown"))


@pytest.mark.parametrize("text", ["Classification", "How do we know?", "Refund desk"])
def test_a_private_part_that_is_a_word_of_the_page_breaks_none(prompt: Prompt, text: str) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(task="classification")
    add_span(prompt, "word", text)
    for address in (prompt.get_absolute_url(), f"{prompt.stem}.json", "/prompts/", "/@alice/"):
        assert Client().get(address).status_code == 200


def test_a_page_takes_no_more_queries_for_more_private_parts(prompt: Prompt, count_queries: object) -> None:
    counts = []
    for number in (1, 10):
        while prompt.private_spans.count() < number:
            add_span(prompt, "thing", f"a private thing with the number {prompt.private_spans.count():03}")
        counts.append(count_queries(lambda: Client().get(prompt.get_absolute_url())))  # type: ignore[operator]
    assert counts[0] == counts[1]
