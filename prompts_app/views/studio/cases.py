"""The cases of a prompt: the list, one case, many at once, and trying an output before anything is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from prompts_app.access import own_case, own_prompt
from prompts_app.actions.prompts.cases import add_cases, change_case, delete_cases, duplicate_case, move_case
from prompts_app.actions.prompts.publish import findings_in_cases, findings_in_outputs
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.actions.runs.paste import paste_together
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.digests import case_json, digest
from prompts_app.engine.formats.case_csv import CaseTable
from prompts_app.evidence.frames import FrameState
from prompts_app.forms.case_table import CaseTableForm
from prompts_app.forms.cases import CaseForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.forms.rows import RowCommand
from prompts_app.models import Case, Prompt, Run
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.signed_in import AuthorRequest, owner_view, typing_kept
from prompts_app.views.studio.drafts import DraftedForm
from prompts_app.views.studio.studio_page import done, fragments, head, refuse_secrets, shown
from prompts_app.views.studio.trial import judge_output

A_PAGE = 50
_PARTS = {"turn": "turns", "result": "results"}  # of the form, by the rows in them


# --- the list ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseLine:
    """``state`` is how it came out in the latest run, None where it was not in it."""

    case: Case
    state: FrameState | None
    word: str

    @property
    def pictures(self) -> tuple[CasePicture, ...]:
        return self.case.as_engine().pictures


@owner_view(own_prompt)
@require_safe
def cases(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    page = Paginator(prompt.cases.in_order(), A_PAGE).get_page(request.GET.get("page"))
    run = prompt.runs.that_count().select_related("version").order_by("-finished_at", "-pk").first()
    context = {"page": page, "rows": _rows(page, run), "run": run, **head(prompt, "cases")}
    return render(request, "studio/cases.html", context)


def _rows(page: Page[Case], run: Run | None) -> list[CaseLine]:
    suite = run.suite if run else []
    letters = {digest(case): letter for case, letter in zip(suite, run.frames if run else "", strict=False)}
    names = {case["name"] for case in suite}
    return [_row(case, letters, names) for case in page.object_list]


def _row(case: Case, letters: dict[str, str], names: set[str]) -> CaseLine:
    letter = letters.get(digest(case_json(case.as_engine())))
    absent = "changed since" if case.name in names else "not run"
    state = FrameState(letter) if letter else None
    return CaseLine(case, state, state.word if state else absent)


def _list_of(case: Case) -> str:
    """The list's page with this case on it."""
    before = case.prompt.cases.filter(position__lt=case.position).count()
    url = reverse("studio_cases", args=[case.prompt.slug])
    return f"{url}?page={before // A_PAGE + 1}#case-{case.public_id}"


@require_POST
@owner_view(own_case)
def move(request: AuthorRequest, case: Case) -> HttpResponse:
    move_case(case, -1 if request.POST.get("step") == "up" else 1)
    case.refresh_from_db(fields=["position"])
    return redirect(_list_of(case))


@require_POST
@owner_view(own_case)
def duplicate(request: AuthorRequest, case: Case) -> HttpResponse:
    with refusals_as_message(request):
        copy = duplicate_case(case)
        said = f"“{copy.name}” is the last case now. Change what makes it another."
        return done(request, said, "studio_case", case.prompt.slug, copy.public_id)
    return redirect(_list_of(case))


@owner_view(own_case)
def delete(request: AuthorRequest, case: Case) -> HttpResponse:
    if request.method == "POST":
        delete_cases(case.prompt, [case])
        said = f"“{case.name}” is deleted. Runs keep their results."
        return done(request, said, "studio_cases", case.prompt.slug)
    return render(request, "studio/case_delete.html", {"case": case, **head(case.prompt, "cases")})


# --- one case ------------------------------------------------------------------------------------------


