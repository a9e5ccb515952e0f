"""The failure shelf in the studio: what stands on it, what could, and writing down what was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from prompts_app.access import own_failure, own_prompt, own_run
from prompts_app.actions.prompts import known_failures
from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets
from prompts_app.engine.errors import Refused, why_not
from prompts_app.evidence.case_inputs import inputs_of
from prompts_app.evidence.case_outcomes import rows_of
from prompts_app.evidence.known_failures import fixes_of, items_of, suggestions
from prompts_app.evidence.records import Records, RunCase
from prompts_app.forms.failures import FailureForm
from prompts_app.models import KnownFailure, Prompt, Run, User
from prompts_app.models.texts import Text
from prompts_app.views.signed_in import AuthorRequest, owner_view
from prompts_app.views.studio.drafts import DraftedForm
from prompts_app.views.studio.studio_page import done, head

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


@owner_view(own_prompt)
@require_safe
def failures(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    page = Paginator(suggestions(prompt), A_PAGE).get_page(request.GET.get("page"))
    context = {"items": items_of(Records(prompt)), "page": page, **head(prompt, "failures")}
    return render(request, "studio/failures.html", context)


@require_POST
@owner_view(own_failure)
def move(request: AuthorRequest, failure: KnownFailure) -> HttpResponse:
    known_failures.move_failure(failure, -1 if request.POST.get("step") == "up" else 1)
    return redirect("studio_failures", failure.prompt.slug)


@owner_view(own_failure)
def delete(request: AuthorRequest, failure: KnownFailure) -> HttpResponse:
    if request.method == "POST":
        known_failures.remove_failure(failure)
        said = "It is off the shelf. The run keeps its result."
        return done(request, said, "studio_failures", failure.prompt.slug)
    context = {"failure": failure, **head(failure.prompt, "failures")}
    return render(request, "studio/failure_delete.html", context)


# --- one failure ------------------------------------------------------------------------------------------


def _spot_of(user: User, slug: str, run: str, number: int) -> Spot:
    spot = Spot(own_run(user, slug, run), number - 1)
    if not 0 < number <= len(spot.run.suite):
        raise Http404
    return spot


def _spot_on_shelf(user: User, slug: str, public_id: str) -> Spot:
    failure = own_failure(user, slug, public_id)
    return Spot(failure.run, failure.case_index, failure)


class Diagnosis(DraftedForm[FailureForm]):
    prompt: Prompt
    template = "studio/failure_edit.html"

    def setup(self, request: HttpRequest, spot: Spot) -> None:
        super().setup(request, spot.prompt)
        self.spot, self.draft_page = spot, spot.page

    def get(self, request: HttpRequest, *args: object) -> HttpResponse:
        there = self.spot.run.known_failures.filter(case_index=self.spot.case_index).first()
        if there and not self.spot.failure:
            return redirect("studio_failure", self.prompt.slug, there.public_id)
        return super().get(request)

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> FailureForm:
        spot = self.spot
        return FailureForm(fixes_of(spot.run, spot.case_index), spot.failure, typed=typed, judged=judged)

    def findings(self, form: FailureForm) -> Sequence[SecretFinding]:
        typed = form.cleaned_data.get("diagnosis", "") if form.is_valid() else ""
        return find_secrets([Text("diagnosis", typed, "knownfailure.diagnosis")])

    def save(self, form: FailureForm) -> HttpResponse:
        data, spot = form.cleaned_data, self.spot
        try:
            if spot.failure:
                seen = None if self.do == "save-anyway" else data["revision"]
                known_failures.change_failure(
                    spot.failure, data["diagnosis"], data["fixed_in"], seen_revision=seen
                )
            else:
                known_failures.shelve(spot.run, spot.case_index, data["diagnosis"], data["fixed_in"])
        except StaleEdit as stale:
            form.add_error(None, str(stale))
            raise
        except Refused:  # the page itself says why
            self.keep_posted()
            return self.page(form)
        said = f"Case {spot.number} is on the failure shelf."
        return self.saved(said, "studio_failures", spot.prompt.slug)

    def context(self, form: FailureForm) -> dict[str, Any]:
        spot = self.spot
        case = spot.run.suite[spot.case_index]
        refused = "" if spot.failure else why_not(known_failures.check_can_shelve, spot.run, spot.case_index)
        return {
            "form": form,
            "spot": spot,
            "row": rows_of(Records(spot.prompt), [RunCase(spot.run, spot.case_index)])[0],
            "name": str(case.get("name", "")),
            "inputs": inputs_of(case),
            "refused": refused,
            **head(spot.prompt, "failures"),
        }

    def stale(self, form: FailureForm) -> dict[str, Any]:
        return {"stored": KnownFailure.objects.get(pk=self.spot.failure.pk) if self.spot.failure else None}


new = owner_view(_spot_of)(Diagnosis.as_view())
edit = owner_view(_spot_on_shelf)(Diagnosis.as_view())
