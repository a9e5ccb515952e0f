"""Bringing a file in: upload it, see what is in it, say yes, watch it come in, and take it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from prompts_app.access import own_import
from prompts_app.actions.importing import job
from prompts_app.actions.importing.apply import preview as preview_of
from prompts_app.actions.importing.job import MOST_LISTED
from prompts_app.actions.importing.report import ImportReport
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats import FORMATS, format_named
from prompts_app.engine.formats.parsed_file import read_file
from prompts_app.engine.limited_process import FILE, apart
from prompts_app.forms.import_ import ConfirmForm, UploadForm
from prompts_app.models import Import
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import STOP_POLLING, AuthorRequest, author_view, owner_view, typing_kept
from prompts_app.views.studio.studio_page import done

EARLIER = 20  # imports that are listed


@author_view
def upload(request: AuthorRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if posted else UploadForm(typing_kept(request))
    if posted and form.is_valid():
        row = job.keep_file(request.user, form.name, form.content, form.read)
        return redirect("studio_import_one", row.public_id)
    earlier = request.user.imports.defer("data", "made")[:EARLIER]
    return render(request, "studio/import.html", {"form": form, "earlier": earlier, "here": "import"})


@owner_view(own_import)
@vary_on_headers("HX-Request")
def one(request: AuthorRequest, row: Import) -> HttpResponse:
    if row.state == Import.State.PREVIEW:
        return _preview(request, row)
    if request.method == "POST":  # the button was pressed twice
        return redirect("studio_import_one", row.public_id)
    context = {"row": row, "here": "import", "skipped": [], "unsupported": [], **_listed(row.report)}
    if row.is_under_way:
        name = "_import_progress" if request.htmx else "import_progress"
        return render(request, f"studio/{name}.html", context)
    if request.htmx:  # it has ended: the whole page is another
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    return render(request, "studio/import_done.html", context)


def _preview(request: AuthorRequest, row: Import) -> HttpResponse:
    shown = None
    with refusals_as_message(request):
        if request.method == "POST" and "as" in request.POST:
            return _read_otherwise(row, request.POST["as"])
        if request.method == "POST" and (form := ConfirmForm(data=request.POST)).is_valid():
            job.start(row, form.options())
            return redirect("studio_import_one", row.public_id)
        if not row.parts.exists():  # an earlier release kept the file alone
            raise Refused("unread", "This site was renewed since the file was sent. Send it again.")
        shown = preview_of(job.parts_of(row), request.user)
    if shown is None:
        return redirect("studio_import")
    read_as, recognised = row.options.get("read_as", ""), row.options.get("recognised", {})
    context = {
        "draft": row,
        "preview": shown,
        "form": ConfirmForm(shown.offered),
        **_left_out(shown.report),
        "here": "import",
        "read_as": format_named(read_as).label if read_as else "",
        "otherwise": [(key, label) for key, label in recognised.items() if key != read_as],
    }
    return render(request, "studio/import_preview.html", context)


def _read_otherwise(row: Import, kind: str) -> HttpResponse:
    """Raises Refused."""
    if kind in {one.key for one in FORMATS}:
        job.keep_parts(row, apart(FILE, read_file, row.name, bytes(row.data), hint=kind))
    return redirect("studio_import_one", row.public_id)


def _left_out(report: ImportReport) -> dict[str, Any]:
    """For studio/_import_left_out.html: pairs of what and where or why, and how many there are in all."""
    return {
        "unsupported": [(one.what, one.where) for one in report.unsupported[:MOST_LISTED]],
        "unsupported_count": len(report.unsupported),
        "skipped": [(one.what, one.why) for one in report.skipped[:MOST_LISTED]],
        "skipped_count": len(report.skipped),
    }


def _listed(report: dict[str, Any]) -> dict[str, Any]:
    """The same, of the report of an import (see actions.importing.job)."""
    counts = report.get("counts", {})
    return {
        "counts": counts,
        "unsupported": report.get("unsupported", []),
        "unsupported_count": counts.get("unsupported", 0),
        "skipped": report.get("skipped", []),
        "skipped_count": counts.get("skipped", 0),
    }


@require_POST
@owner_view(own_import)
def discard(request: AuthorRequest, row: Import) -> HttpResponse:
    if row.state != Import.State.PREVIEW:
        return redirect("studio_import")
    row.delete()
    return done(request, "The file is discarded. Nothing was imported.", "studio_import")


@require_POST
@owner_view(own_import)
def stop_one(request: AuthorRequest, row: Import) -> HttpResponse:
    with refusals_as_message(request):
        job.stop(row)
    return redirect("studio_import_one", row.public_id)


@owner_view(own_import)
def undo_one(request: AuthorRequest, row: Import) -> HttpResponse:
    if not row.can_be_undone:
        messages.error(request, "There is nothing of this import left to be undone.")
        return redirect("studio_import_one", row.public_id)
    if request.method == "POST":
        with refusals_as_message(request):
            job.undo(row, keep_changed="keep" in request.POST)
        return redirect("studio_import_one", row.public_id)
    changed = job.changed_by_author(row)
    context = {
        "row": row,
        "prompts": len(row.made.get("prompts", ())),
        "changed": changed[:MOST_LISTED],
        "changed_count": len(changed),
        "here": "import",
    }
    return render(request, "studio/import_undo.html", context)
