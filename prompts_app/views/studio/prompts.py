"""One of the author's prompts: what is typed, its details, deleting."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST

from prompts_app.access import own_prompt, own_version
from prompts_app.actions.prompts import save as saving
from prompts_app.actions.prompts.drafts import keep_draft as keep
from prompts_app.actions.prompts.guide import SECTIONS as GUIDED
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.publish import findings_in_details
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.engine.errors import OnRefusal, why_not
from prompts_app.forms.details import DetailsForm
from prompts_app.models import Prompt, Result, Version
from prompts_app.views.signed_in import AuthorRequest, author_view, owner_view
from prompts_app.views.studio.drafts import DraftedForm, draft_key
from prompts_app.views.studio.studio_page import done, head

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
