"""Showing a prompt to others: what becomes visible, and what should not."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from prompts_app.actions.prompts.save import columns_of
from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets, unacknowledged
from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_json
from prompts_app.engine.errors import Refused
from prompts_app.evidence.listings import refresh
from prompts_app.models import Case, Profile, Prompt, Result, Source, Version, Visibility
from prompts_app.models.texts import Text, texts_in_prompt, texts_in_row

# --- publishing -----------------------------------------------------------------------------------------


def check_can_publish(prompt: Prompt, findings: Collection[SecretFinding], harmless: Iterable[str]) -> None:
    """Raises Refused. ``findings`` are ``findings_of(prompt)``, ``harmless`` the tokens of those that
    are no secrets."""
    if not prompt.versions.exists():
        raise Refused("not_publishable", "There is nothing to publish yet: write its first version.")
    if unacknowledged(findings, harmless):
        raise Refused(
            "not_publishable",
            "Something here looks as if it should not be public. Take it out, or tick that it may be; then "
            "publish again.",
        )


def publish(prompt: Prompt, visibility: Visibility) -> None:
    """Let others see it, from this moment and on every address. ``visibility`` is not private."""
    _show(prompt, visibility)


def unpublish(prompt: Prompt) -> None:
    """Nobody but its author can open it from this moment, on any address."""
    _show(prompt, Visibility.PRIVATE)


@transaction.atomic
def _show(prompt: Prompt, visibility: Visibility) -> None:
    prompt.visibility = visibility
    if visibility == Visibility.PUBLIC and prompt.published_at is None:
        prompt.published_at = timezone.now()
    prompt.save(update_fields=["visibility", "published_at", "updated_at"])
    refresh([prompt])


# --- what becomes visible -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visible:
    """Everything others could open. ``practice`` runs stay the author's own."""

    versions: tuple[Version, ...]
    cases: int
    pictures: int  # of cases, private ones left out
    runs: int
    results: int
    practice: int
    models: tuple[str, ...]
    sections: tuple[str, ...]
    failures: int  # on the shelf


def what_becomes_visible(prompt: Prompt) -> Visible:
    runs = list(prompt.runs.exclude(source=Source.PRACTICE).only("named"))
    sections = ("situation", "constraints", "impact", "limits")
    return Visible(
        versions=tuple(prompt.versions.order_by("-number")),
        cases=prompt.cases.count(),
        pictures=prompt.case_picture_files.exclude(sha256__in=prompt.private_spans.values("text")).count(),
        runs=len(runs),
        results=Result.objects.filter(run__in=runs).count(),
        practice=prompt.runs.filter(source=Source.PRACTICE).count(),
        models=tuple(sorted({run.named for run in runs})),
        sections=tuple(name for name in sections if getattr(prompt, name).strip()),
        failures=prompt.known_failures.count(),
    )


# --- what should not -----------------------------------------------------------------------------------


def findings_of(prompt: Prompt) -> list[SecretFinding]:
    """Likely secrets in everything of the prompt that others could read: all of it is looked at."""
    return find_secrets(texts_in_prompt(prompt))


def would_show(found: Sequence[SecretFinding]) -> str:
    """Why a file cannot be added to a prompt that others can see; "" where nothing was found in it."""
    if not found:
        return ""
    what = f"{found[0].kind} {found[0].masked}"
    return f"Others can see this prompt, and the file would show: {what}. Make it private first."


def findings_in_version(content: engine.PromptContent, note: str = "") -> list[SecretFinding]:
    """Likely secrets in a version that is being written."""
    return find_secrets(texts_in_row(Version(note=note, **columns_of(content))))


def findings_in_cases(cases: Iterable[engine.CaseContent]) -> list[SecretFinding]:
    """Likely secrets in cases that are being written."""
    return find_secrets(
        text
        for number, case in enumerate(cases, 1)
        for text in texts_in_row(Case(**case_json(case)), f"case {number}, ")
    )


def findings_in_outputs(outputs: Iterable[str], model: str) -> list[SecretFinding]:
    """Likely secrets in outputs that are being pasted, and in the name of what answered."""
    texts = [
        Text(f"output {number}", output, "result.output")
        for number, output in enumerate(outputs, 1)
        if output
    ]
    return find_secrets([*texts, Text("model", model, "run.model")])


def findings_in_details(columns: Mapping[str, object]) -> list[SecretFinding]:
    """Likely secrets in a prompt's own texts, by column."""
    return find_secrets(
        Text(name, text, f"prompt.{name}") for name, text in columns.items() if isinstance(text, str)
    )


def profile_hides(prompt: Prompt) -> bool:
    """Whether the author's page is private, which hides every prompt of theirs."""
    return prompt.owner.profile.visibility == Profile.Visibility.PRIVATE
