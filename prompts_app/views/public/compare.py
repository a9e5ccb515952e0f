"""``/@handle/slug/compare/v2...v3/``: any two versions, their messages and their outputs case by case."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from prompts_app.access import version_of
from prompts_app.evidence.before_after import Side, sides_of
from prompts_app.evidence.records import Records
from prompts_app.evidence.same_cases import CasePair, RunComparison, is_partial, pairs_of
from prompts_app.models import Prompt, Run
from prompts_app.views.public.prompt import changes_of
from prompts_app.views.public.public_page import is_indexable, part_ld, prompt_page

PAGE = 10  # cases with both outputs on one page
MOST_SHOWN = 1_500  # characters of an output
ORDER = (
    "broken",
    "fixed",
    "no answer in one",
    "no answer in both",
    "fails in both",
    "not judged in one",
    "not judged in both",
    "passes in both",
)


@dataclass(frozen=True, slots=True)
class Outputs(RunComparison):
    """What both versions answered on one model. ``rows`` are those of the page, what broke first."""

    page: Page[CasePair]
    rows: list[tuple[CasePair, list[Side]]]


@prompt_page
def compare(request: HttpRequest, prompt: Prompt, older: int, newer: int) -> HttpResponse:
    before, after = version_of(prompt, older), version_of(prompt, newer)
    if older == newer:
        raise Http404
    records = Records(prompt)
    runs = records.latest
    models = _models(records, older, newer)
    asked = request.GET.get("model", "")
    model = asked if asked in models else next(iter(models), "")
    context: dict[str, Any] = {
        "prompt": prompt,
        "before": before,
        "after": after,
        "changes": changes_of(before, after),
        "models": models,
        "model": model,
        "model_query": quote(model, safe=""),
        "outputs": (
            _outputs(records, runs[older, model], runs[newer, model], request.GET.get("page", 1))
            if model
            else None
        ),
        "listed": is_indexable(prompt) and not request.GET,
        "json_ld": part_ld(
            prompt,
            f"{before} and {after} of {prompt.title}",
            f"{prompt.get_absolute_url()}compare/v{older}...v{newer}/",
        ),
    }
    return render(request, "public/compare.html", context)


@require_safe
def with_letters(request: HttpRequest, handle: str, slug: str, older: int, newer: int) -> HttpResponse:
    """``compare/2...3/`` leads to ``compare/v2...v3/``, below a share link too, without a look at either."""
    return HttpResponsePermanentRedirect(f"../v{older}...v{newer}/")


def _models(records: Records, older: int, newer: int) -> list[str]:
    """Those both versions were put to, the main one first."""
    runs = records.latest
    both = {model for number, model in runs if number == older} & {m for n, m in runs if n == newer}
    main = records.summary.main_model if records.summary else ""
    return sorted(both, key=lambda model: (model != main, model))


def _outputs(records: Records, before: Run, after: Run, page: object) -> Outputs:
    pairs = pairs_of(records, before, after)
    telling = sorted(pairs, key=lambda pair: (ORDER.index(pair.outcome), pair.now_at))
    shown = Paginator(telling, PAGE).get_page(page)  # type: ignore[arg-type]  # it takes whatever was typed
    return Outputs(
        before=before,
        after=after,
        pairs=pairs,
        is_partial=is_partial(records, before, after, len(pairs)),
        page=shown,
        rows=list(zip(shown, sides_of(records, before, after, list(shown), MOST_SHOWN), strict=True)),
    )
