"""``/``: what this is, shown on real work."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from prompts_app.evidence.prompt_lists import Site
from prompts_app.models import Level, Listing, Run
from prompts_app.views.public.public_page import page_ld, public_page

BEST = 8  # prompts in the list
LOOKED_AT = 60  # best evidenced prompts among which the exhibit is sought


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One prompt's baseline and newest tested version, put to the same cases on the same model."""

    prompt: Listing
    first_frames: str


@public_page
def home(request: HttpRequest) -> HttpResponse:
    best = Listing.objects.listed().in_order("evidence")
    # What was judged stands first.
    tested = [prompt for prompt in best[:LOOKED_AT] if prompt.judged]
    return render(
        request,
        "public/home.html",
        {
            "exhibit": exhibit_of(tested),
            "best": tested[:BEST],
            "count": Site().total(()),
            "levels": [*range(len(Level))],
            "json_ld": page_ld("WebSite", "Proofsheet", reverse("home"), potentialAction=_search_action()),
        },
    )


def _search_action() -> dict[str, str]:
    """How to search the site, for programs."""
    address = f"{settings.SITE_URL}{reverse('browse')}?q={{search_term_string}}"
    return {"@type": "SearchAction", "target": address, "query-input": "required name=search_term_string"}


def exhibit_of(prompts: list[Listing]) -> Exhibit | None:
    """The recorded prompt whose pass rate rose most from its baseline to its newest tested version."""
    recorded = [prompt for prompt in prompts if (prompt.level or 0) >= Level.RECORDED]
    best = max(recorded, key=lambda prompt: prompt.rise, default=None)
    if best is None or best.rise <= 0:
        return None
    frames = Run.objects.filter(public_id=best.base_run).values_list("frames", flat=True).first()
    return Exhibit(best, frames) if frames else None
