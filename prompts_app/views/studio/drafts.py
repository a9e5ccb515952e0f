"""Typing between saves: where a page's draft is kept, how it comes back, and the forms that have one."""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views import View

from prompts_app.actions.prompts.drafts import drop_draft, find_draft, keep_draft
from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.actions.prompts.secrets import SecretFinding
from prompts_app.engine.errors import Refused
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Prompt
from prompts_app.views.signed_in import AuthorRequest, typing_kept
from prompts_app.views.studio.studio_page import done, refuse_secrets, shown

_PAGE = re.compile(r"edit|details|case-[a-z0-9]{1,12}|failure-[a-z0-9]{1,12}-[0-9]{1,4}", re.ASCII)


def draft_key(prompt: Prompt | None, page: str) -> str:
    """``page`` is "edit", "details", "case-new", "case-<public id>" or "failure-<run>-<case>".

    Raises Http404 for another.
    """
    if not _PAGE.fullmatch(page):
        raise Http404
    if prompt is None:
        return "prompt:new"
    kind, _, case = page.partition("-")
    return {"edit": f"prompt:{prompt.pk}"}.get(kind, f"{kind}:{prompt.pk}" + (f":{case}" if case else ""))


class DraftedForm[F: BaseForm](View):
    """A page whose form is kept while somebody types, and saved only over what its author saw.

    The button that was pressed is ``do``: one of SAVING saves, "discard" forgets what was typed, any other
    is answered by ``changed`` and saves nothing.
    """

    SAVING = frozenset[str]()  # none named: every button but "discard" saves

    request: AuthorRequest
    prompt: Prompt | None
    draft_page = "edit"  # see draft_key
    template = ""
    typed: QueryDict | None = None  # what the form shows: as posted, or as kept

    def form(self, typed: QueryDict | None, *, judged: bool = False) -> F:
        """Filled with what is stored where nothing was ``typed``."""
        raise NotImplementedError

    def findings(self, form: F) -> Sequence[SecretFinding]:
        """Likely secrets in what was typed."""
        return ()

    def save(self, form: F) -> HttpResponse:
        """Of a valid form; answers with ``saved``. Raises Refused, of which StaleEdit is told on the page."""
        raise NotImplementedError

    def changed(self, form: F) -> HttpResponse:
        """Where SAVING names buttons: the answer to any other."""
        raise NotImplementedError

    def context(self, form: F) -> dict[str, Any]:
        """What the template wants."""
        raise NotImplementedError

    def stale(self, form: F) -> dict[str, Any]:
        """What it wants beside that where somebody saved meanwhile: both, to compare."""
        raise NotImplementedError

    # --- the same for all -----------------------------------------------------------------------------------

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """With the prompt, or nothing for a new one."""
        super().setup(request, *args, **kwargs)
        self.prompt = args[0] if args else None

    @cached_property
    def key(self) -> str:
        return draft_key(self.prompt, self.draft_page)

    @property
    def do(self) -> str:
        return self.request.POST.get("do", "save")

    def get(self, request: HttpRequest, *args: object) -> HttpResponse:
        """With what was typed on this page and not saved, be it before signing in again."""
        if kept := typing_kept(request):
            keep_draft(self.request.user, self.key, dict(kept.lists()))
        draft = find_draft(self.request.user, self.key)
        if draft:
            self.typed = QueryDict(mutable=True)
            for name, values in draft.data.items():
                self.typed.setlist(name, values)
        return self.page(self.form(self.typed), draft=draft)

    def post(self, request: HttpRequest, *args: object) -> HttpResponse:
        if self.do == "discard":
            drop_draft(self.request.user, self.key)
            return redirect(request.path)
        saves = not self.SAVING or self.do in self.SAVING
        self.typed = request.POST
        form = self.form(request.POST, judged=saves)
        if not saves:
            return self.changed(form)
        findings, is_stale = self.findings(form), False
        if self.prompt:
            refuse_secrets(self.request, form, self.prompt, findings)
        if form.is_valid():
            with refusals_on(form):
                try:
                    return self.save(form)
                except StaleEdit:
                    is_stale = True
        self.keep_posted()
        return self.page(form, is_stale=is_stale, findings=findings)

    def page(self, form: F, *, is_stale: bool = False, **more: object) -> HttpResponse:
        """With ``more`` in the context: a ``draft``, or ``findings``."""
        context = {
            "draft": None,
            "is_stale": is_stale,
            **shown(self.request, ()),
            **self.context(form),
            **more,
        }
        if is_stale:
            context |= self.stale(form)
        return render(self.request, self.template, context)

    def keep_posted(self) -> None:
        """The posted form as the page's draft; what is too long to keep is still in the page itself."""
        with suppress(Refused):
            keep_draft(self.request.user, self.key, dict(self.request.POST.lists()))

    def saved(self, sentence: str, to: str, *args: object) -> HttpResponse:
        drop_draft(self.request.user, self.key)
        return done(self.request, sentence, to, *args)
