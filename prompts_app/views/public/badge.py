"""``/@handle/slug/badge.svg``: "24/25 cases · birch-large, 1 of 3 models", for a README."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from prompts_app.engine.invisible import plain_line
from prompts_app.engine.vendors import shortened
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.number_format import full_date, interval, not_judged
from prompts_app.evidence.summary import Summary, summary_of, without_figures
from prompts_app.models import Level, Prompt
from prompts_app.views.public.public_page import prompt_page

LONGEST_NAME = 28  # characters of a model's name
LETTER = 6.2  # SVG units: about the width of a letter at 11 units high; the text is fitted to the box


@prompt_page
def badge(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    text = badge_text(prompt)
    width = round(len(text) * LETTER)
    context = {"text": text, "sentence": badge_sentence(prompt), "width": width, "whole": 110 + width}
    return render(request, "public/badge.svg", context, content_type="image/svg+xml; charset=utf-8")


def badge_text(prompt: Prompt) -> str:
    """Short, and of one model; what this server did not record itself says so."""
    evidence = summary_of(prompt)
    if not evidence:
        return without_figures(prompt)
    model = shortened(plain_line(evidence.main_model), LONGEST_NAME)
    text = f"{evidence.passed}/{evidence.cases} cases · {model}"
    text += f", 1 of {evidence.backed_count}" if len(evidence.backed_models) > 1 else ""
    text = text if evidence.cases else not_judged(evidence.outputs)
    return text if evidence.level >= Level.RECORDED else f"{text} · {level_name(evidence.level)}"


def badge_sentence(prompt: Prompt) -> str:
    """The same in full, for who points at it or listens."""
    evidence = summary_of(prompt)
    if not evidence:
        return f"Proofsheet: {without_figures(prompt)}"
    what = f"v{evidence.version}, {level_name(evidence.level)}, {full_date(evidence.tested)}"
    return f"Proofsheet: {_tally(evidence)}, {what}"


def _tally(evidence: Summary) -> str:
    passed, cases = evidence.passed, evidence.cases
    model = plain_line(evidence.main_model)
    if not cases:
        return f"{not_judged(evidence.outputs)}, on {model}"
    return f"{passed} of {cases} cases pass on {model} ({interval(passed, cases)})"
