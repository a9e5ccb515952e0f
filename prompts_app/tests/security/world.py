"""One small world for the security tests: Alice's prompt with one of everything that hangs on a prompt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from prompts_app.actions.importing.job import keep_file
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.formats.parsed_file import read_file
from prompts_app.models import (
    Batch,
    Case,
    Endpoint,
    FormerHandle,
    FormerSlug,
    Import,
    Profile,
    Prompt,
    Result,
    Run,
    ShareLink,
    Source,
    Tag,
    Version,
    Visibility,
)
from prompts_app.search import reindex
from prompts_app.tests.factories import (
    CaseFactory,
    EndpointFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.people import alice

TITLE = "Quagga ledger notary"
MARKS = [
    TITLE,
    "quokka-in-the-summary",
    "quokka-in-the-message",
    "quokka-in-the-output",
    "quokka-in-the-case",
    "quokka-in-the-label",
    "quokka-in-the-note",
]


@dataclass
class World:
    """Everything of one prompt, so that any address can be made from it."""

    prompt: Prompt
    version: Version
    case: Case
    endpoint: Endpoint
    batch: Batch
    run: Run
    result: Result
    pasted: Run
    import_draft: Import
    link: ShareLink
    token: str


def world(visibility: str = Visibility.PUBLIC, profile: str = Profile.Visibility.PUBLIC) -> World:
    """Alice's world with her prompt and her profile as said."""
    w = _fresh(STANDING[-1]) if STANDING else build_world()
    Profile.objects.filter(user=w.prompt.owner).update(visibility=profile)
    Prompt.objects.filter(pk=w.prompt.pk).update(
        visibility=visibility, published_at=None if visibility == Visibility.PRIVATE else timezone.now()
    )
    # Its author ticks "although it is private" only for what is private.
    w.link.chosen.update(although_private=visibility == Visibility.PRIVATE)
    w.prompt.refresh_from_db()
    return w


# The world that stands in the database while a whole file of tests is run; see conftest.py.
STANDING: list[World] = []


def _fresh(w: World) -> World:
    """The same rows, read again: what an earlier test did to the objects is not in them."""
    rows = {name: row for name, row in vars(w).items() if isinstance(row, Model)}
    again: dict[str, Any] = {name: type(row)._default_manager.get(pk=row.pk) for name, row in rows.items()}
    return replace(w, **again)


def build_world() -> World:
    """Everything public. It takes a hundred queries and more, so `world` builds it only where none stands."""
    owner = alice()
    FormerHandle.objects.get_or_create(handle="alicia", user=owner)
    prompt = PromptFactory(
        owner=owner,
        slug="notary",
        title=TITLE,
        summary="quokka-in-the-summary",
        visibility=Visibility.PUBLIC,
        published_at=timezone.now(),
    )
    prompt.tags.add(Tag.objects.get_or_create(name="ledgers")[0])
    FormerSlug.objects.create(owner=owner, slug="old-notary", prompt=prompt)
    version = VersionFactory(
        prompt=prompt, messages=[{"role": "user", "content": "quokka-in-the-message {{word}}"}]
    )
    case = CaseFactory(prompt=prompt, name="quokka-in-the-case")
    made = _tested(prompt, version, EndpointFactory(owner=owner))
    reindex([prompt])
    prompt.refresh_from_db()
    data = b"# A title\n\nSay {{word}}.\n"
    draft = keep_file(owner, "one.md", data, read_file("one.md", data))
    link, token = create_link(
        owner, PromptChoice("quokka-in-the-label", [prompt], note="quokka-in-the-note", although_private=True)
    )
    return World(prompt, version, case, *made, import_draft=draft, link=link, token=token)


def _tested(prompt: Prompt, version: Version, endpoint: Endpoint) -> tuple[Endpoint, Batch, Run, Result, Run]:
    """One finished, recorded, counted and sealed run; and one whose outputs were pasted."""
    batch = Batch.objects.create(prompt=prompt)
    suite = prompt.suite()
    run = RunFactory(
        version=version,
        batch=batch,
        endpoint=endpoint,
        suite=[case_json(case) for case in suite],
        suite_digest=suite_digest(suite),
        finished_at=timezone.now(),
    )
    result = ResultFactory(
        run=run,
        case_index=0,
        output="quokka-in-the-output",
        checks=[{"type": "contains", "value": "yes", "passed": True, "score": 1.0, "reason": "found"}],
    )
    pasted = RunFactory(version=version, source=Source.PASTED, suite=run.suite, suite_digest=run.suite_digest)
    ResultFactory(run=pasted, case_index=0)
    for one in (run, pasted):
        count_run(one)
    seal_run(run)
    rebuild_evidence(prompt)
    return endpoint, batch, run, result, pasted


def named_urls(patterns: list[URLPattern | URLResolver] | None = None, space: str = "") -> Iterator[str]:
    """The name of every address of the site; those of the admin as ``admin:…``."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from named_urls(pattern.url_patterns, inner)
        elif pattern.name:
            yield space + pattern.name


class Tags(HTMLParser):
    """The tags of a page, each as (name, attributes); its scripts without a source; all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline_scripts: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script" and "src" not in dict(attrs):
            self.inline_scripts.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]
