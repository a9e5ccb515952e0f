"""What the pages of the studio have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string

from prompts_app.actions.prompts.secrets import SecretFinding, unacknowledged
from prompts_app.models import Prompt
from prompts_app.views.signed_in import AuthorRequest


def head(prompt: Prompt, tab: str) -> dict[str, object]:
    """What every page about one prompt shows above its own part. ``tab`` names the page one is on: "edit",
    "cases", "details", "failures", "private" or "publish"."""
    return {
        "here": "prompts",
        "tab": tab,
        "prompt": prompt,
        "latest": prompt.latest_version,
        "case_count": prompt.cases.count(),
    }


def done(request: HttpRequest, sentence: str, to: Any, *args: object) -> HttpResponse:
    """On to ``to``, as ``redirect`` takes it, where the sentence is said."""
    messages.success(request, sentence)
    return redirect(to, *args)


def fragments(
    request: HttpRequest, names: Sequence[str], context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """For htmx: ``studio/_<name>.html`` for each name; its element has the id ``<name>``. Pair with
    hx-swap="none"."""
    parts = [render_to_string(f"studio/_{name}.html", {**context, "oob": True}, request) for name in names]
    return HttpResponse("".join(parts), status=status)


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
