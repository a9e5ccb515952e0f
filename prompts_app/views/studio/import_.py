"""Bringing a file in: upload it, see what is in it, say yes, see what came of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from prompts_app.access import own_import_draft
from prompts_app.actions.bundle_in import BundleRefused
from prompts_app.actions.import_ import ImportReport, TooManyPrompts
from prompts_app.actions.import_ import preview as preview_of
from prompts_app.actions.import_files import AlreadyImported, import_file, keep_file
from prompts_app.engine.formats import FormatError, Parsed, parse
from prompts_app.forms.import_ import ConfirmForm, UploadForm
from prompts_app.models import ImportDraft
from prompts_app.views.studio.door import AuthorRequest, keeps_typing, typing_kept

SESSION_KEY = "import_report"
MOST_LISTED = 50  # of each list in a preview or a report: the rest is counted


@keeps_typing
def upload(request: AuthorRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if posted else UploadForm(typing_kept(request))
    if posted and form.is_valid():
        draft = keep_file(request.user, form.name, form.content)
        query = {"as": form.cleaned_data["kind"]} if form.cleaned_data["kind"] else {}
        return redirect(reverse("studio_import_preview", args=[draft.public_id], query=query))
    return render(request, "studio/import.html", {"form": form, "here": "import"})


@keeps_typing
def preview(request: AuthorRequest, public_id: str) -> HttpResponse:
    if _was_imported(request, public_id):  # the button was pressed twice, or the way back was taken
        return redirect("studio_import_done")
    try:
        draft = own_import_draft(request.user, public_id)
    except Http404:
        if _was_imported(request, public_id, looked_up=True):
            return redirect("studio_import_done")
        raise
    try:
        parsed = parse(draft.name, bytes(draft.data), hint=request.GET.get("as", ""))
        if request.method == "POST" and (form := ConfirmForm(data=request.POST)).is_valid():
            return _import(request, draft, parsed, form)
        shown = preview_of(parsed, request.user)
    except (FormatError, TooManyPrompts, BundleRefused) as error:
        messages.error(request, str(error))
        return redirect("studio_import")
    form = ConfirmForm(shown.offered)
    context = {"draft": draft, "preview": shown, "form": form, **_left_out(shown.report), "here": "import"}
    return render(request, "studio/import_preview.html", context)


def _was_imported(request: AuthorRequest, public_id: str, *, looked_up: bool = False) -> bool:
    """Whether the report kept is of this file. ``looked_up``: as another request may just have left it."""
    key = request.session.session_key
    session = type(request.session)(key) if looked_up and key else request.session
    report = session.get(SESSION_KEY)
    return report is not None and report["file"] == public_id


def _import(request: AuthorRequest, draft: ImportDraft, parsed: Parsed, form: ConfirmForm) -> HttpResponse:
    file = draft.public_id

    def keep(report: ImportReport) -> None:
        request.session[SESSION_KEY] = {"file": file, **_for_session(report)}
        request.session.save()

    with suppress(AlreadyImported):
        import_file(draft, parsed, form.options(), keep_report=keep)
    return redirect("studio_import_done")


def _for_session(report: ImportReport) -> dict[str, Any]:
    """The report as the session keeps it: whole in its counts, short in its lists."""
    return {
        "counts": {
            "prompts": len(report.prompts),
            "versions": report.versions,
            "cases": report.cases,
            "assertions": report.assertions,
            "results": report.results,
        },
        "added_to": [
            {"title": added.prompt.title, "slug": added.prompt.slug, "what": added.what}
            for added in report.added_to[:MOST_LISTED]
        ],
        "prompts": [{"title": prompt.title, "slug": prompt.slug} for prompt in report.prompts[:MOST_LISTED]],
        "more": max(0, len(report.prompts) - MOST_LISTED),
        **_left_out(report),
    }


def _left_out(report: ImportReport) -> dict[str, Any]:
    """For studio/_import_left_out.html: pairs of what and where or why, and how many there are in all."""
    problems = [(problem.what, problem.where) for problem in report.unsupported]
    skips = [(skip.what, skip.why) for skip in report.skipped]
    return {
        "unsupported": problems[:MOST_LISTED],
        "unsupported_count": len(problems),
        "unsupported_more": len(problems) - MOST_LISTED,
        "skipped": skips[:MOST_LISTED],
        "skipped_count": len(skips),
        "skipped_more": len(skips) - MOST_LISTED,
    }


@keeps_typing
def done(request: AuthorRequest) -> HttpResponse:
    report = request.session.get(SESSION_KEY)
    if not report:
        return redirect("studio_import")
    return render(request, "studio/import_done.html", {"report": report, "here": "import"})


@require_POST
@keeps_typing
def discard(request: AuthorRequest, public_id: str) -> HttpResponse:
    own_import_draft(request.user, public_id).delete()
    messages.success(request, "The file is discarded. Nothing was imported.")
    return redirect("studio_import")