class NewCase(DraftedForm[CaseForm]):
    SAVING = frozenset({"save", "save-another", "save-anyway"})

    prompt: Prompt
    case: Case | None = None
    draft_page = "case-new"
    template = "studio/case_edit.html"

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> CaseForm:
        return CaseForm(self.prompt.latest_version, case=self.case, typed=typed, judged=judged)

    def findings(self, form: CaseForm) -> Sequence[SecretFinding]:
        return findings_in_cases([form.content()]) if form.is_valid() else []

    def save(self, form: CaseForm) -> HttpResponse:
        case = self.case
        if case:
            seen = None if self.do == "save-anyway" else form.cleaned_data["revision"]
            change_case(case, form.content(case.name), seen_revision=seen)
        else:
            (case,) = add_cases(self.prompt, [form.content(f"Case {self.prompt.cases.count() + 1}")])
        said = f"“{form.cleaned_data['name'] or case.name}” is saved."
        if self.do == "save-another":
            return self.saved(said, "studio_case_new", self.prompt.slug)
        return self.saved(said, _list_of(case))

    def changed(self, form: CaseForm) -> HttpResponse:
        """A row was added, moved or removed, another kind chosen, or an output is tried."""
        command = RowCommand.read(self.do)
        if command:
            form.apply(command)
        if not self.request.htmx:
            self.keep_posted()
            return self.page(form)
        names = ["trial"]
        if command or self.do == "kind":
            names.append(_PARTS.get(command.noun if command else "", "assertions"))
        return fragments(self.request, names, self.context(form))

    def context(self, form: CaseForm) -> dict[str, Any]:
        output = self.request.POST.get("try_output", "")
        return {
            **head(self.prompt, "cases"),
            "form": form,
            "case": self.case,
            "draft_page": self.draft_page,
            "try_output": output,
            "trial": judge_output(form, output, self.prompt.latest_version) if output else None,
        }


class EditCase(NewCase):
    case: Case

    def setup(self, request: HttpRequest, case: Case) -> None:
        super().setup(request, case.prompt)
        self.case, self.draft_page = case, f"case-{case.public_id}"

    def stale(self, form: CaseForm) -> dict[str, Any]:
        stored = Case.objects.get(pk=self.case.pk)
        return {"stored": CaseForm(self.prompt.latest_version, case=stored)}


new = owner_view(own_prompt)(NewCase.as_view())
edit = owner_view(own_case)(EditCase.as_view())


# --- many at once ----------------------------------------------------------------------------------------


@owner_view(own_prompt)
def add_table(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    """Once to look what each column becomes, once more to add the cases."""
    kept = typing_kept(request)
    initial = {"csv": kept.get("csv", "")} if kept else {}
    posted = request.method == "POST"
    data, files = (request.POST, request.FILES) if posted else (None, None)
    form = CaseTableForm(prompt, prompt.latest_version, data, files, initial=initial)
    findings: Sequence[SecretFinding] = ()
    if posted and form.is_valid() and form.cases:
        outputs = findings_in_outputs(form.cases.outputs, form.cleaned_data["model"])
        findings = [*findings_in_cases(form.cases.cases), *outputs]
        if request.POST.get("do") == "add" and form.is_mapped:
            refuse_secrets(request, form, prompt, findings)
            if form.is_valid() and _added(request, prompt, form, form.cases):
                return redirect("studio_cases", prompt.slug)
    context = {"form": form, **head(prompt, "cases"), **shown(request, findings)}
    return render(request, "studio/cases_table.html", context)


def _added(request: AuthorRequest, prompt: Prompt, form: CaseTableForm, table: CaseTable) -> bool:
    added: Sequence[Case] | None = None
    with refusals_on(form, "csv"):  # others may have been added since the form was checked
        added = add_cases(prompt, table.cases)
    if added is None:
        return False
    _tell_of_table(request, len(added), form.unknown_columns, table)
    if table.outputs and form.version:
        told = paste_together(
            prompt,
            form.version,
            list(zip(added, table.outputs, strict=True)),
            model=form.cleaned_data["model"],
        )
        messages.add_message(request, messages.WARNING if told.refused else messages.SUCCESS, str(told))
    return True


def _tell_of_table(request: AuthorRequest, added: int, unknown: Sequence[str], table: CaseTable) -> None:
    messages.success(request, f"{added:,} case{' is' if added == 1 else 's are'} added.")
    if unknown:
        messages.warning(
            request,
            f"No variable of the newest version is called {', '.join(unknown)}; the values are kept.",
        )
    if table.left_out:
        messages.warning(request, f"Left out: {_some(table.left_out)}.")
    if table.not_run:
        messages.warning(request, f"Kept, but not run here: {_some(table.not_run)}.")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{', '.join(names[:10])}{more}"
