"""Showing a prompt to others: what becomes visible, and what should not."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils import timezone

from prompts_app.actions.secrets import Finding, Text, find_secrets, unacknowledged
from prompts_app.engine import types as engine
from prompts_app.models import Profile, Prompt, Result, Run, Source, Version, Visibility
from prompts_app.search import reindex


class CannotPublish(Exception):
    """Why others may not see it yet. ``findings`` are the likely secrets nobody said anything about."""

    def __init__(self, sentence: str, findings: Collection[Finding] = ()) -> None:
        super().__init__(sentence)
        self.findings = findings


# --- publishing -----------------------------------------------------------------------------------------


def check_can_publish(prompt: Prompt, findings: Collection[Finding], harmless: Iterable[str]) -> None:
    """Raises CannotPublish. ``findings`` are ``findings_of(prompt)``, ``harmless`` the tokens of those that
    are no secrets."""
    if not prompt.versions.exists():
        raise CannotPublish("There is nothing to publish yet: write its first version.")
    if left := unacknowledged(findings, harmless):
        raise CannotPublish(
            "Something here looks like a secret. Take it out, or tick that it is none; then publish again.",
            left,
        )


def can_publish(prompt: Prompt, findings: Collection[Finding], harmless: Iterable[str]) -> bool:
    try:
        check_can_publish(prompt, findings, harmless)
    except CannotPublish:
        return False
    return True


def publish(prompt: Prompt, visibility: Visibility) -> None:
    """Let others see it, from this moment and on every address. ``visibility`` is not private."""
    _show(prompt, visibility)


def unpublish(prompt: Prompt) -> None:
    """Nobody but its author can open it from this moment, on any address."""
    _show(prompt, Visibility.PRIVATE)


def _show(prompt: Prompt, visibility: Visibility) -> None:
    prompt.visibility = visibility
    if visibility == Visibility.PUBLIC and prompt.published_at is None:
        prompt.published_at = timezone.now()
    prompt.save(update_fields=["visibility", "published_at", "updated_at"])
    reindex([prompt])


# --- what becomes visible -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visible:
    """Everything others could open. ``practice`` runs stay the author's own."""

    versions: tuple[Version, ...]
    cases: int
    runs: int
    results: int
    practice: int
    models: tuple[str, ...]
    sections: tuple[str, ...]
    failures: int  # on the shelf


def what_becomes_visible(prompt: Prompt) -> Visible:
    runs = list(prompt.runs.exclude(source=Source.PRACTICE).only("model"))
    sections = ("situation", "constraints", "impact", "limits")
    return Visible(
        versions=tuple(prompt.versions.order_by("-number")),
        cases=prompt.cases.count(),
        runs=len(runs),
        results=Result.objects.filter(run__in=runs).count(),
        practice=prompt.runs.filter(source=Source.PRACTICE).count(),
        models=tuple(sorted({run.model for run in runs})),
        sections=tuple(name for name in sections if getattr(prompt, name).strip()),
        failures=prompt.known_failures.count(),
    )


# --- what should not -----------------------------------------------------------------------------------


def findings_of(prompt: Prompt) -> list[Finding]:
    """Likely secrets in everything of the prompt that others could read: all of it is looked at."""
    return find_secrets(_texts(prompt))


def findings_in_version(content: engine.Prompt, note: str = "") -> list[Finding]:
    """Likely secrets in a version that is being written."""
    return find_secrets(_version_texts("", content, note))


def findings_in_cases(cases: Iterable[engine.Case]) -> list[Finding]:
    """Likely secrets in cases that are being written."""
    return find_secrets(
        text for number, case in enumerate(cases, 1) for text in _case_texts(f"case {number}", case)
    )


def findings_in_details(columns: Mapping[str, object]) -> list[Finding]:
    """Likely secrets in a prompt's own texts, by column."""
    return find_secrets((name, text) for name, text in columns.items() if isinstance(text, str))


def _texts(prompt: Prompt) -> Iterator[Text]:
    for name in ("title", "summary", "situation", "constraints", "impact", "limits"):
        yield name, getattr(prompt, name)
    for version in prompt.versions.order_by("number"):
        yield from _version_texts(f"{version}, ", version.as_engine(), version.note)
    for number, case in enumerate(prompt.cases.in_order().iterator(), 1):
        yield from _case_texts(f"case {number}", case.as_engine())
    for failure in prompt.known_failures.all():
        yield f"known failure, case {failure.number}", failure.diagnosis
    yield from _run_texts(prompt)


def _version_texts(where: str, content: engine.Prompt, note: str) -> Iterator[Text]:
    for number, message in enumerate(content.messages, 1):
        yield f"{where}message {number}", message.content
    for variable in content.variables:
        yield f"{where}variable {variable.name}", f"{variable.default}\n{variable.description}"
    yield f"{where}parameters", json.dumps(dict(content.parameters), ensure_ascii=False)
    yield f"{where}note", note


def _case_texts(where: str, case: engine.Case) -> Iterator[Text]:
    yield f"{where}, name", case.name
    for name, value in case.variables.items():
        yield f"{where}, {name}", value
    for number, turn in enumerate(case.turns, 1):
        yield f"{where}, turn {number}", turn
    for number, assertion in enumerate(case.assertions, 1):
        yield f"{where}, assertion {number}", json.dumps(assertion.value, ensure_ascii=False)


def _run_texts(prompt: Prompt) -> Iterator[Text]:
    """The tests as they were when it ran, which may be gone by now, and what came back."""
    runs = {run.pk: run for run in prompt.runs.exclude(source=Source.PRACTICE).select_related("version")}
    for digest, run in {run.suite_digest: run for run in runs.values()}.items():
        for number, case in enumerate(run.suite, 1):
            yield f"case {number} as run in {digest[:8]}", json.dumps(case, ensure_ascii=False)
    answers = Result.objects.filter(run__in=list(runs)).order_by("pk")
    for run_id, index, *texts in answers.values_list(
        "run_id", "case_index", "output", "error_message", "picture__revised_prompt"
    ).iterator(chunk_size=500):
        yield _output_place(runs[run_id], index), "\n".join(filter(None, texts))


def _output_place(run: Run, case_index: int) -> str:
    return f"output of {run.version} on {run.model}, case {case_index + 1}"


def profile_hides(prompt: Prompt) -> bool:
    """Whether the author's page is private, which hides every prompt of theirs."""
    return prompt.owner.profile.visibility == Profile.Visibility.PRIVATE
