"""An output from elsewhere, pasted by hand: evidence level 0."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_POST

from prompts_app.access import own_pasted_run, own_prompt
from prompts_app.actions.prompts.publish import findings_in_outputs
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.actions.runs.judge_pasted import judge_pasted, needs_of_waiting, waiting_for_judge
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.actions.runs.paste import paste_output
from prompts_app.forms.evidence import PasteForm
from prompts_app.forms.judge import PastedJudgeForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Endpoint, Prompt, Result, Run
from prompts_app.views.signed_in import AuthorRequest, owner_view, typed
from prompts_app.views.studio.studio_page import done, refuse_secrets, shown

MOST_LISTED = 20  # outputs on the page that asks a judge


@owner_view(own_prompt)
def paste(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    form = PasteForm(typed(request), request.FILES or None, prompt=prompt, initial=request.GET.dict())
    findings: Sequence[SecretFinding] = ()
    if request.method == "POST" and form.is_valid():
        findings = findings_in_outputs([form.cleaned_data["output"]], form.cleaned_data["model"])
        refuse_secrets(request, form, prompt, findings)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            result = paste_output(prompt, **form.cleaned_data)
            return done(request, _said(result), _next(prompt, form))
    context = {
        "prompt": prompt,
        "form": form,
        "can_paste": prompt.versions.exists() and prompt.cases.exists(),
        "pasted": prompt.runs.pasted().select_related("version").with_result_count(),
        "here": "runs",
        **shown(request, findings),
    }
    return render(request, "studio/paste.html", context)


def _said(result: Result) -> str:
    unjudged = "it is not judged yet" if result.checks else "there was no assertion to hold it to"
    verdict = {True: "it passes", False: "it fails", None: unjudged}[result.passed]
    return f"Kept the output for “{result.case['name']}”: {verdict}."


def _next(prompt: Prompt, form: PasteForm) -> str:
    """The same page for the case after this one, with what stays the same filled in."""
    data = form.cleaned_data
    after = prompt.cases.in_order().filter(position__gt=data["case"].position).first() or data["case"]
    query = {
        "version": data["version"].number,
        "case": after.public_id,
        "model": data["model"],
        "date": data["date"].isoformat(),
    }
    return reverse("studio_paste", args=[prompt.slug], query=query)


@owner_view(own_pasted_run)
def judge(request: AuthorRequest, run: Run) -> HttpResponse:
    """Have the outputs of one version and model graded that wait for a judge."""
    slug = run.prompt.slug
    waiting = waiting_for_judge(run)
    if not waiting:
        messages.info(request, "No pasted output waits for a judge.")
        return redirect("studio_paste", slug)
    needs, endpoints = needs_of_waiting(waiting), list(Endpoint.objects.filter(owner=request.user))
    form = PastedJudgeForm(typed(request), needs=needs, endpoints=endpoints)
    if request.method == "POST" and form.is_valid() and _was_judged(request, run, form):
        return redirect("studio_paste", slug)
    context = {
        "prompt": run.prompt,
        "run": run,
        "form": form,
        "waiting": waiting[:MOST_LISTED],
        "here": "runs",
        "needs": needs,
        "outputs": len(waiting),
    }
    return render(request, "studio/paste_judge.html", context)


def _was_judged(request: AuthorRequest, run: Run, form: PastedJudgeForm) -> bool:
    with refusals_on(form):
        chosen = form.cleaned_data
        judged = judge_pasted(run, chosen["judge"], cost_cap=chosen["cost_cap"])
        messages.success(
            request, f"{judged.graded} output{pluralize(judged.graded)} graded; they stay level 0."
        )
        if judged.left:
            why = judged.why or "There was no time for them: ask again."
            messages.warning(request, f"{judged.left} output{pluralize(judged.left)} not graded. {why}")
    return form.is_valid()


@require_POST
@owner_view(own_pasted_run)
def delete(request: AuthorRequest, run: Run) -> HttpResponse:
    delete_runs(run.prompt, [run])
    return done(request, "Deleted the pasted outputs.", "studio_paste", run.prompt.slug)
