"""``/``: what this is, shown on real work."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from prompts_app.evidence.summary import Summary, VersionEvidence, summary_of
from prompts_app.models import Level, Prompt, Run
from prompts_app.views.public.public_page import page_ld, public_page

BEST = 8  # prompts in the list
LOOKED_AT = 60  # best evidenced prompts among which the exhibit is sought


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One prompt's baseline and newest tested version, put to the same cases on the same model."""

    prompt: Prompt
    first: VersionEvidence
    last: Summary
    first_frames: str


@public_page
def home(request: HttpRequest) -> HttpResponse:
    public = Prompt.objects.listed()
    tested = list(public.tested().with_author().defer(*LONG_COLUMNS).best_first()[:LOOKED_AT])
    return render(
        request,
        "public/home.html",
        {
            "exhibit": exhibit_of(tested),
            "best": tested[:BEST],
            "count": public.count(),
            "levels": [*range(len(Level))],
            "json_ld": page_ld("WebSite", "Proofsheet", reverse("home"), potentialAction=_search_action()),
        },
    )


def _search_action() -> dict[str, str]:
    """How to search the site, for programs."""
    address = f"{settings.SITE_URL}{reverse('browse')}?q={{search_term_string}}"
    return {"@type": "SearchAction", "target": address, "query-input": "required name=search_term_string"}


LONG_COLUMNS = ("situation", "constraints", "impact", "limits")  # what no list of prompts reads


def exhibit_of(prompts: list[Prompt]) -> Exhibit | None:
    """The recorded prompt whose pass rate rose most from its baseline to its newest tested version."""
    rises = [
        (rise_of(summary_of(prompt)), -place) for place, prompt in enumerate(prompts) if _is_recorded(prompt)
    ]
    rise, place = max(rises, default=(0.0, 0))
    if rise <= 0:
        return None
    prompt = prompts[-place]
    last = summary_of(prompt)
    first = last.before if last else None
    if first is None or last is None:
        return None
    frames = Run.objects.filter(public_id=first.run).values_list("frames", flat=True).first()
    return Exhibit(prompt, first, last, frames) if frames else None


def _is_recorded(prompt: Prompt) -> bool:
    return (prompt.evidence_level or 0) >= Level.RECORDED


def rise_of(evidence: Summary | None) -> float:
    """How far the share of passing cases rose since the baseline, -1..1; 0 where there is none."""
    first = evidence.before if evidence else None
    if (
        evidence is None
        or first is None
        or first.suite_digest != evidence.suite_digest
        or not first.is_comparable(evidence)
    ):
        return 0.0
    return evidence.passed / evidence.cases - first.passed / first.cases
