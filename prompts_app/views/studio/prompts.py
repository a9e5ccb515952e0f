"""The author's prompts: the list, the editor of versions, details, deleting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from prompts_app.access import own_prompt, own_version
from prompts_app.actions.prompts import save as saving
from prompts_app.actions.prompts.drafts import keep_draft as keep
from prompts_app.actions.prompts.guide import SECTIONS as GUIDED
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.publish import findings_in_details
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.engine.errors import OnRefusal, why_not
from prompts_app.forms.details import DetailsForm
from prompts_app.models import Profile, Prompt, Result, User, Version, Visibility
from prompts_app.models.text import without_invisible
from prompts_app.search import find
from prompts_app.views.signed_in import AuthorRequest, author_view, owner_view
from prompts_app.views.studio.drafts import DraftedForm, draft_key
from prompts_app.views.studio.steps import NextStep, next_step
from prompts_app.views.studio.studio_page import done, head

A_PAGE = 50
AT_A_GLANCE = 8  # as many prompts need no form to find one
LONGEST_SEARCH = 200  # characters
_LONG = ("situation", "constraints", "impact", "limits")  # what no list reads


# --- the list ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PromptRow:
    prompt: Prompt
    step: NextStep
    latest: int | None
    cases: int


@author_view
@require_safe
def studio(request: AuthorRequest) -> HttpResponse:
    mine = Prompt.objects.owned_by(request.user)
    asked = {
        "state": state if (state := request.GET.get("state", "")) in Visibility.values else "",
        "q": " ".join(without_invisible(request.GET.get("q", "")[:LONGEST_SEARCH]).split()),
    }
    chosen = mine.filter(visibility=asked["state"]) if asked["state"] else mine
    hits = find(asked["q"], author=request.user.pk)
    if asked["q"]:
        chosen = chosen.filter(pk__in=hits.prompts)
    listed = chosen.with_author().with_studio_facts().defer(*_LONG).order_by("-updated_at", "-pk")
    page = Paginator(listed, A_PAGE).get_page(request.GET.get("page"))
    counts = mine.by_visibility()
    found = mine.filter(pk__in=hits.prompts).by_visibility() if asked["q"] else counts
    return render(
        request,
        "studio/studio.html",
        {
            "here": "prompts",
            "page": page,
            "rows": _rows(page),
            **asked,
            "more": hits.more,
            "query": urlencode({name: value for name, value in asked.items() if value}),
            "has_search": sum(counts.values()) > AT_A_GLANCE,
            "states": [(value, label, found.get(value, 0)) for value, label in Visibility.choices],
            "set_filters": _set_filters(asked),
            "found": sum(found.values()),
            "total": sum(counts.values()),
            "example": None if counts else _sample_author(),
        },
    )


def _set_filters(asked: dict[str, str]) -> list[tuple[str, str]]:
    """(in words, the query string without it) of each that is set, as in public lists."""
    is_set = {name: value for name, value in asked.items() if value}
    said = {"state": asked["state"], "q": f"“{asked['q']}”"}
    return [
        (said[name], urlencode({other: value for other, value in is_set.items() if other != name}))
        for name in is_set
    ]


def _rows(page: Page[Prompt]) -> list[PromptRow]:
    facts: list[Any] = list(page.object_list)
    return [
        PromptRow(
            prompt,
            next_step(
                prompt, latest=prompt.latest_number, cases=prompt.case_count, is_running=prompt.is_running
            ),
            prompt.latest_number,
            prompt.case_count,
        )
        for prompt in facts
    ]


def _sample_author() -> User | None:
    """Somebody whose page shows where all this leads."""
    samples = Profile.objects.filter(is_sample=True, visibility=Profile.Visibility.PUBLIC)
    sample = samples.select_related("user").order_by("pk").first()
    return sample.user if sample else None


# --- drafts -----------------------------------------------------------------------------------------------


@require_POST
@author_view
def keep_draft(request: AuthorRequest, slug: str) -> HttpResponse:
    """Called every few seconds while somebody types; ``page`` says on which of the prompt's pages."""
    prompt = None if slug == "new" else own_prompt(request.user, slug)
    key = draft_key(prompt, request.POST.get("page", "edit"))
    context: dict[str, object] = {}
    with OnRefusal(lambda refused: context.update(problem=refused.sentence)):
        context["draft"] = keep(request.user, key, dict(request.POST.lists()))
    return render(request, "studio/_draft_state.html", context)


# --- details ------------------------------------------------------------------------------------------------


class Details(DraftedForm[DetailsForm]):
    prompt: Prompt
    draft_page = "details"
    template = "studio/prompt_details.html"

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> DetailsForm:
        return DetailsForm(self.prompt, typed=typed, judged=judged)

    def findings(self, form: DetailsForm) -> Sequence[SecretFinding]:
        return findings_in_details(form.columns) if form.is_valid() else []

    def save(self, form: DetailsForm) -> HttpResponse:
        seen = self.prompt.revision if self.do == "save-anyway" else form.cleaned_data["revision"]
        saving.save_details(self.prompt, form.columns, form.cleaned_data["tags"], seen_revision=seen)
        return self.saved("Saved.", "studio_prompt_details", self.prompt.slug)

    def context(self, form: DetailsForm) -> dict[str, Any]:
        guide = guide_for(self.prompt, {name: str(form[name].value() or "") for name in GUIDED})
        return {"form": form, "guide": guide, **head(self.prompt, "details")}

    def stale(self, form: DetailsForm) -> dict[str, Any]:
        return {"differences": form.differences(Prompt.objects.get(pk=self.prompt.pk))}


details = owner_view(own_prompt)(Details.as_view())


# --- deleting ----------------------------------------------------------------------------------------


@owner_view(own_prompt)
def delete(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    if request.method == "POST":
        saving.delete_prompts(request.user, [prompt])
        return done(request, f"“{prompt.title}” is deleted.", "studio")
    lost = {
        "versions": prompt.versions.count(),
        "cases": prompt.cases.count(),
        "runs": prompt.runs.count(),
        "results": Result.objects.filter(run__prompt=prompt).count(),
    }
    context = {"lost": lost, "tombstones": saving.tombstones_with([prompt]), **head(prompt, "details")}
    return render(request, "studio/prompt_delete.html", context)


@owner_view(own_version)
def delete_version(request: AuthorRequest, version: Version) -> HttpResponse:
    problem = why_not(saving.check_can_delete_version, version)
    if request.method == "POST" and not problem:
        saving.delete_version(version)
        return done(request, f"{version} is deleted.", "studio_publish", version.prompt.slug)
    about = {"version": version, "problem": problem, "runs": version.runs.count()}
    context = about | head(version.prompt, "publish")
    return render(request, "studio/version_delete.html", context)
