"""Runs: choose what to ask, watch it being asked, stop it, go on, delete it."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST

from prompts_app.access import own_batch, own_prompt, own_run_of_batch
from prompts_app.actions.runs.batches import batches_of
from prompts_app.actions.runs.lifecycle import (
    ask_again,
    can_delete,
    cancel_run,
    delete_batch,
    request_cancel,
    start_once,
    tombstones_of,
)
from prompts_app.actions.runs.progress import Failure, progress_of
from prompts_app.evidence.checks import checks_of, first_failing
from prompts_app.forms.evidence import AskAgainForm, RunForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Result
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.studio.signed_in import STOP_POLLING, AuthorRequest, author_view, typing_kept

A_PAGE = 25
PRESSED_AGAIN = timedelta(minutes=1)  # later, somebody came back to an old page
STARTED_BEFORE = "That page had started this run already. For one more with the same choices, open Run anew."


@author_view
def start(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    form = RunForm(request.POST or typing_kept(request) or None, prompt=prompt)
    context = {"prompt": prompt, "form": form, "here": "runs"}
    if request.method == "POST" and "look" in request.POST:
        return _look(request, context)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):  # the suite may have changed between the check and the start
            batch = start_once(prompt, form.plan(), press=form.press)
            if timezone.now() - batch.created_at > PRESSED_AGAIN:
                messages.info(request, STARTED_BEFORE)
            return redirect(batch)
    return render(request, "studio/run_start.html", context)


def _look(request: AuthorRequest, context: dict[str, object]) -> HttpResponse:
    """The same page for other choices, with nothing judged and nothing started."""
    context |= {"only_looking": True}
    template = "studio/_run_choices.html" if request.htmx else "studio/run_start.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@author_view
def runs(request: AuthorRequest) -> HttpResponse:
    page = Paginator(batches_of(request.user), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "studio/runs.html", {"page": page, "here": "runs"})


def _blamed(failure: Failure) -> tuple[str, str]:
    """The assertion to blame in words, and its reason."""
    check = first_failing(checks_of(failure.result.checks))
    return (check.words, check.reason) if check else ("", "")


@author_view
def batch(request: AuthorRequest, public_id: str) -> HttpResponse:
    """The live page; asked by htmx, only what changes, with the status that ends the polling at the end."""
    progress = progress_of(own_batch(request.user, public_id))
    context = {
        "batch": progress.batch,
        "prompt": progress.batch.prompt,
        "progress": progress,
        "failures": [(failure, _blamed(failure)) for failure in progress.failures],
        "here": "runs",
    }
    if request.htmx:
        status = 200 if progress.under_way else STOP_POLLING
        response = render(request, "studio/_batch_progress.html", context | {"fragment": True}, status=status)
    else:
        response = render(request, "studio/batch.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@author_view
def cancel(request: AuthorRequest, public_id: str) -> HttpResponse:
    batch = own_batch(request.user, public_id)
    request_cancel(batch)
    messages.success(request, "Cancelled. What was answered is kept as a partial run, which never counts.")
    return redirect(batch)


@require_POST
@author_view
def cancel_one(request: AuthorRequest, public_id: str, run_id: str) -> HttpResponse:
    """End one run of a batch, so that the others need not wait for it."""
    run = own_run_of_batch(request.user, public_id, run_id)
    if run.is_under_way:
        cancel_run(run)
        messages.success(request, f"{run} is ended without waiting for it; the others go on.")
    else:
        messages.info(request, f"{run} had ended already.")
    return redirect("studio_batch", public_id)


@require_POST
@author_view
def again(request: AuthorRequest, public_id: str) -> HttpResponse:
    batch = own_batch(request.user, public_id)
    form = AskAgainForm(request.POST)
    if not form.is_valid():
        wrong = form["cost_cap"].errors or ["Choose a run to go on with."]
        messages.error(request, " ".join(str(sentence) for sentence in wrong))
        return redirect(batch)
    run = (
        batch.runs.filter(public_id=form.cleaned_data["run"])
        .select_related("prompt", "batch", "endpoint")
        .first()
    )
    if run is None:
        raise Http404
    with refusals_as_message(request):
        ask_again(run, cost_cap=form.cleaned_data["cost_cap"])
    return redirect(batch)


@author_view
def delete(request: AuthorRequest, public_id: str) -> HttpResponse:
    batch = own_batch(request.user, public_id)
    runs = list(batch.runs.select_related("version", "prompt").with_result_count().order_by("pk"))
    if request.method == "POST":
        with refusals_as_message(request):
            delete_batch(batch)
            messages.success(request, "Deleted.")
            return redirect("studio_runs")
        return redirect(batch)
    context = {
        "batch": batch,
        "runs": runs,
        "answers": Result.objects.filter(run__in=runs).count(),
        "tombstones": tombstones_of(runs),
        "can_delete": can_delete(batch),
        "here": "runs",
    }
    return render(request, "studio/batch_delete.html", context)
