"""Private parts of a prompt: which there are, marking another, its label, its reveal, and taking it back."""

import json
import re
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from prompts_app.access import own_prompt, own_span
from prompts_app.actions.prompts.private_parts import (
    add_span,
    as_kept,
    check_can_add,
    forks_by_others,
    remove_span,
    rename_span,
    standing_of,
)
from prompts_app.actions.prompts.reveal import reveal_of
from prompts_app.engine.masking import LEAST, Span, weight
from prompts_app.forms.private import LabelForm, SpanForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import PrivateSpan, Prompt
from prompts_app.views.studio.head import head
from prompts_app.views.studio.signed_in import AuthorRequest, author_view, typing_kept

MOST_OFFERED = 40  # paragraphs to choose from
SHOWN_OF_ONE = 160  # characters of each


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def parts(request: AuthorRequest, slug: str) -> HttpResponse:
    """The list, and the form for another: looked at first ("look"), then marked."""
    prompt = own_prompt(request.user, slug)
    form = SpanForm(request.POST or typing_kept(request) or None, initial=_taken(prompt, request))
    looked = None
    if request.method == "POST" and form.is_valid():
        label, text = form.cleaned_data["label"], as_kept(form.cleaned_data["text"])
        with refusals_on(form):
            if "look" not in request.POST:
                return _marked(request, prompt, label, text)
            check_can_add(prompt, label, text)
            looked = standing_of(prompt, Span(label, text, "0" * 32))
    context = {
        **head(prompt, "private"),
        "form": form,
        "looked": looked,
        "spans": list(prompt.private_spans.in_order()),
        "offered": _paragraphs(prompt),
        "forks": forks_by_others(prompt),
    }
    return render(request, "studio/private.html", context, status=422 if form.errors else 200)


def _marked(request: AuthorRequest, prompt: Prompt, label: str, text: str) -> HttpResponse:
    span = add_span(prompt, label, text)
    messages.success(request, f"Masked from this moment: visitors read {span.placeholder[:-9]} in its place.")
    return redirect("studio_private", prompt.slug)


def _taken(prompt: Prompt, request: AuthorRequest) -> dict[str, str]:
    """The paragraph that was chosen, ``?take=3``."""
    asked, offered = request.GET.get("take", ""), _paragraphs(prompt)
    if re.fullmatch("[0-9]{1,3}", asked) and int(asked) < len(offered):
        return {"text": offered[int(asked)][1]}
    return {}


def _paragraphs(prompt: Prompt) -> list[tuple[str, str, str]]:
    """(where, the whole, its beginning) of paragraphs of the newest version that are long enough."""
    newest = prompt.latest_version
    found = [
        (f"{message['role']} message", paragraph)
        for message in (newest.messages if newest else ())
        for paragraph in re.split(r"\n\s*\n", message["content"])
        if weight(paragraph) >= LEAST
    ]
    return [
        (where, text.strip(), " ".join(text.split())[:SHOWN_OF_ONE]) for where, text in found[:MOST_OFFERED]
    ]


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def part(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    """One of them: where it stands, another label, and what reveals it."""
    span = own_span(request.user, slug, public_id)
    form = LabelForm(request.POST or typing_kept(request) or None, initial={"label": span.label})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form, "label"):
            rename_span(span, form.cleaned_data["label"])
            messages.success(request, "Renamed. The hash is the same, so what was revealed still matches.")
            return redirect("studio_private_part", slug, public_id)
    return render(
        request, "studio/private_part.html", _context(span, form), status=422 if form.errors else 200
    )


def _context(span: PrivateSpan, form: LabelForm) -> dict[str, Any]:
    reveal = json.dumps(reveal_of(span).as_json(), indent=1)
    return {
        **head(span.prompt, "private"),
        "span": span,
        "form": form,
        "looked": standing_of(span.prompt, span.as_engine()),
        "reveal": reveal,
    }


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    span = own_span(request.user, slug, public_id)
    if request.method == "POST":
        remove_span(span)
        messages.success(request, f"“{span.label}” is private no more: whoever may read the prompt reads it.")
        return redirect("studio_private", slug)
    looked = standing_of(span.prompt, span.as_engine())
    context = {**head(span.prompt, "private"), "span": span, "looked": looked}
    return render(request, "studio/private_remove.html", context)
