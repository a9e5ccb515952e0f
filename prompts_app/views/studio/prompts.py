"""The author's prompts: the list, the editor of versions, details, deleting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from prompts_app.access import own_prompt, version_of
from prompts_app.actions.prompts.drafts import drop_draft
from prompts_app.actions.prompts.drafts import keep_draft as keep
from prompts_app.actions.prompts.guide import SECTIONS as GUIDED
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.publish import findings_in_details
from prompts_app.actions.prompts.save import (
    StaleEdit,
    check_can_delete_version,
    delete_prompts,
    save_details,
    tombstones_with,
)
from prompts_app.actions.prompts.save import delete_version as take_version_away
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.engine.errors import OnRefusal, why_not
from prompts_app.forms.details import DetailsForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Draft, Profile, Prompt, Result, User, Visibility
from prompts_app.models.text import without_invisible
from prompts_app.search import find
from prompts_app.views.studio.drafts import draft_key, keep_posted, restore_draft, typed_in
from prompts_app.views.studio.findings import refuse_secrets, shown
from prompts_app.views.studio.head import head
from prompts_app.views.studio.signed_in import AuthorRequest, author_view
from prompts_app.views.studio.steps import NextStep, next_step

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
            "found": sum(found.values()),
            "total": sum(counts.values()),
            "example": None if counts else _sample_author(),
        },
    )


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


@author_view
@require_POST
def keep_draft(request: AuthorRequest, slug: str) -> HttpResponse:
    """Called every few seconds while somebody types; ``page`` says on which of the prompt's pages."""
    prompt = None if slug == "new" else own_prompt(request.user, slug)
    key = draft_key(prompt, request.POST.get("page", "edit"))
    context: dict[str, object] = {}
    with OnRefusal(lambda refused: context.update(problem=refused.sentence)):
        context["draft"] = keep(request.user, key, dict(request.POST.lists()))
    return render(request, "studio/_draft_state.html", context)


# --- details ------------------------------------------------------------------------------------------------


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    key = draft_key(prompt, "details")
    if request.method == "POST":
        return _details_posted(request, prompt, key)
    draft = restore_draft(request, key)
    return _details(request, prompt, DetailsForm(prompt, typed=typed_in(draft)), draft=draft)


def _details_posted(request: AuthorRequest, prompt: Prompt, key: str) -> HttpResponse:
    if request.POST.get("do") == "discard":
        drop_draft(request.user, key)
        return redirect("studio_prompt_details", prompt.slug)
    form = DetailsForm(prompt, typed=request.POST, judged=True)
    findings = findings_in_details(form.columns) if form.is_valid() else []
    refuse_secrets(request, form, prompt, findings)
    if not form.is_valid():
        keep_posted(request, key)
        return _details(request, prompt, form, findings=findings)
    anyway = request.POST.get("do") == "save-anyway"
    with refusals_on(form):
        seen = prompt.revision if anyway else form.cleaned_data["revision"]
        try:
            save_details(prompt, form.columns, form.cleaned_data["tags"], seen_revision=seen)
        except StaleEdit:
            return _details(request, prompt, form, is_stale=True)
        drop_draft(request.user, key)
        messages.success(request, "Saved.")
        return redirect("studio_prompt_details", prompt.slug)
    return _details(request, prompt, form)


def _details(
    request: AuthorRequest,
    prompt: Prompt,
    form: DetailsForm,
    *,
    draft: Draft | None = None,
    is_stale: bool = False,
    findings: Sequence[SecretFinding] = (),
) -> HttpResponse:
    context = {"form": form, "draft": draft, "is_stale": is_stale, **head(prompt, "details")}
    context |= shown(request, findings)
    context["guide"] = guide_for(prompt, {name: str(form[name].value() or "") for name in GUIDED})
    if is_stale:
        context["differences"] = form.differences(Prompt.objects.get(pk=prompt.pk))
    return render(request, "studio/prompt_details.html", context)


# --- deleting ----------------------------------------------------------------------------------------


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    if request.method == "POST":
        title = prompt.title
        delete_prompts(request.user, [prompt])
        messages.success(request, f"“{title}” is deleted.")
        return redirect("studio")
    lost = {
        "versions": prompt.versions.count(),
        "cases": prompt.cases.count(),
        "runs": prompt.runs.count(),
        "results": Result.objects.filter(run__prompt=prompt).count(),
    }
    context = {"lost": lost, "tombstones": tombstones_with([prompt]), **head(prompt, "details")}
    return render(request, "studio/prompt_delete.html", context)


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def delete_version(request: AuthorRequest, slug: str, number: int) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    version = version_of(prompt, number)
    problem = why_not(check_can_delete_version, version)
    if request.method == "POST" and not problem:
        take_version_away(version)
        messages.success(request, f"{version} is deleted.")
        return redirect("studio_publish", slug)
    context = {
        "version": version,
        "problem": problem,
        "runs": version.runs.count(),
        **head(prompt, "publish"),
    }
    return render(request, "studio/version_delete.html", context)
