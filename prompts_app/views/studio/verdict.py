"""The author looks at an output and says whether it passes."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from prompts_app.access import own_result
from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets
from prompts_app.actions.runs import verdict as verdicts
from prompts_app.engine.errors import why_not
from prompts_app.evidence.case_inputs import pictures_of
from prompts_app.evidence.checks import checks_of
from prompts_app.evidence.steps import steps_of
from prompts_app.forms.verdict import FAIL, PASS, VerdictForm
from prompts_app.models import Result
from prompts_app.models.texts import Text
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import AuthorRequest, owner_view, typing_kept
from prompts_app.views.studio.studio_page import done, refuse_secrets, shown

MOST_SHOWN = 200_000  # characters of an output


@dataclass(frozen=True, slots=True)
class AskedVerdict:
    """One verdict to give or to change; ``place`` None for the one no assertion asks for."""

    place: int | None
    look_at: str
    is_given: bool
    form: VerdictForm


@owner_view(own_result)
def verdict(request: AuthorRequest, result: Result) -> HttpResponse:
    typed, findings = None, list[SecretFinding]()
    if request.method == "POST":
        typed = VerdictForm(request.POST, prefix=request.POST.get("which") or None)
        if typed.is_valid() and "take-back" not in request.POST:
            findings = find_secrets([Text("note", typed.cleaned_data["note"], "result.checks")])
            refuse_secrets(request, typed, result.run.prompt, findings)
        if typed.is_valid() or ("take-back" in request.POST and "place" not in typed.errors):
            return _decide(request, result, typed)
    elif kept := typing_kept(request):
        typed = VerdictForm(kept, prefix=kept.get("which") or None)
    context = {**_context(result, typed), **shown(request, findings)}
    return render(request, "studio/verdict.html", context)


def _decide(request: AuthorRequest, result: Result, form: VerdictForm) -> HttpResponse:
    data = form.cleaned_data
    with refusals_as_message(request):
        if "take-back" in request.POST:
            verdicts.take_back(result, place=data["place"])
            said = "Your verdict is taken back, and the run is counted anew."
            return done(request, said, "studio_verdict", result.public_id)
        note, place = data["note"], data["place"]
        verdicts.give_verdict(result, request.user, passed=form.passed, note=note, place=place)
        said = "Kept as your own verdict, and the run is counted anew."
        waiting = verdicts.waiting_for_author(result.run)
        return done(request, said, "studio_verdict", waiting[0] if waiting else result.public_id)
    return redirect("studio_verdict", result.public_id)


def _context(result: Result, typed: VerdictForm | None) -> dict[str, Any]:
    refused = why_not(verdicts.check_can_judge, result)
    waiting = verdicts.waiting_for_author(result.run)
    return {
        "prompt": result.run.prompt,
        "run": result.run,
        "result": result,
        "output": result.output[:MOST_SHOWN],
        "is_cut": len(result.output) > MOST_SHOWN,
        "steps": steps_of(result.request),
        "checks": checks_of(result.checks),
        "pictures": pictures_of(result.case) if result.case_index < len(result.run.suite) else (),
        "asked": [] if refused else _asked(result, typed),
        "refused": refused,
        "waiting": len(waiting),
        "next": next((public_id for public_id in waiting if public_id != result.public_id), ""),
        "here": "runs",
    }


def _asked(result: Result, typed: VerdictForm | None) -> list[AskedVerdict]:
    """One for each assertion that asks for the author, else the one that nobody asked for."""
    own = verdicts.asked_for(result)
    places: list[int | None] = [place for place in verdicts.human_places(result) if place < own]
    return [_one(result, place, typed) for place in places or [None]]


def _one(result: Result, place: int | None, typed: VerdictForm | None) -> AskedVerdict:
    at = verdicts.human_places(result)[-1:] if place is None else [place]
    check = result.checks[at[0]] if at else {}
    is_given = check.get("passed") is not None
    prefix = "own" if place is None else f"check-{place}"
    if typed is not None and typed.prefix == prefix:
        form = typed
    else:
        given = {"verdict": PASS if check["passed"] else FAIL, "note": check["reason"]} if is_given else {}
        form = VerdictForm(prefix=prefix, initial={"place": place, **given})
    return AskedVerdict(place, str(check.get("value") or ""), is_given, form)
