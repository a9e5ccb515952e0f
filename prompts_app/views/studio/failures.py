"""The failure shelf in the studio: what stands on it, what could, and writing down what was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from prompts_app.access import own_failure, own_prompt, own_run
from prompts_app.actions.prompts.drafts import drop_draft
from prompts_app.actions.prompts.known_failures import (
    change_failure,
    check_can_shelve,
    move_failure,
    remove_failure,
    shelve,
)
from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets
from prompts_app.engine.errors import Refused, why_not
from prompts_app.evidence.before_after import inputs_of
from prompts_app.evidence.case_outcomes import rows_of
from prompts_app.evidence.known_failures import fixes_of, items_of, suggestions
from prompts_app.evidence.records import Records, RunCase
from prompts_app.forms.failures import FailureForm
from prompts_app.models import Draft, KnownFailure, Prompt, Run
from prompts_app.models.texts import Text
from prompts_app.views.studio.drafts import draft_key, keep_posted, restore_draft, typed_in
from prompts_app.views.studio.findings import refuse_secrets, shown
from prompts_app.views.studio.head import head
from prompts_app.views.studio.signed_in import AuthorRequest, author_view

A_PAGE = 20  # suggestions


@dataclass(frozen=True, slots=True)
class Spot:
    """The case of a run that is written about, and its place on the shelf where it has one."""

    run: Run
    case_index: int
    failure: KnownFailure | None = None

    @property
    def number(self) -> int:
        return self.case_index + 1

    @property
    def prompt(self) -> Prompt:
        return self.run.prompt

    @property
    def page(self) -> str:
        """Where its draft is kept."""
        return f"failure-{self.run.public_id}-{self.number}"


# --- the shelf --------------------------------------------------------------------------------------------


@author_view
@require_safe
def failures(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    page = Paginator(suggestions(prompt), A_PAGE).get_page(request.GET.get("page"))
    context = {"items": items_of(Records(prompt)), "page": page, **head(prompt, "failures")}
    return render(request, "studio/failures.html", context)


@author_view
@require_POST
def move(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    failure = own_failure(request.user, slug, public_id)
    move_failure(failure, -1 if request.POST.get("step") == "up" else 1)
    return redirect("studio_failures", slug)


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    failure = own_failure(request.user, slug, public_id)
    if request.method == "POST":
        remove_failure(failure)
        messages.success(request, "It is off the shelf. The run keeps its result.")
        return redirect("studio_failures", slug)
    context = {"failure": failure, **head(failure.prompt, "failures")}
    return render(request, "studio/failure_delete.html", context)


# --- one failure ------------------------------------------------------------------------------------------


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthorRequest, slug: str, run: str, number: int) -> HttpResponse:
    spot = Spot(own_run(request.user, slug, run), number - 1)
    if not 0 < number <= len(spot.run.suite):
        raise Http404
    there = spot.run.known_failures.filter(case_index=spot.case_index).first()
    if there and request.method != "POST":
        return redirect("studio_failure", slug, there.public_id)
    return _one(request, spot)


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    failure = own_failure(request.user, slug, public_id)
    return _one(request, Spot(failure.run, failure.case_index, failure))


def _one(request: AuthorRequest, spot: Spot) -> HttpResponse:
    key = draft_key(spot.prompt, spot.page)
    if request.method == "POST":
        return _posted(request, spot, key)
    draft = restore_draft(request, key)
    form = FailureForm(fixes_of(spot.run, spot.case_index), spot.failure, typed=typed_in(draft))
    return _page(request, form, spot, draft=draft)


def _posted(request: AuthorRequest, spot: Spot, key: str) -> HttpResponse:
    if request.POST.get("do") == "discard":
        drop_draft(request.user, key)
        return redirect(request.path)
    form = FailureForm(fixes_of(spot.run, spot.case_index), spot.failure, typed=request.POST, judged=True)
    typed = form.cleaned_data.get("diagnosis", "") if form.is_valid() else ""
    findings = find_secrets([Text("diagnosis", typed, "knownfailure.diagnosis")])
    refuse_secrets(request, form, spot.prompt, findings)
    if not form.is_valid():
        keep_posted(request, key)
        return _page(request, form, spot, findings=findings)
    return _save(request, form, spot, key)


def _save(request: AuthorRequest, form: FailureForm, spot: Spot, key: str) -> HttpResponse:
    data, anyway = form.cleaned_data, request.POST.get("do") == "save-anyway"
    try:
        if spot.failure:
            seen = None if anyway else data["revision"]
            change_failure(spot.failure, data["diagnosis"], data["fixed_in"], seen_revision=seen)
        else:
            shelve(spot.run, spot.case_index, data["diagnosis"], data["fixed_in"])
    except Refused as refused:
        keep_posted(request, key)
        if is_stale := isinstance(refused, StaleEdit):
            form.add_error(None, str(refused))
        return _page(request, form, spot, is_stale=is_stale)
    drop_draft(request.user, key)
    messages.success(request, f"Case {spot.number} is on the failure shelf.")
    return redirect("studio_failures", spot.prompt.slug)


def _page(
    request: AuthorRequest,
    form: FailureForm,
    spot: Spot,
    *,
    draft: Draft | None = None,
    is_stale: bool = False,
    findings: Sequence[SecretFinding] = (),
) -> HttpResponse:
    case = spot.run.suite[spot.case_index]
    context = {
        "form": form,
        "spot": spot,
        "row": rows_of(Records(spot.prompt), [RunCase(spot.run, spot.case_index)])[0],
        "name": str(case.get("name", "")),
        "inputs": inputs_of(case),
        "draft": draft,
        "is_stale": is_stale,
        "stored": KnownFailure.objects.get(pk=spot.failure.pk) if is_stale and spot.failure else None,
        "refused": "" if spot.failure else why_not(check_can_shelve, spot.run, spot.case_index),
        **head(spot.prompt, "failures"),
        **shown(request, findings),
    }
    return render(request, "studio/failure_edit.html", context)
