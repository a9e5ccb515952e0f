"""Writing a prompt: one form for a version, with what is found in it shown as one types."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize

from prompts_app.access import own_prompt
from prompts_app.actions.prompts.cases import cases_filling, follow_names
from prompts_app.actions.prompts.drafts import drop_draft
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.publish import findings_in_version
from prompts_app.actions.prompts.save import NothingChanged, create_prompt, save_version
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.actions.tries.starting import keep_with
from prompts_app.engine.diffs import DiffPiece, word_diff
from prompts_app.engine.errors import Overrun
from prompts_app.engine.limited_process import WHILE_TYPING, apart
from prompts_app.engine.types import ROLES, CaseContent, PromptContent
from prompts_app.forms.prompts import NewPromptForm, VersionForm
from prompts_app.forms.rows import RowCommand
from prompts_app.models import Prompt, Version
from prompts_app.views.signed_in import author_view, owner_view
from prompts_app.views.studio.preview import PICTURE, PreviewMessage, PreviewPart, preview
from prompts_app.views.studio.studio_page import fragments, head, shown
from prompts_app.views.studio.tries import TryingForm


class _Version[F: VersionForm](TryingForm[F]):
    """What writing a prompt and writing its next version have in common."""

    SAVING = frozenset({"save", "save-anyway"})
    template = "studio/prompt_edit.html"

    def changed(self, form: F) -> HttpResponse:
        """A row was added, moved or removed, or the preview is wanted: nothing is saved yet."""
        if (answer := self.trying(form)) is not None:
            return answer
        command = RowCommand.read(self.do)
        if command and command.noun in {"message", "removed"}:
            form.apply(command)
        if not self.request.htmx:
            self.keep_posted()
            return self.page(form)
        names = ["preview", "findings", "schema", "try_cost"]
        seen = self.request.POST.getlist("variable_name"), self.request.POST.getlist("odd_name")
        if command or seen != ([row.name for row in form.variables], [one.name for one in form.renames]):
            names.append("variables")  # left alone otherwise: somebody may be typing in it
        if self.request.POST.getlist("value_name") != [row.name for row in form.used_variables] or (
            self.request.POST.get("with", "") != self.request.POST.get("filled_with", "")
        ):
            names.append("values")
        if command:
            names.append("messages")
        return fragments(self.request, names, self.context(form))

    def page(self, form: F, **more: Any) -> HttpResponse:
        if self.prompt:
            more["guide"] = guide_for(self.prompt)
        return super().page(form, **more)

    def findings(self, form: F) -> Sequence[SecretFinding]:
        return findings_in_version(form.content(), form.note_typed)

    def context(self, form: F) -> dict[str, Any]:
        prompt = self.prompt
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
            **shown(self.request, self.findings(form)),
            "changes": _changes(version, content) if isinstance(version, Version) else (),
            **(tried := self.try_context(form, content, self.typed)),
            "preview": _filled(content, _shown_of(tried["trying"].case())),
        }


class NewPrompt(_Version[NewPromptForm]):
    SAVING = frozenset({"save"})

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> NewPromptForm:
        return NewPromptForm(typed=typed, judged=judged)

    def save(self, form: NewPromptForm) -> HttpResponse:
        data = form.cleaned_data
        about = {name: data[name] for name in ("title", "summary", "task", "tags", "note")}
        prompt = create_prompt(self.request.user, form.content(), **about)
        keep_with(self.request.user, prompt)
        _tell(self.request, form)
        said = "Saved as v1; only you can see it. Next, say what a good answer must hold."
        return self.saved(said, "studio_case_new", prompt.slug)


class NextVersion(_Version[VersionForm]):
    prompt: Prompt

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> VersionForm:
        return VersionForm(version=self.prompt.latest_version, typed=typed, judged=judged)

    def stale(self, form: VersionForm) -> dict[str, Any]:
        newer = self.prompt.latest_version
        return {
            "stale": newer,
            "differences": _differences(newer.as_engine(), form.content()) if newer else (),
        }

    def save(self, form: VersionForm) -> HttpResponse:
        prompt, data = self.prompt, form.cleaned_data
        seen = None if self.do == "save-anyway" else data["seen_number"]
        try:
            version = save_version(prompt, form.content(), data["note"], seen_number=seen)
        except NothingChanged as same:
            return self._nothing_changed(form, same)
        _tell(self.request, form)
        followed = follow_names(prompt, [row.name for row in form.used_variables])
        cases = f" The values of {followed} case{pluralize(followed)} have the new names." if followed else ""
        return self.saved(f"Saved as {version}.{cases}", "studio_prompt", prompt.slug)

    def _nothing_changed(self, form: VersionForm, same: NothingChanged) -> HttpResponse:
        """A note alone is no version; it stays in the form."""
        if form.cleaned_data["note"]:
            form.add_error(None, f"{same} Change the prompt too, or leave the note for later.")
            return self.page(form)
        drop_draft(self.request.user, self.key)
        messages.info(self.request, str(same))
        return redirect("studio_prompt", self.prompt.slug)


new = author_view(NewPrompt.as_view())
edit = owner_view(own_prompt)(NextVersion.as_view())


def _tell(request: HttpRequest, form: VersionForm) -> None:
    """What is saved all the same, and may be refused by a provider."""
    for sentence in form.schema_refused()[:1]:
        messages.warning(request, f"OpenAI’s strict mode would refuse the schema. {sentence}")


# --- what is shown --------------------------------------------------------------------------------------


def _shown_of(case: CaseContent) -> Mapping[str, str]:
    """What the preview puts in place of each variable."""
    return {**case.variables, **{one.variable: PICTURE for one in case.pictures}}


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
    named += [
        f"{{{{{v.name}}}}} is the picture {one.sha256[:12]} {one.alt}".strip()
        for v in content.variables
        for one in v.pictures
    ]
    set_ = [f"{name}: {value}" for name, value in content.parameters.items()]
    return "\n".join([*said, *named, *set_])


def _changes(version: Version, content: PromptContent) -> Sequence[DiffPiece]:
    """Parameters are left aside: a form that was not judged has only texts for them."""
    return _differences(replace(version.as_engine(), parameters={}), replace(content, parameters={}))
