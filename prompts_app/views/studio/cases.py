"""The cases of a prompt: the list, one case, many at once, and trying an output before anything is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from prompts_app.access import own_case, own_prompt
from prompts_app.actions.prompts.cases import add_cases, change_case, delete_cases, duplicate_case, move_case
from prompts_app.actions.prompts.drafts import drop_draft
from prompts_app.actions.prompts.publish import findings_in_cases, findings_in_outputs
from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.actions.runs.paste import paste_together
from prompts_app.engine.digests import case_json, digest
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats.case_csv import CaseTable
from prompts_app.evidence.frames import FrameState
from prompts_app.forms.case_table import CaseTableForm
from prompts_app.forms.cases import CaseForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.forms.rows import RowCommand
from prompts_app.models import Case, Draft, Prompt, Run, Version
from prompts_app.views.errors import refusals_as_message
from prompts_app.views.studio.drafts import draft_key, keep_posted, restore_draft, typed_in
from prompts_app.views.studio.findings import refuse_secrets, shown
from prompts_app.views.studio.fragments import fragments
from prompts_app.views.studio.head import head
from prompts_app.views.studio.signed_in import AuthorRequest, author_view, typing_kept
from prompts_app.views.studio.trial import judge_output

A_PAGE = 50


# --- the list ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseLine:
    """``state`` is how it came out in the latest run, None where it was not in it."""

    case: Case
    state: FrameState | None
    word: str


@author_view
@require_safe
def cases(request: AuthorRequest, slug: str) -> HttpResponse:
    prompt = own_prompt(request.user, slug)
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


@author_view
@require_POST
def move(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    case = own_case(request.user, slug, public_id)
    move_case(case, -1 if request.POST.get("step") == "up" else 1)
    case.refresh_from_db(fields=["position"])
    return redirect(_list_of(case))


@author_view
@require_POST
def duplicate(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    case = own_case(request.user, slug, public_id)
    with refusals_as_message(request):
        copy = duplicate_case(case)
        messages.success(request, f"“{copy.name}” is the last case now. Change what makes it another.")
        return redirect("studio_case", slug, copy.public_id)
    return redirect(_list_of(case))


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    case = own_case(request.user, slug, public_id)
    if request.method == "POST":
        name = case.name  # read before the row is gone
        delete_cases(case.prompt, [case])
        messages.success(request, f"“{name}” is deleted. Runs keep their results.")
        return redirect("studio_cases", slug)
    return render(request, "studio/case_delete.html", {"case": case, **head(case.prompt, "cases")})


# --- one case ------------------------------------------------------------------------------------------


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthorRequest, slug: str) -> HttpResponse:
    return _one(request, own_prompt(request.user, slug), None)


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthorRequest, slug: str, public_id: str) -> HttpResponse:
    case = own_case(request.user, slug, public_id)
    return _one(request, case.prompt, case)


def _one(request: AuthorRequest, prompt: Prompt, case: Case | None) -> HttpResponse:
    if request.method == "POST":
        return _posted(request, prompt, case)
    draft = restore_draft(request, _key(prompt, case))
    form = CaseForm(_latest(prompt), case=case, typed=typed_in(draft))
    return _page(request, form, prompt, case, draft=draft)


def _latest(prompt: Prompt) -> Version | None:
    return prompt.versions.order_by("-number").first()


def _key(prompt: Prompt, case: Case | None) -> str:
    return draft_key(prompt, _draft_page(case))


def _draft_page(case: Case | None) -> str:
    return f"case-{case.public_id}" if case else "case-new"


def _posted(request: AuthorRequest, prompt: Prompt, case: Case | None) -> HttpResponse:
    do, key = request.POST.get("do", "save"), _key(prompt, case)
    if do == "discard":
        drop_draft(request.user, key)
        return redirect(request.path)
    judged = do in {"save", "save-another", "save-anyway"}
    form = CaseForm(_latest(prompt), case=case, typed=request.POST, judged=judged)
    if not judged:
        return _changed(request, form, prompt, case, do)
    findings = findings_in_cases([form.content()]) if form.is_valid() else []
    refuse_secrets(request, form, prompt, findings)
    if not form.is_valid():
        keep_posted(request, key)
        return _page(request, form, prompt, case, findings=findings)
    return _save(request, form, prompt, case, do)


def _save(request: AuthorRequest, form: CaseForm, prompt: Prompt, case: Case | None, do: str) -> HttpResponse:
    seen = None if do == "save-anyway" else form.cleaned_data["revision"]
    try:
        if case is None:
            saved = add_cases(prompt, [form.content(f"Case {prompt.cases.count() + 1}")])[0]
        else:
            saved = case
            change_case(case, form.content(case.name), seen_revision=seen)
    except StaleEdit:
        keep_posted(request, _key(prompt, case))
        return _page(request, form, prompt, case, is_stale=True)
    except Refused as too_many:
        form.add_error(None, str(too_many))
        return _page(request, form, prompt, case)
    drop_draft(request.user, _key(prompt, case))
    messages.success(request, f"“{form.cleaned_data['name'] or saved.name}” is saved.")
    return redirect("studio_case_new", prompt.slug) if do == "save-another" else redirect(_list_of(saved))


def _changed(
    request: AuthorRequest, form: CaseForm, prompt: Prompt, case: Case | None, do: str
) -> HttpResponse:
    """A row was added, moved or removed, another kind chosen, or an output is tried: nothing is saved yet."""
    command = RowCommand.read(do)
    if command:
        form.apply(command)
    if not request.htmx:
        keep_posted(request, _key(prompt, case))
        return _page(request, form, prompt, case)
    names = ["trial"]
    if command or do == "kind":
        names.append("turns" if command and command.noun == "turn" else "assertions")
    return fragments(request, names, _context(request, form, prompt, case))


def _page(
    request: AuthorRequest,
    form: CaseForm,
    prompt: Prompt,
    case: Case | None,
    *,
    draft: Draft | None = None,
    is_stale: bool = False,
    findings: Sequence[SecretFinding] = (),
) -> HttpResponse:
    context = _context(request, form, prompt, case) | {"draft": draft, "is_stale": is_stale}
    context |= shown(request, findings)
    if is_stale and case:
        context["stored"] = CaseForm(_latest(prompt), case=Case.objects.get(pk=case.pk))
    return render(request, "studio/case_edit.html", context)


def _context(request: AuthorRequest, form: CaseForm, prompt: Prompt, case: Case | None) -> dict[str, Any]:
    output = request.POST.get("try_output", "")
    return {
        **head(prompt, "cases"),
        "form": form,
        "case": case,
        "draft_page": _draft_page(case),
        "try_output": output,
        "trial": judge_output(form, output) if output else None,
    }


# --- many at once ----------------------------------------------------------------------------------------


@author_view
@require_http_methods(["GET", "HEAD", "POST"])
def add_table(request: AuthorRequest, slug: str) -> HttpResponse:
    """Once to look what each column becomes, once more to add the cases."""
    prompt = own_prompt(request.user, slug)
    kept = typing_kept(request)
    initial = {"csv": kept.get("csv", "")} if kept else {}
    posted = request.method == "POST"
    data, files = (request.POST, request.FILES) if posted else (None, None)
    form = CaseTableForm(prompt, _latest(prompt), data, files, initial=initial)
    findings: Sequence[SecretFinding] = ()
    if posted and form.is_valid() and form.cases:
        outputs = findings_in_outputs(form.cases.outputs, form.cleaned_data["model"])
        findings = [*findings_in_cases(form.cases.cases), *outputs]
        if request.POST.get("do") == "add" and form.is_mapped:
            refuse_secrets(request, form, prompt, findings)
            if form.is_valid() and _added(request, prompt, form, form.cases):
                return redirect("studio_cases", slug)
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
