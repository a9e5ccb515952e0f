"""Taking everything along: files made in the background where there is much."""

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from prompts_app.access import own_export
from prompts_app.actions.exporting.job import file_of, files_of, newest_export, start_export
from prompts_app.models import Prompt
from prompts_app.models.jobs import KEPT_FOR
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import STOP_POLLING, AuthorRequest, author_view


@author_view
@vary_on_headers("HX-Request")
def export(request: AuthorRequest) -> HttpResponse:
    """What there is to take, and how far the newest files are; asked by htmx, only that."""
    if request.method == "POST":
        with refusals_as_message(request):
            start_export(request.user)
        return redirect("studio_export")
    job = newest_export(request.user)
    context = {
        "job": job,
        "prompts": Prompt.objects.owned_by(request.user).count(),
        "files": files_of(job) if job else [],
        "kept_until": job.finished_at + KEPT_FOR if job and job.finished_at else None,
        "here": "import",
    }
    if not request.htmx:
        return render(request, "studio/export.html", context)
    status = 200 if job and job.is_under_way else STOP_POLLING
    return render(request, "studio/_export_progress.html", context, status=status)


@author_view
@require_safe
def file(request: AuthorRequest, public_id: str, number: int) -> FileResponse:
    job = own_export(request.user, public_id)
    files = files_of(job)
    if not 0 < number <= len(files):
        raise Http404
    name = f"{request.user.handle}-{number}.json" if len(files) > 1 else f"{request.user.handle}.json"
    whole = file_of(job, files[number - 1])
    return FileResponse(whole, as_attachment=True, filename=name, content_type="application/json")
