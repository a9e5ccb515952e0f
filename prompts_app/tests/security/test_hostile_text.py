"""Untrusted text through every field that public pages show: it neither runs, nor loads, nor breaks them.

Each payload goes into every field of a prompt, its author and its evidence at once, and every public
page of them is read back as a browser would.
"""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from prompts_app.models import Case, Profile, Prompt, Result, Run, Tag, Version, Visibility
from prompts_app.models.text import without_invisible
from prompts_app.search import reindex
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, client_of
from prompts_app.tests.security.addresses import TABLE, Rule, names
from prompts_app.tests.security.test_headers import keeps_to_it
from prompts_app.tests.security.world import Tags, World, world

pytestmark = pytest.mark.django_db

SCRIPTS = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></code></script><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "<img src=https://evil.example/pixel.png>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{background:url(https://evil.example/)}</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<form action=https://evil.example/><button>Sign in again</button></form>",
    "<math><mtext></mtext><mglyph><svg><mtext><style><path id='</style><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>click</a>",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![pixel](https://evil.example/pixel.png)",
    "[ref]: javascript:alert(1)\n\n[ref]",
    "<javascript:alert(1)>",
    "`<script>alert(1)</script>`",
    "{{ settings.SECRET_KEY }} {% load static %} {{word}}",
    "{{constructor.constructor('alert(1)')()}}",
    "<!--",
    "]]><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr\x09ipt>alert(1)</scr\x09ipt>",
    "\u2028alert(1)\u2029",
]
ODD = [
    "\u202e\u2066gnp.exe\u2069",  # turns the reading direction
    "a\u200b\u200d\ufeffb\u00ad",  # hides in a word
    "Z\u0351\u036b\u0343\u036a\u0302" * 30,  # zalgo
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦" * 20,
    "W" * 5_000,  # no place to break the line
    "\U000e0041\U000e0042",  # tag characters
    "\x1b[31mred\x1b[0m",
    "line\r\nline",
]
# For where the whole corpus would only say the same again.
TELLING = [
    SCRIPTS[0],
    SCRIPTS[2],
    SCRIPTS[4],
    SCRIPTS[5],
    SCRIPTS[16],
    SCRIPTS[20],
    ODD[0],
    ODD[2],
    ODD[5],
    ODD[7],
]


def poison(w: World, text: str) -> None:
    """``text`` into everything somebody typed or a model said, past the forms, as an import may put it."""
    # One line each: no form takes, and no import leaves, a character there that hides or turns the line.
    line = without_invisible(text)
    Profile.objects.filter(user=w.prompt.owner).update(
        name=line[:80],
        headline=line[:200],
        bio=text,
        location=line[:80],
        availability=line[:120],
        contact_email="a@example.com",
        links=[{"label": text, "url": "https://example.com/?" + text}, {"label": text, "url": text}],
    )
    Prompt.objects.filter(pk=w.prompt.pk).update(
        title=line[:120],
        summary=line[:300],
        situation=text,
        constraints=text,
        impact_kind="measured",
        impact=text,
        limits=text,
        source=text[:200],
    )
    tag = Tag.objects.create(name=line[:40])
    w.prompt.tags.add(tag)
    Version.objects.filter(pk=w.version.pk).update(
        messages=[{"role": "system", "content": text}, {"role": "user", "content": text + "{{word}}"}],
        variables=[{"name": "word", "default": text, "description": text}],
        parameters={"temperature": 0, text: text},
        note=text,
    )
    Case.objects.filter(pk=w.case.pk).update(
        name=text[:120],
        variables={"word": text, text: text},
        assertions=[{"type": "contains", "value": text}],
    )
    _poison_evidence(w, text)
    reindex([w.prompt])


