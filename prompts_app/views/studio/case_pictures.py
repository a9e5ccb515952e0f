"""Pictures of a case, or of a prompt's own message: the list, another, and whether readers see each."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render

from prompts_app.access import own_case, own_prompt
from prompts_app.actions.prompts.case_pictures import (
    add_pictures,
    add_to_message,
    hide_picture,
    remove_from_message,
    remove_picture,
    show_picture,
)
from prompts_app.actions.prompts.secrets import find_secrets
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.pictures import SentPicture
from prompts_app.forms.case_pictures import CasePictureForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Case, Prompt
from prompts_app.models.texts import Text
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import AuthorRequest, owner_view, typed
from prompts_app.views.studio.studio_page import done, head, refuse_secrets, shown

_COMMAND = re.compile("(remove|hide|show)-([0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class _Holder:
    """What has the pictures: a case, or the newest version (``case`` is None)."""

    prompt: Prompt
    case: Case | None
    pictures: Sequence[CasePicture]
    address: tuple[str, ...]  # of this page, as ``redirect`` takes it
    add: Callable[[str, str, Sequence[SentPicture], int], object]  # variable, description, first page
    remove: Callable[[int], object]


@owner_view(own_case)
def pictures(request: AuthorRequest, case: Case) -> HttpResponse:
    return _page(
        request,
        _Holder(
            case.prompt,
            case,
            case.as_engine().pictures,
            ("studio_case_pictures", case.prompt.slug, case.public_id),
            partial(add_pictures, case),
            partial(remove_picture, case),
        ),
    )


@owner_view(own_prompt)
def message_pictures(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    latest = prompt.latest_version
    shown_now = latest.pictures if latest else []
    return _page(
        request,
        _Holder(
            prompt,
            None,
            shown_now,
            ("studio_message_pictures", prompt.slug),
            partial(add_to_message, prompt),
            lambda place: remove_from_message(prompt, shown_now[place]),
        ),
    )


def _page(request: AuthorRequest, of: _Holder) -> HttpResponse:
    if request.method == "POST" and (command := _COMMAND.fullmatch(request.POST.get("do", ""))):
        return _changed(request, of, command[1], int(command[2]))
    latest = of.prompt.latest_version
    names = [variable["name"] for variable in latest.variables] if latest else []
    posted = request.method == "POST"
    form = CasePictureForm(names, typed(request), request.FILES if posted else None)
    column = "case.pictures" if of.case else "version.variables"
    said = Text("description of the picture", request.POST.get("alt", ""), column)
    findings = find_secrets([said]) if posted else []
    if posted and form.is_valid():
        refuse_secrets(request, form, of.prompt, findings)
    if posted and form.is_valid():
        data = form.cleaned_data
        with refusals_on(form, "file"):
            of.add(data["variable"], data["alt"], data["file"], data["first"] or 1)
            told = f"Kept, and sent where {{{{{data['variable']}}}}} stands."
            return done(request, told, *of.address)
    private = set(of.prompt.private_spans.values_list("text", flat=True))
    context = {
        **head(of.prompt, "cases" if of.case else "edit"),
        **shown(request, findings),
        "case": of.case,
        "form": form,
        "names": names,
        "pictures": [(one, one.sha256 in private) for one in of.pictures],
    }
    return render(request, "studio/case_pictures.html", context, status=422 if form.errors else 200)


def _changed(request: AuthorRequest, of: _Holder, what: str, place: int) -> HttpResponse:
    with refusals_as_message(request):
        if place >= len(of.pictures):  # removed in another tab
            raise BadRequest("There is no such picture any more. Load the page again.")
        digest = of.pictures[place].sha256
        if what == "remove":
            of.remove(place)
            said = "Removed. Runs that sent it keep theirs."
        elif what == "hide":
            hide_picture(of.prompt, digest)
            said = "Nobody but you sees it from this moment on, on any address."
        else:
            show_picture(of.prompt, digest)
            said = "Whoever may read the prompt sees it."
        return done(request, said, *of.address)
    return redirect(*of.address)
