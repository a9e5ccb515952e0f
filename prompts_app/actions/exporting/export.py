"""Prompts as files: what the raw addresses, the studio and ``export_prompts`` hand out."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from django.db.models import QuerySet

from prompts_app.actions.exporting.job import bundle_in_parts
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion, markdown, skill
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.formats.types import NotedFailure
from prompts_app.engine.types import CaseContent, Json
from prompts_app.engine.vendors import with_settings
from prompts_app.evidence.known_failures import shelf_of
from prompts_app.evidence.origin import credit_of
from prompts_app.evidence.records import Records
from prompts_app.models import Prompt, Run, User, Version
from prompts_app.models.endpoints import RESPONSES

# One file a prompt, under its slug; a bundle is one file for all of them.
EXTENSIONS = {"bundle": "json", "promptfoo": "promptfoo.yaml", "messages": "json", "md": "md"}


def as_markdown(prompt: Prompt) -> str:
    """The current version as Markdown that can be imported again."""
    return markdown.emit(replace(_imported(prompt), known_failures=noted_failures(prompt)))


def as_messages(prompt: Prompt) -> str:
    """The current version as a Chat Completions body, with its title."""
    version = _imported(prompt).versions[-1].prompt
    body: dict[str, Json] = {
        "title": prompt.title,
        "messages": [{"role": m.role, "content": m.content} for m in version.messages],
        **version.parameters,
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def as_promptfoo(prompt: Prompt, remark: str = "") -> str:
    """All versions and cases as a promptfoo configuration, for the models it was run on."""
    versions = sorted(prompt.versions.all(), key=lambda version: version.number)
    if not versions:
        raise Refused("nothing_to_export", f"“{prompt.title}” has no version yet.")
    models = Run.objects.that_count().answered().filter(prompt=prompt).order_by("-created_at", "pk")
    asked = list(models.values_list("model", "settings", "api"))
    apis = {model: api for model, _, api in reversed(asked)}  # the newest run's
    names = dict.fromkeys(model for model, _, _ in asked)
    if columns := list(
        dict.fromkeys(with_settings(model, settings) for model, settings, _ in asked if settings)
    ):
        remark = f"{remark} Not carried, set them by hand: {'; '.join(columns)}.".strip()
    whole = _with(prompt, versions, cases=prompt.suite())
    return write_config(whole, names, remark, [model for model, api in apis.items() if api == RESPONSES])


def as_skill(prompt: Prompt) -> bytes:
    """The current version as a zip of a skill's folder, the cases as its evals. Raises Refused."""
    return skill.emit(replace(_imported(prompt), cases=prompt.suite()))


def _imported(prompt: Prompt) -> ImportedPrompt:
    version = prompt.latest_version
    if version is None:
        raise Refused("nothing_to_export", f"“{prompt.title}” has no version yet.")
    return _with(prompt, [version])


def noted_failures(prompt: Prompt) -> tuple[NotedFailure, ...]:
    """The failure shelf in words, as visitors see it."""
    return tuple(
        NotedFailure(
            case=item.name or f"case {item.failure.number}",
            found_in=f"{item.failure.run.version} on {item.failure.run.named},"
            f" {item.before.passing}/{item.before.repeats} repeats pass",
            diagnosis=item.failure.diagnosis,
            fix=f"{item.fix.version}: {item.fix.words}" if item.fix else "still open",
        )
        for item in shelf_of(Records(prompt))
    )


def _with(prompt: Prompt, versions: Sequence[Version], cases: tuple[CaseContent, ...] = ()) -> ImportedPrompt:
    return ImportedPrompt(
        title=prompt.title,
        versions=tuple(ImportedVersion(version.as_engine(), version.note) for version in versions),
        summary=prompt.summary,
        task=str(prompt.task),  # a row that was just made holds the choice itself
        tags=tuple(sorted(tag.name for tag in prompt.tags.all())),
        licence=str(prompt.licence),
        cases=cases,
        source=prompt.source,
        forked_from=credit_of(prompt),
    )


WRITERS: dict[str, Callable[[Prompt], str]] = {
    "messages": as_messages,
    "md": as_markdown,
    "promptfoo": as_promptfoo,
}


def export(owner: User, prompts: QuerySet[Prompt], kind: str) -> Iterator[tuple[str, Iterable[str]]]:
    """For the author: each file's name, and its text piece by piece; no two prompts are in memory at once.
    ``kind`` is a key of EXTENSIONS. Raises Refused."""
    slugs = dict(prompts.order_by("slug").values_list("pk", "slug"))
    if not slugs:
        raise Refused("nothing_to_export", "There is no prompt to export.")
    if kind == "bundle":
        name = next(iter(slugs.values())) if len(slugs) == 1 else owner.handle
        yield f"{name}.json", bundle_in_parts(owner, list(slugs))
        return
    for key, slug in slugs.items():
        yield f"{slug}.{EXTENSIONS[kind]}", [WRITERS[kind](Prompt.objects.get(pk=key))]
