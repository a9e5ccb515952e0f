"""Runs: choose what to ask, watch it being asked, stop it, go on, delete it."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from prompts_app.access import own_batch, own_prompt, own_run_of_batch
from prompts_app.actions.runs import lifecycle
from prompts_app.actions.runs.batches import batches_of
from prompts_app.actions.runs.progress import Failure, progress_of
from prompts_app.evidence.checks import checks_of, first_failing
from prompts_app.forms.evidence import AskAgainForm, RunForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Batch, Prompt, Result, Run
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import STOP_POLLING, AuthorRequest, author_view, owner_view, typed
from prompts_app.views.studio.studio_page import done

A_PAGE = 25
PRESSED_AGAIN = timedelta(minutes=1)  # later, somebody came back to an old page
STARTED_BEFORE = "That page had started this run already. For one more with the same choices, open Run anew."


@owner_view(own_prompt)
@vary_on_headers("HX-Request")
def start(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    """Where the choices are only looked at ("look"), nothing is judged and nothing started."""
    form = RunForm(typed(request), prompt=prompt)
    context = {"prompt": prompt, "form": form, "here": "runs"}
    if request.method == "POST" and "look" in request.POST:
        template = "studio/_run_choices.html" if request.htmx else "studio/run_start.html"
        return render(request, template, context | {"only_looking": True})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):  # the suite may have changed between the check and the start
            batch = lifecycle.start_once(prompt, form.plan(), press=form.press)
            if timezone.now() - batch.created_at > PRESSED_AGAIN:
                messages.info(request, STARTED_BEFORE)
            return redirect(batch)
    return render(request, "studio/run_start.html", context)


@author_view
def runs(request: AuthorRequest) -> HttpResponse:
    page = Paginator(batches_of(request.user), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "studio/runs.html", {"page": page, "here": "runs"})


def _blamed(failure: Failure) -> tuple[str, str]:
    """The assertion to blame in words, and its reason."""
    check = first_failing(checks_of(failure.result.checks))
    return (check.words, check.reason) if check else ("", "")


@owner_view(own_batch)
@vary_on_headers("HX-Request")
def batch(request: AuthorRequest, batch: Batch) -> HttpResponse:
    """The live page; asked by htmx, only what changes, with the status that ends the polling at the end."""
    progress = progress_of(batch)
    context = {
        "batch": progress.batch,
        "prompt": progress.batch.prompt,
        "progress": progress,
        "failures": [(failure, _blamed(failure)) for failure in progress.failures],
        "here": "runs",
    }
    if not request.htmx:
        return render(request, "studio/batch.html", context)
    status = 200 if progress.under_way else STOP_POLLING
    return render(request, "studio/_batch_progress.html", context | {"fragment": True}, status=status)


@require_POST
@owner_view(own_batch)
def cancel(request: AuthorRequest, batch: Batch) -> HttpResponse:
    lifecycle.request_cancel(batch)
    said = "Cancelled. What was answered is kept as a partial run, which never counts."
    return done(request, said, batch)


@require_POST
@owner_view(own_run_of_batch)
def cancel_one(request: AuthorRequest, run: Run) -> HttpResponse:
    """End one run of a batch, so that the others need not wait for it."""
    if run.is_under_way:
        lifecycle.cancel_run(run)
        messages.success(request, f"{run} is ended without waiting for it; the others go on.")
    else:
        messages.info(request, f"{run} had ended already.")
    assert run.batch is not None  # it was found by it
    return redirect(run.batch)


@require_POST
@owner_view(own_batch)
def again(request: AuthorRequest, batch: Batch) -> HttpResponse:
    form = AskAgainForm(request.POST)
    if not form.is_valid():
        wrong = form["cost_cap"].errors or ["Choose a run to go on with."]
        messages.error(request, " ".join(str(sentence) for sentence in wrong))
        return redirect(batch)
    run = own_run_of_batch(request.user, batch.public_id, form.cleaned_data["run"])
    with refusals_as_message(request):
        lifecycle.ask_again(run, cost_cap=form.cleaned_data["cost_cap"])
    return redirect(batch)


@owner_view(own_batch)
def delete(request: AuthorRequest, batch: Batch) -> HttpResponse:
    runs = list(batch.runs.select_related("version", "prompt").with_result_count().order_by("pk"))
    if request.method == "POST":
        with refusals_as_message(request):
            lifecycle.delete_batch(batch)
            return done(request, "Deleted.", "studio_runs")
        return redirect(batch)
    context = {
        "batch": batch,
        "runs": runs,
        "answers": Result.objects.filter(run__in=runs).count(),
        "tombstones": lifecycle.tombstones_of(runs),
        "can_delete": lifecycle.can_delete(batch),
        "here": "runs",
    }
    return render(request, "studio/batch_delete.html", context)
