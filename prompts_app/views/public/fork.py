"""``/@handle/slug/fork/``: a reader takes a public prompt as the beginning of one of their own."""

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from prompts_app.access import check_can_fork, version_of
from prompts_app.actions.prompts.fork import fork_prompt, forks_by
from prompts_app.engine.errors import why_not
from prompts_app.forms.fork import ForkForm
from prompts_app.models import Prompt, Version
from prompts_app.views.public.public_page import prompt_form
from prompts_app.views.signed_in import AuthorRequest, author_view, typing_kept


@prompt_form
def fork(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    """The prompt's own door comes first: who may not read it is not asked to sign in for it."""
    if problem := why_not(check_can_fork, prompt, request.user):
        return _page(request, prompt, problem=problem)
    if request.method == "POST" or request.user.is_authenticated:
        return _fork(request, prompt)
    return _page(request, prompt, version=_version(prompt, request.GET.get("v", "")))


@author_view
def _fork(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    typed = request.POST if request.method == "POST" else typing_kept(request)
    version = _version(prompt, (request.GET if typed is None else typed).get("v", ""))
    form = ForkForm(prompt, typed)
    if request.method == "POST" and form.is_valid():
        return _forked(request, version, form)
    mine = forks_by(request.user, prompt).with_author()[:3]
    status = 422 if form.errors else 200
    return _page(request, prompt, status=status, version=version, form=form, mine=mine)


def _page(request: HttpRequest, prompt: Prompt, *, status: int = 200, **context: object) -> HttpResponse:
    context |= {"prompt": prompt, "cases": prompt.cases.count()}
    return render(request, "public/fork.html", context, status=status)


def _version(prompt: Prompt, asked: str) -> Version:
    """The one that was looked at, ``?v=2``; else the newest."""
    if re.fullmatch("[0-9]{1,9}", asked):
        return version_of(prompt, int(asked))
    newest = prompt.latest_version
    if newest is None:
        raise Http404
    return newest


def _forked(request: AuthorRequest, version: Version, form: ForkForm) -> HttpResponse:
    fork, is_new = fork_prompt(
        version,
        request.user,
        form.cleaned_data["title"],
        with_cases=form.cleaned_data.get("with_cases", False),
    )
    said = "Forked. It is private until you publish it." if is_new else "You forked this already: here it is."
    messages.success(request, said)
    return redirect("studio_prompt", fork.slug)