def _poison_evidence(w: World, text: str) -> None:
    case = {
        "name": text,
        "variables": {"word": text, text: text},
        "turns": [text],
        "assertions": [{"type": "contains", "value": text}],
    }
    said = text.replace("\x00", "")
    Run.objects.filter(prompt=w.prompt).update(
        model=said[:200],
        model_answered=said[:200],
        endpoint_name=said[:60],
        endpoint_host=said[:255],
        source_note=said[:200],
        stop_reason=said[:300],
        suite=[case],
        parameters={text: text},
    )
    Result.objects.filter(run__prompt=w.prompt).update(
        output=said,
        finish_reason=said[:60],
        model=said[:200],
        response_id=said[:200],
        fingerprint=said[:200],
        request={"messages": [{"role": "user", "content": text}], text: text},
        checks=[{"type": text, "value": text, "passed": False, "score": 0.0, "reason": text}],
        passed=False,
    )
    summary = Prompt.objects.get(pk=w.prompt.pk).evidence
    Prompt.objects.filter(pk=w.prompt.pk).update(evidence=_with_text(summary, said))


def _with_text(value: Any, text: str) -> Any:
    """The summary with every model's and endpoint's name replaced."""
    if isinstance(value, dict):
        return {
            key: text if key in ("model", "model_answered", "endpoint", "vendor") else _with_text(item, text)
            for key, item in value.items()
        }
    return [_with_text(item, text) for item in value] if isinstance(value, list) else value


def addresses(w: World) -> list[str]:
    """Every public address there is, so that a new one is poisoned too."""
    rows = {name: TABLE[name] for name in names(Rule.PROMPT, Rule.AUTHOR, Rule.OPEN)}
    pages = [reverse(name, args=row.args(w)) for name, row in rows.items() if row.answers == (200,)]
    pasted = [w.prompt.owner.handle, w.prompt.slug, w.pasted.results.get().public_id]
    return [*[page for page in pages if not page.startswith("/accounts/")], reverse("result", args=pasted)]


def links_of(html: str) -> list[str]:
    tags = Tags(html)
    return [
        a.get(key) or "" for _, a in tags.tags for key in ("href", "src", "action", "content") if a.get(key)
    ]


def is_harmless_data(kind: str, body: str) -> None:
    """Well-formed, and of a kind no browser runs; a drawing has no script, no handler, no link."""
    if kind in ("application/json", "application/jwk-set+json"):
        json.loads(body)
    elif kind.endswith("xml"):
        for element in ElementTree.fromstring(body).iter():
            assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "style", "iframe")
            assert not [name for name in element.attrib if name.startswith("on")]
            assert not (element.get("href") or "").lower().startswith(("javascript:", "data:"))
    else:
        assert kind in ("text/markdown", "text/plain", "application/yaml"), kind


def is_harmless(response: Any, text: str) -> None:
    """Read as a browser reads it: the payload added no tag, no handler, no address of somebody else."""
    kind = response.headers["Content-Type"].partition(";")[0]
    assert response.status_code == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if kind.startswith("image/") and kind != "image/svg+xml":
        begins = {"image/png": b"\x89PNG", "image/webp": b"RIFF", "image/jpeg": b"\xff\xd8"}
        assert response.content.startswith(begins[kind])
        return
    if kind == "application/zip":
        assert response.content.startswith(b"PK")  # which no browser shows
        return
    body = read_page(response)
    if kind != "text/html":
        is_harmless_data(kind, body)
        return
    keeps_to_it(response)
    tags = Tags(body)
    kinds = [name for name, _ in tags.tags]
    assert not set(kinds) & {"iframe", "style", "base", "object", "embed", "math", "mglyph"}
    assert kinds.count("title") <= 1 + kinds.count("svg")
    assert not [m for m in tags.named("meta") if "http-equiv" in m]
    assert len(tags.named("h1")) == 1
    for form in tags.named("form"):
        assert (form.get("action") or "/").startswith(("/", "#", "?"))
    for link in links_of(body):
        assert not link.strip().lower().startswith(("javascript:", "data:text", "vbscript:")), link
    assert not [a for a in tags.named("img") if "evil.example" in (a.get("src") or "")]
    assert settings.SECRET_KEY not in body
    for hidden in ("\u202e", "\u2066", "\U000e0041", "\x1b", "\x00"):
        assert hidden not in tags.text
        assert not [m for m in tags.named("meta") if hidden in (m.get("content") or "")]
    if "<" in text:
        assert text not in body


