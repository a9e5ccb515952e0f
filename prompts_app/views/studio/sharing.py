"""Share links: list, new, change, a new address, revoke, delete, and what the recipient sees."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from prompts_app.access import own_link
from prompts_app.actions.prompts.publish import findings_of
from prompts_app.actions.sharing.links import change_link, create_link, opens_by_day, renew_link, revoke_link
from prompts_app.forms.refusals import refusals_on
from prompts_app.forms.sharing import ShareLinkForm
from prompts_app.models import KeyUnreadable, Prompt, ShareLink
from prompts_app.models.encryption import decrypt, encrypt
from prompts_app.views.signed_in import AuthorRequest, author_view, owner_view, typed
from prompts_app.views.studio.studio_page import done

A_PAGE = 30
SESSION_KEY = "new_share_address"  # between making a link and showing its address once


@author_view
@require_safe
def links(request: AuthorRequest) -> HttpResponse:
    mine = ShareLink.objects.owned_by(request.user).with_opens().prefetch_related("chosen")
    page = Paginator(mine.order_by("-created_at", "-pk"), A_PAGE).get_page(request.GET.get("page"))
    days = opens_by_day(page.object_list)
    lines = [(link, days[link.pk]) for link in page.object_list]
    return render(request, "studio/links.html", {"here": "links", "page": page, "lines": lines})


@author_view
def new(request: AuthorRequest) -> HttpResponse:
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            link, token = create_link(request.user, form.choice())
            _show_once(request, link, token)
            _warn_of_secrets(request, form.cleaned_data["prompts"])
            return redirect(link)
    return render(request, "studio/link_edit.html", {"here": "links", "form": form})


@owner_view(own_link)
def edit(request: AuthorRequest, link: ShareLink) -> HttpResponse:
    name = link.label
    form = _form(request, link)
    if request.method == "POST" and form.is_valid():
        change_link(link, form.choice())
        messages.success(request, "Saved. The address is the same; it shows the change at once.")
        _warn_of_secrets(request, form.cleaned_data["prompts"])
        return redirect(link)
    context = {
        "here": "links",
        "link": link,
        "name": name,
        "form": form,
        "address": _shown_once(request, link),
        "days": opens_by_day([link])[link.pk],
    }
    return render(request, "studio/link_edit.html", context)


def _form(request: AuthorRequest, link: ShareLink | None = None) -> ShareLinkForm:
    """Not judged while prompts are looked for: that is a button of its own in it."""
    return ShareLinkForm(request.user, typed(request), link=link, judged=request.POST.get("do") != "find")


def _warn_of_secrets(request: AuthorRequest, prompts: list[Prompt]) -> None:
    """Private prompts were never looked through on the way to being published."""
    for prompt in prompts:
        if prompt.is_private and (found := findings_of(prompt)):
            messages.warning(
                request,
                f"“{prompt.title}” has {len(found)} thing{'s' if len(found) > 1 else ''} in it that look "
                "like a key, a password or an address. See its Publish page before you send the link.",
            )


@require_POST
@owner_view(own_link)
def renew(request: AuthorRequest, link: ShareLink) -> HttpResponse:
    _show_once(request, link, renew_link(link))
    return redirect(link)


@require_POST
@owner_view(own_link)
def revoke(request: AuthorRequest, link: ShareLink) -> HttpResponse:
    revoke_link(link)
    said = f"The link for {link.label} is revoked: its address opens nothing from now on."
    return done(request, said, "studio_links")


@owner_view(own_link)
def delete(request: AuthorRequest, link: ShareLink) -> HttpResponse:
    if request.method == "POST":
        link.delete()
        said = f"The link for {link.label} is deleted, with its note and its counts."
        return done(request, said, "studio_links")
    return render(request, "studio/link_delete.html", {"here": "links", "link": link})


# --- the address, shown once ----------------------------------------------------------------------------


def _show_once(request: AuthorRequest, link: ShareLink, token: str) -> None:
    """Keep the token for the very next page, encrypted: nothing at rest opens the link."""
    request.session[SESSION_KEY] = {"link": link.public_id, "token": encrypt(token).decode()}


def _shown_once(request: AuthorRequest, link: ShareLink) -> str:
    """The full path of a link made a moment ago; "" for ever after."""
    kept = request.session.get(SESSION_KEY)
    if not kept or kept["link"] != link.public_id or request.method != "GET":
        return ""
    del request.session[SESSION_KEY]
    try:
        return reverse("shared", args=[decrypt(kept["token"].encode())])
    except KeyUnreadable:
        return ""
