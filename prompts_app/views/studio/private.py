"""Private parts of a prompt: which there are, marking another, its label, its reveal, and taking it back."""

import json
import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from prompts_app.access import own_prompt, own_span
from prompts_app.actions.prompts import private_parts
from prompts_app.actions.prompts.reveal import reveal_of
from prompts_app.engine.masking import LEAST, Span, weight
from prompts_app.forms.private import LabelForm, SpanForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import PrivateSpan, Prompt
from prompts_app.views.signed_in import AuthorRequest, owner_view, typed
from prompts_app.views.studio.studio_page import done, head

MOST_OFFERED = 40  # paragraphs to choose from
SHOWN_OF_ONE = 160  # characters of each


@owner_view(own_prompt)
def parts(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    """The list, and the form for another: looked at first ("look"), then marked."""
    form = SpanForm(typed(request), initial=_taken(prompt, request))
    looked = None
    if request.method == "POST" and form.is_valid():
        label, text = form.cleaned_data["label"], private_parts.as_kept(form.cleaned_data["text"])
        with refusals_on(form):
            if "look" not in request.POST:
                return _marked(request, prompt, label, text)
            private_parts.check_can_add(prompt, label, text)
            looked = private_parts.standing_of(prompt, Span(label, text, "0" * 32))
    context = {
        **head(prompt, "private"),
        "form": form,
        "looked": looked,
        "spans": list(prompt.private_spans.in_order()),
        "offered": _paragraphs(prompt),
        "forks": private_parts.forks_by_others(prompt),
    }
    return render(request, "studio/private.html", context, status=422 if form.errors else 200)


def _marked(request: AuthorRequest, prompt: Prompt, label: str, text: str) -> HttpResponse:
    span = private_parts.add_span(prompt, label, text)
    said = f"Masked from this moment: visitors read {span.placeholder[:-9]} in its place."
    return done(request, said, "studio_private", prompt.slug)


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


@owner_view(own_span)
def part(request: AuthorRequest, span: PrivateSpan) -> HttpResponse:
    """One of them: where it stands, another label, and what reveals it."""
    form = LabelForm(typed(request), initial={"label": span.label})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form, "label"):
            private_parts.rename_span(span, form.cleaned_data["label"])
            said = "Renamed. The hash is the same, so what was revealed still matches."
            return done(request, said, "studio_private_part", span.prompt.slug, span.public_id)
    context = _about(span) | {"form": form, "reveal": json.dumps(reveal_of(span).as_json(), indent=1)}
    return render(request, "studio/private_part.html", context, status=422 if form.errors else 200)


@owner_view(own_span)
def remove(request: AuthorRequest, span: PrivateSpan) -> HttpResponse:
    if request.method == "POST":
        private_parts.remove_span(span)
        said = f"“{span.label}” is private no more: whoever may read the prompt reads it."
        return done(request, said, "studio_private", span.prompt.slug)
    return render(request, "studio/private_remove.html", _about(span))


def _about(span: PrivateSpan) -> dict[str, Any]:
    looked = private_parts.standing_of(span.prompt, span.as_engine())
    return {**head(span.prompt, "private"), "span": span, "looked": looked}