@pytest.mark.parametrize("text", SCRIPTS + ODD)
def test_public_pages_show_it_as_text(text: str) -> None:
    w = world(Visibility.PUBLIC)
    poison(w, text)
    for address in addresses(w):
        response = Client().get(address)
        assert response.status_code == 200, address
        is_harmless(response, text)


@pytest.mark.parametrize("text", [*SCRIPTS, *ODD, "x\x00y", "W" * 100_000])
def test_searching_for_it_is_harmless(text: str) -> None:
    world(Visibility.PUBLIC)
    fields = ("q", "tag", "model", "task", "level", "sort", "page") if text in TELLING else ("q", "tag")
    for field in fields:
        response = Client().get(
            "/prompts/?" + urlencode({field: text[:4_000] if field != "q" else text[:30_000]})
        )
        assert response.status_code in (200, 404)
        if response.status_code == 200:
            is_harmless(response, text)


@pytest.mark.parametrize("text", [*SCRIPTS, *ODD])
def test_pages_that_are_not_there_say_it_as_text(text: str) -> None:
    for address in (f"/@{text}/", f"/@alice/{text}/", f"/{text}"):
        response = Client().get(address.replace("\x00", ""))
        assert response.status_code in (301, 404)
        assert "<" not in text or text not in read_page(response)
        keeps_to_it(response)


@pytest.mark.parametrize("text", TELLING)
def test_the_authors_own_pages_show_it_as_text(text: str) -> None:
    w = world(Visibility.PRIVATE)
    poison(w, text)
    client = client_of(alice())
    slug, case, batch = w.prompt.slug, w.case.public_id, w.batch.public_id
    rows: dict[str, list[str]] = {
        "studio": [],
        "studio_prompt": [slug],
        "studio_prompt_details": [slug],
        "studio_prompt_delete": [slug],
        "studio_publish": [slug],
        "studio_cases": [slug],
        "studio_case": [slug, case],
        "studio_paste": [slug],
        "studio_run_start": [slug],
        "studio_runs": [],
        "studio_batch": [batch],
        "studio_profile": [],
        "studio_account_delete": [],
    }
    for name, args in rows.items():
        response = client.get(reverse(name, args=args))
        assert response.status_code == 200, name
        keeps_to_it(response)
        assert "<" not in text or text not in read_page(response), name


@pytest.mark.parametrize("text", SCRIPTS)
def test_a_form_that_comes_back_shows_it_as_text(text: str) -> None:
    client = client_of(alice())
    for address, field in (("/studio/profile/", "name"), ("/studio/account/handle/", "handle")):
        response = client.post(address, {field: text, "visibility": "nonsense"})
        keeps_to_it(response)
        assert "<" not in text or text not in read_page(response)
    for address, field in (("/accounts/login/", "login"), ("/accounts/signup/", "email")):
        response = Client().post(address, {field: text})
        keeps_to_it(response)
        assert "<" not in text or text not in read_page(response)


def test_a_huge_output_is_shown_in_reasonable_time_and_size() -> None:
    w = world(Visibility.PUBLIC)
    Result.objects.filter(pk=w.result.pk).update(output="<b>&\u202e" * 200_000)
    address = reverse("result", args=["alice", "notary", w.result.public_id])
    response = Client().get(address)
    assert response.status_code == 200
    keeps_to_it(response)
    assert "<b>&" not in read_page(response)


def test_a_hostile_header_is_not_repeated() -> None:
    world(Visibility.PUBLIC)
    evil = {"referer": "https://evil.example/<script>", "user-agent": "<script>alert(1)</script>"}
    for address in ("/", "/prompts/", "/@alice/", "/accounts/login/"):
        assert "<script>alert" not in read_page(Client().get(address, headers=evil))


def test_the_page_of_a_refused_form_shows_what_was_typed_as_text() -> None:
    """Without the cookie the form is refused, and what was typed is shown to be copied; never a password."""
    client = Client(enforce_csrf_checks=True)
    typed = {"title": SCRIPTS[0], "password": PASSWORD}
    response = client.post(reverse("account_login"), typed)
    assert response.status_code == 403
    body = read_page(response)
    assert SCRIPTS[0] not in body
    assert "&lt;script&gt;" in body
    assert PASSWORD not in body
    keeps_to_it(response)
