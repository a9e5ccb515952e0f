"""Typing between saves: where a page's draft is kept, and how it comes back."""

import re
from contextlib import suppress

from django.http import Http404, QueryDict

from prompts_app.actions.prompts.drafts import find_draft, keep_draft
from prompts_app.engine.errors import Refused
from prompts_app.models import Draft, Prompt
from prompts_app.views.studio.signed_in import AuthorRequest, typing_kept

_PAGE = re.compile(r"edit|details|case-[a-z0-9]{1,12}|failure-[a-z0-9]{1,12}-[0-9]{1,4}", re.ASCII)
NEW = "prompt:new"


def draft_key(prompt: Prompt | None, page: str) -> str:
    """``page`` is "edit", "details", "case-new", "case-<public id>" or "failure-<run>-<case>".

    Raises Http404 for another.
    """
    if not _PAGE.fullmatch(page):
        raise Http404
    if prompt is None:
        return NEW
    kind, _, case = page.partition("-")
    return {"edit": f"prompt:{prompt.pk}"}.get(kind, f"{kind}:{prompt.pk}" + (f":{case}" if case else ""))


def restore_draft(request: AuthorRequest, key: str) -> Draft | None:
    """What was typed on this page and not saved, be it before signing in again."""
    if kept := typing_kept(request):
        keep_draft(request.user, key, dict(kept.lists()))
    return find_draft(request.user, key)


def keep_posted(request: AuthorRequest, key: str) -> None:
    """The posted form as the page's draft; what is too long to keep is still in the page itself."""
    with suppress(Refused):
        keep_draft(request.user, key, dict(request.POST.lists()))


def typed_in(draft: Draft | None) -> QueryDict | None:
    """The draft as a posted form."""
    if draft is None:
        return None
    typed = QueryDict(mutable=True)
    for name, values in draft.data.items():
        typed.setlist(name, values)
    return typed
