"""Likely secrets in what is about to be saved on a prompt that others can open."""

from collections.abc import Sequence

from django import forms

from prompts_app.actions.prompts.secrets import SecretFinding, unacknowledged
from prompts_app.models import Prompt
from prompts_app.views.studio.signed_in import AuthorRequest


def refuse_secrets(
    request: AuthorRequest, form: forms.BaseForm, prompt: Prompt, findings: Sequence[SecretFinding]
) -> None:
    """What is saved on a visible prompt is visible at once: each finding is taken out or ticked first."""
    if not prompt.has_readers or not unacknowledged(findings, request.POST.getlist("harmless")):
        return
    who = "A share link shows this prompt" if prompt.is_private else f"This prompt is {prompt.visibility}"
    form.add_error(
        None,
        f"{who}, so others could read what looks like a secret as soon as you "
        "save. Take it out, or tick below that it is none.",
    )


def shown(request: AuthorRequest, findings: Sequence[SecretFinding]) -> dict[str, object]:
    """For ``studio/_findings.html``: what was found, and what was ticked."""
    return {"findings": findings, "harmless": request.POST.getlist("harmless")}
