"""The pictures of a case: the list, another, and for each whether readers see it."""

import re

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render

from prompts_app.access import own_case
from prompts_app.actions.prompts.case_pictures import (
    add_pictures,
    hide_picture,
    remove_picture,
    show_picture,
)
from prompts_app.actions.prompts.secrets import find_secrets
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.forms.case_pictures import CasePictureForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Case
from prompts_app.models.texts import Text
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import AuthorRequest, owner_view, typed
from prompts_app.views.studio.studio_page import done, head, refuse_secrets, shown

_COMMAND = re.compile("(remove|hide|show)-([0-9]{1,2})")


@owner_view(own_case)
def pictures(request: AuthorRequest, case: Case) -> HttpResponse:
    if request.method == "POST" and (command := _COMMAND.fullmatch(request.POST.get("do", ""))):
        return _changed(request, case, command[1], int(command[2]))
    latest = case.prompt.latest_version
    names = [variable["name"] for variable in latest.variables] if latest else []
    posted = request.method == "POST"
    form = CasePictureForm(names, typed(request), request.FILES if posted else None)
    said = Text("description of the picture", request.POST.get("alt", ""), "case.pictures")
    findings = find_secrets([said]) if posted else []
    if posted and form.is_valid():
        refuse_secrets(request, form, case.prompt, findings)
    if posted and form.is_valid():
        data = form.cleaned_data
        with refusals_on(form, "file"):
            add_pictures(case, data["variable"], data["alt"], data["file"], data["first"] or 1)
            told = f"Kept, and sent where {{{{{data['variable']}}}}} stands."
            return done(request, told, "studio_case_pictures", case.prompt.slug, case.public_id)
    private = set(case.prompt.private_spans.values_list("text", flat=True))
    context = {
        **head(case.prompt, "cases"),
        **shown(request, findings),
        "case": case,
        "form": form,
        "names": names,
        "pictures": [(one, one.sha256 in private) for one in case.as_engine().pictures],
    }
    return render(request, "studio/case_pictures.html", context, status=422 if form.errors else 200)


def _changed(request: AuthorRequest, case: Case, what: str, place: int) -> HttpResponse:
    with refusals_as_message(request):
        one = _picture_at(case, place)
        if what == "remove":
            remove_picture(case, place)
            said = "Removed. Runs that sent it keep theirs."
        elif what == "hide":
            hide_picture(case.prompt, one.sha256)
            said = "Nobody but you sees it from this moment on, on any address."
        else:
            show_picture(case.prompt, one.sha256)
            said = "Whoever may read the prompt sees it."
        return done(request, said, "studio_case_pictures", case.prompt.slug, case.public_id)
    return redirect("studio_case_pictures", case.prompt.slug, case.public_id)


def _picture_at(case: Case, place: int) -> CasePicture:
    known = case.as_engine().pictures
    if place >= len(known):  # removed in another tab
        raise BadRequest("There is no such picture any more. Load the page again.")
    return known[place]
