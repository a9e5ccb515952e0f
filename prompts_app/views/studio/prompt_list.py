"""The author's prompts: found, sorted, filtered."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from prompts_app.actions.prompts.many import last_deletion
from prompts_app.evidence.own_prompts import ORDERS, SHOWN, Facets, OwnPrompts, OwnSearch, read_own_search
from prompts_app.evidence.summary import Summary, summary_of
from prompts_app.models import Profile, Prompt, Task, User, Visibility
from prompts_app.views.signed_in import AuthorRequest, author_view
from prompts_app.views.studio.steps import NextStep, next_step

AT_A_GLANCE = 8  # as many prompts need no form to find one


@dataclass(frozen=True, slots=True)
class PromptRow:
    prompt: Prompt
    step: NextStep
    latest: int | None
    cases: int
    has_draft: bool
    evidence: Summary | None


@author_view
@require_safe
@vary_on_headers("HX-Request")
def studio(request: AuthorRequest) -> HttpResponse:
    search = read_own_search(request.GET)
    own = OwnPrompts(request.user, search)
    facets, counts, page = own.facets(), own.counts(), own.page(request.GET)
    everything = facets.total + counts["archived"]
    context = {
        "here": "prompts",
        "search": search,
        "facets": facets,
        "counts": counts,
        "found": counts[search.show or "all"],
        "page": page,
        "rows": [_row(prompt, own.drafted) for prompt in page.rows],
        "more": own.hits.more,
        "query": search.query(),
        "has_search": everything > AT_A_GLANCE or search != OwnSearch(),
        "order": ORDERS[search.order].said,
        "views": [
            (search.query(show=name), label, counts[name or "all"], name) for name, label in SHOWN.items()
        ],
        "choices": _choices(search, facets),
        "set_filters": search.set_filters(),
        "total": everything,
        "gone": last_deletion(request.user),
        "tasks": Task.choices,
        "visibilities": Visibility.choices,
        "example": None if everything else _sample_author(),
    }
    return render(request, "studio/studio.html", context)


def _row(prompt: Any, drafted: list[int]) -> PromptRow:
    step = next_step(
        prompt, latest=prompt.latest_number, cases=prompt.case_count, is_running=prompt.is_running
    )
    has_draft = prompt.pk in drafted
    return PromptRow(prompt, step, prompt.latest_number, prompt.case_count, has_draft, summary_of(prompt))


def _choices(search: OwnSearch, facets: Facets) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Of each list of the form: name, label, what is chosen, and pairs of value and words; with how many
    there are in all."""
    tags = dict(facets.tags)
    if search.tag:
        tags.setdefault(search.tag, 0)
    states = [(value, f"{label} ({facets.by_visibility[value]:,})") for value, label in Visibility.choices]
    tasks = [(value, f"{label} ({n:,})") for value, label in Task.choices if (n := facets.by_task[value])]
    if search.task and not facets.by_task[search.task]:
        tasks.append((search.task, f"{Task(search.task).label} (0)"))
    return [
        ("state", "State", search.state, [("", "any"), *states]),
        ("task", "Task", search.task, [("", "any"), *tasks]),
        ("tag", "Tag", search.tag, [("", "any"), *((name, f"{name} ({n:,})") for name, n in tags.items())]),
        ("order", "Order", search.order, [(name, order.label) for name, order in ORDERS.items()]),
    ]


def _sample_author() -> User | None:
    """Somebody whose page shows where all this leads."""
    samples = Profile.objects.filter(is_sample=True, visibility=Profile.Visibility.PUBLIC)
    sample = samples.select_related("user").order_by("pk").first()
    return sample.user if sample else None
