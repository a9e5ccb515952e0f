"""What is done with the prompts that are ticked in the list of one's own."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.prompts import many as many_prompts
from prompts_app.actions.prompts.secrets import grouped
from prompts_app.engine.errors import Refused, why_not
from prompts_app.engine.formats import bundle as bundle_format
from prompts_app.engine.wording import how_many
from prompts_app.evidence.own_prompts import OwnPrompts, read_own_search
from prompts_app.forms.many_prompts import ManyPromptsForm
from prompts_app.models import Profile, Prompt, Task, Visibility
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import AuthorRequest, author_view

MOST_EXPORTED = 200  # at once; the page of exports makes files of any number


@author_view
def many(request: AuthorRequest) -> HttpResponse:
    """The form round the list: what ``do`` says, with those ticked, or with all that are found."""
    search = read_own_search(request.GET)
    back = f"{reverse('studio')}?{search.query()}".removesuffix("?")
    form = ManyPromptsForm(request.POST)
    if request.method != "POST":
        return redirect(back)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(back)
    own = OwnPrompts(request.user, search)
    prompts = own.all_of_them() if form.cleaned_data["every"] else own.ticked(request.POST.getlist("prompt"))
    if not prompts:
        messages.error(request, "Tick at least one prompt first.")
        return redirect(back)
    with refusals_as_message(request):
        answer = _do(request, form.cleaned_data, prompts, search.query())
        if isinstance(answer, HttpResponse):
            return answer
        if answer:
            messages.success(request, answer)
    return redirect(back)


def _do(
    request: AuthorRequest, asked: dict[str, Any], prompts: list[Prompt], query: str
) -> HttpResponse | str:
    """A page, or what was done, as a sentence. Raises Refused."""
    match asked["do"]:
        case "export":
            return _export(request, prompts)
        case "visibility":
            return _show(request, asked, prompts, query)
    return CHANGES[asked["do"]](prompts, asked)


def _tag(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    n = many_prompts.add_tags(prompts, asked["tags"])
    full = len(prompts) - n
    rest = f" {how_many(full, 'prompt')} had no room for more tags." if full else ""
    return f"{how_many(n, 'prompt')} now tagged {', '.join(asked['tags'])}.{rest}"


def _untag(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    n = many_prompts.remove_tags(prompts, asked["tags"])
    return f"Taken off {how_many(n, 'prompt')}: {', '.join(asked['tags'])}."


def _task(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    n = many_prompts.set_task(prompts, asked["task"])
    return f"{how_many(n, 'prompt')} now under {Task(asked['task']).label}."


def _archive(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    n = many_prompts.archive(prompts)
    return f"{how_many(n, 'prompt')} archived: in no list, but at the same addresses."


def _restore(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    return f"{how_many(many_prompts.archive(prompts, archived=False), 'prompt')} back in the lists."


def _delete(prompts: list[Prompt], asked: dict[str, Any]) -> str:
    many_prompts.delete_for_now(prompts)
    return ""  # the list says it, and offers to take it back


# What the buttons do that need no page of their own: a sentence of what was done.
CHANGES: dict[str, Callable[[list[Prompt], dict[str, Any]], str]] = {
    "tag": _tag,
    "untag": _untag,
    "task": _task,
    "archive": _archive,
    "restore": _restore,
    "delete": _delete,
}


def _export(request: AuthorRequest, prompts: list[Prompt]) -> HttpResponse:
    if len(prompts) > MOST_EXPORTED:
        raise Refused(
            "too_many",
            f"At most {MOST_EXPORTED} prompts go into one file here. Export of your profile makes one of any "
            "number.",
        )
    chosen = Prompt.objects.owned_by(request.user).filter(pk__in=[prompt.pk for prompt in prompts])
    text = bundle_format.emit(export_bundle(request.user, chosen, everything=True))
    name = f"{request.user.handle}-{len(prompts)}-prompts.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(
        text.encode("utf-8", "surrogatepass"), content_type="application/json", headers=headers
    )


def _show(
    request: AuthorRequest, asked: dict[str, Any], prompts: list[Prompt], query: str
) -> HttpResponse | str:
    """Findings before visibility: of all of them together, on a page of its own."""
    visibility = Visibility(asked["visibility"])
    harmless = request.POST.getlist("harmless")
    private = visibility == Visibility.PRIVATE
    findings = [] if private else many_prompts.findings_together(prompts)
    problem = ""
    if private or asked["confirmed"]:
        problem = why_not(many_prompts.show, prompts, visibility, findings, harmless)
        if not problem:
            return f"{how_many(len(prompts), 'prompt')} now {visibility}."
    context = {
        "here": "prompts",
        "prompts": prompts,
        "visibility": visibility,
        "groups": grouped(findings),
        "visible": {"pictures": 0 if private else many_prompts.pictures_in(prompts)},
        "harmless": harmless,
        "problem": problem,
        "query": query,
        "profile_hides": request.user.profile.visibility == Profile.Visibility.PRIVATE,
    }
    return render(request, "studio/prompts_publish.html", context)


@author_view
def undo_delete(request: AuthorRequest) -> HttpResponse:
    when = parse_datetime(request.POST.get("when", ""))
    if request.method == "POST":
        n = many_prompts.undelete(request.user, when) if when else 0
        if n:
            messages.success(request, f"{how_many(n, 'prompt')} back, as before.")
        else:
            messages.error(request, "There is nothing left to take back: after a day it is gone for good.")
    return redirect("studio")
