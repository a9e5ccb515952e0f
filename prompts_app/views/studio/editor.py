"""Writing a prompt: one form for a version, with what is found in it shown as one types."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.http import require_http_methods

from prompts_app.access import own_prompt
from prompts_app.actions.prompts.cases import cases_filling, follow_names
from prompts_app.actions.prompts.drafts import drop_draft
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.publish import findings_in_version
from prompts_app.actions.prompts.save import NothingChanged, StaleEdit, create_prompt, save_version
from prompts_app.engine.diffs import DiffPiece, word_diff
from prompts_app.engine.errors import Overrun
from prompts_app.engine.limited_process import WHILE_TYPING, apart
from prompts_app.engine.types import ROLES, PromptContent
from prompts_app.forms.prompts import NewPromptForm, VersionForm
from prompts_app.forms.rows import RowCommand
from prompts_app.models import Draft, Prompt, Version
from prompts_app.views.studio.drafts import NEW, draft_key, keep_posted, restore_draft, typed_in
from prompts_app.views.studio.findings import refuse_secrets, shown
from prompts_app.views.studio.fragments import fragments
from prompts_app.views.studio.head import head
from prompts_app.views.studio.preview import PreviewMessage, PreviewPart, preview
from prompts_app.views.studio.signed_in import AuthorRequest, author_view

MOST_OFFERED = 200  # cases to fill the preview with


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthorRequest) -> HttpResponse:
    if request.method == "POST":
        return _new_posted(request)
    draft = restore_draft(request, NEW)
    return _desk(request, NewPromptForm(typed=typed_in(draft)), draft=draft)


def _new_posted(request: AuthorRequest) -> HttpResponse:
    do = request.POST.get("do", "save")
    if do == "discard":
        drop_draft(request.user, NEW)
        return redirect("studio_prompt_new")
    if do != "save":
        return _changed(request, NewPromptForm(typed=request.POST), NEW)
    form = NewPromptForm(typed=request.POST, judged=True)
    if not form.is_valid():
        keep_posted(request, NEW)
        return _desk(request, form)
    data = form.cleaned_data
    about = {name: data[name] for name in ("title", "summary", "task")}
    prompt = create_prompt(request.user, form.content(), tags=data["tags"], note=data["note"], **about)
    drop_draft(request.user, NEW)
    messages.success(request, "Saved as v1; only you can see it. Next, say what a good answer must hold.")
    return redirect("studio_case_new", prompt.slug)


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
    if request.method == "POST":
        return _edit_posted(request, prompt)
    draft = restore_draft(request, draft_key(prompt, "edit"))
    form = VersionForm(version=_latest(prompt), typed=typed_in(draft))
    return _desk(request, form, prompt, draft=draft)


def _latest(prompt: Prompt) -> Version | None:
    return prompt.versions.order_by("-number").first()


def _edit_posted(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    do, key = request.POST.get("do", "save"), draft_key(prompt, "edit")
    if do == "discard":
        drop_draft(request.user, key)
        return redirect("studio_prompt", prompt.slug)
    judged = do in {"save", "save-anyway"}
    form = VersionForm(version=_latest(prompt), typed=request.POST, judged=judged)
    if not judged:
        return _changed(request, form, key, prompt)
    refuse_secrets(request, form, prompt, findings_in_version(form.content(), form.note_typed))
    if not form.is_valid():
        keep_posted(request, key)
        return _desk(request, form, prompt)
    return _save(request, form, prompt, key, anyway=do == "save-anyway")


def _save(
    request: AuthorRequest, form: VersionForm, prompt: Prompt, key: str, *, anyway: bool
) -> HttpResponse:
    data = form.cleaned_data
    seen = None if anyway else data["seen_number"]
    try:
        version = save_version(prompt, form.content(), data["note"], seen_number=seen)
    except NothingChanged as same:
        return _nothing_changed(request, form, prompt, key, same)
    except StaleEdit:
        keep_posted(request, key)
        return _desk(request, form, prompt, stale=_latest(prompt))
    drop_draft(request.user, key)
    followed = follow_names(prompt, [row.name for row in form.used_variables])
    cases = f" The values of {followed} case{pluralize(followed)} have the new names." if followed else ""
    messages.success(request, f"Saved as {version}.{cases}")
    return redirect("studio_prompt", prompt.slug)


def _nothing_changed(
    request: AuthorRequest, form: VersionForm, prompt: Prompt, key: str, same: NothingChanged
) -> HttpResponse:
    """A note alone is no version; it stays in the form."""
    if form.cleaned_data["note"]:
        form.add_error(None, f"{same} Change the prompt too, or leave the note for later.")
        return _desk(request, form, prompt)
    drop_draft(request.user, key)
    messages.info(request, str(same))
    return redirect("studio_prompt", prompt.slug)


# --- what is shown --------------------------------------------------------------------------------------


def _changed(
    request: AuthorRequest, form: VersionForm, key: str, prompt: Prompt | None = None
) -> HttpResponse:
    """A row was added, moved or removed, or the preview is wanted: nothing is saved yet."""
    command = RowCommand.read(request.POST.get("do", ""))
    if command and command.noun == "message":
        form.apply(command)
    if not request.htmx:
        keep_posted(request, key)
        return _desk(request, form, prompt)
    names = ["preview", "findings"]
    seen = request.POST.getlist("variable_name"), request.POST.getlist("odd_name")
    if command or seen != ([row.name for row in form.variables], [one.name for one in form.renames]):
        names.append("variables")  # left alone otherwise: somebody may be typing in it
    if command:
        names.append("messages")
    return fragments(request, names, _context(request, form, prompt))


def _desk(
    request: AuthorRequest,
    form: VersionForm,
    prompt: Prompt | None = None,
    *,
    draft: Draft | None = None,
    stale: Version | None = None,
) -> HttpResponse:
    context = _context(request, form, prompt) | {"draft": draft, "stale": stale}
    if prompt is not None:
        context["guide"] = guide_for(prompt)
    if stale is not None:
        context["differences"] = _differences(stale.as_engine(), form.content())
    return render(request, "studio/prompt_edit.html", context)


def _context(request: AuthorRequest, form: VersionForm, prompt: Prompt | None) -> dict[str, Any]:
    about = head(prompt, "edit") if prompt else {"here": "prompts", "case_count": 0, "latest": None}
    version = about["latest"]
    names = [row.name for row in form.used_variables]
    content = form.content()
    return {
        **about,
        "form": form,
        "roles": ROLES,
        "draft_slug": prompt.slug if prompt else "new",
        "filled": cases_filling(prompt, names) if prompt else dict.fromkeys(names, 0),
        "next_number": version.number + 1 if isinstance(version, Version) else 1,
        **shown(request, findings_in_version(content, form.note_typed)),
        "changes": _changes(version, content) if isinstance(version, Version) else (),
        **_preview(request.POST, prompt, content),
    }


def _preview(typed: QueryDict, prompt: Prompt | None, content: PromptContent) -> dict[str, Any]:
    """The messages filled in with the chosen case, else the first."""
    if prompt is None:
        return {"preview": _filled(content, {})}
    offered = [
        (c.public_id, c.name)
        for c in prompt.cases.in_order().only("public_id", "name", "prompt_id")[:MOST_OFFERED]
    ]
    wanted = typed.get("with", "").replace("\x00", "")
    chosen = prompt.cases.filter(public_id=wanted).first() or prompt.cases.in_order().first()
    values = chosen.variables if chosen else {}
    return {"preview": _filled(content, values), "offered": offered, "chosen": chosen}


def _filled(content: PromptContent, values: Mapping[str, str]) -> list[PreviewMessage]:
    """The preview; where it takes too much, why there is none."""
    try:
        return apart(WHILE_TYPING, preview, content, values)
    except Overrun as why:
        return [PreviewMessage("Not shown", (PreviewPart("missing", str(why)),), is_cut=False)]


def _differences(before: PromptContent, after: PromptContent) -> Sequence[DiffPiece]:
    """Nothing where both are the same."""
    found = word_diff(_as_text(before), _as_text(after))
    return found if any(piece.change != "same" for piece in found) else ()


def _as_text(content: PromptContent) -> str:
    """A version as one text, for comparing two by eye."""
    said = [f"[{message.role}]\n{message.content}\n" for message in content.messages]
    named = [f"{{{{{v.name}}}}} = {v.default}" for v in content.variables if v.default]
    set_ = [f"{name}: {value}" for name, value in content.parameters.items()]
    return "\n".join([*said, *named, *set_])


def _changes(version: Version, content: PromptContent) -> Sequence[DiffPiece]:
    """Parameters are left aside: a form that was not judged has only texts for them."""
    return _differences(replace(version.as_engine(), parameters={}), replace(content, parameters={}))
