"""``/s/token/``: chosen work for one recipient; below it, every page of each chosen prompt.

The pages below are the prompt's own, shown to a viewer who may see what the link shows (LinkReader):
nothing is built twice, and a new page of a prompt is there under its links from the first day.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from prompts_app.access import LinkReader, open_link, own_link
from prompts_app.actions.sharing.links import count_open, lets_in, unlock
from prompts_app.forms.sharing import PassphraseForm
from prompts_app.models import ShareLink, User
from prompts_app.views.errors import not_found
from prompts_app.views.limits import MINUTE_S, is_allowed, network_of, told_to_wait
from prompts_app.views.public.profile import safe_links
from prompts_app.views.public.public_page import KEPT_BY_NOBODY, read_by_visitor, refuse_to_show_private
from prompts_app.views.signed_in import author_view

SESSION_KEY = "share_link_passes"  # {link's public id: what ``unlock`` gave}
MOST_PASSES = 20  # kept in one browser

# Programs that fetch a link so as to draw a preview of it, or to index it: nobody has read anything.
_NO_READER = re.compile(
    r"bot|crawl|spider|preview|unfurl|scanner|facebookexternalhit|whatsapp|telegram|slack|discord|skype"
    r"|embedly|iframely|linkedin|pinterest|mastodon|snapchat|google-|safelinks|urlscan|curl|wget|python",
    re.IGNORECASE,
)
_GUESSED = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # where browsers say that nobody asked yet
_LACKS_SLASH = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)
_PLACE = re.compile(r"(?P<slug>[a-z0-9][a-z0-9_-]*)(?P<rest>[/.].*)")


def for_its_recipient(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Kept by nobody, in no index, and no page it links to learns the address. All that is wrong is a 404."""

    @wraps(view)
    def shown(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = not_found(request)
        response.headers["Cache-Control"] = KEPT_BY_NOBODY
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.pop("ETag", None)
        return response

    return shown


@csrf_exempt  # a wrong or a right passphrase changes nothing but what this browser sees; no cookie is needed
@require_http_methods(["GET", "HEAD", "POST"])
@for_its_recipient
def shared(request: HttpRequest, token: str) -> HttpResponse:
    link = open_link(token)
    if request.method == "POST":
        return _try_passphrase(request, link, token)
    if not _is_let_in(request, link):
        return render(request, "public/shared_locked.html", {"form": PassphraseForm()})
    if is_read(request, link):
        count_open(link)
    return front(request, LinkReader(link, reverse("shared", args=[token])))


@require_safe
@for_its_recipient
def shared_page(request: HttpRequest, token: str, place: str) -> HttpResponse:
    link = open_link(token)
    if not _is_let_in(request, link):
        return redirect("shared", token)
    return page(request, LinkReader(link, reverse("shared", args=[token])), place)


@author_view
@for_its_recipient
def preview(request: HttpRequest, public_id: str, place: str = "") -> HttpResponse:
    """The recipient's pages, at an address of the author's own, counted by nobody."""
    link = own_link(cast(User, request.user), public_id)  # signed in: it is an author's view
    reader = LinkReader(link, reverse("studio_link_preview", args=[public_id]), is_preview=True)
    return page(request, reader, place) if place else front(request, reader)


def front(request: HttpRequest, reader: LinkReader) -> HttpResponse:
    """The author, the note and the chosen prompts, as ``reader`` sees them."""
    request.user = reader
    author = reader.link.owner
    with read_by_visitor(request) as eyes:
        prompts = reader.prompts()
        context = {
            "link": reader.link,
            "note": eyes.mask_of(prompt.pk for prompt in prompts).text(reader.link.note),
            "author": author,
            "links": safe_links(author.profile.links),
            "prompts": prompts,
            "operates": author.operates_here,
        }
        response = render(request, "public/shared.html", context)
        refuse_to_show_private(request, response, eyes)
    return response


def page(request: HttpRequest, reader: LinkReader, place: str) -> HttpResponse:
    """The page at ``place`` ("notary/", "notary/v3/", "notary.md") below the link. Raises Http404."""
    if _LACKS_SLASH.fullmatch(place):  # typed or cut off; elsewhere on the site this leads on, too
        return HttpResponseRedirect(request.get_full_path(force_append_slash=True))
    parts = _PLACE.fullmatch(place)
    if parts is None:
        raise Http404
    prompt = reader.prompt(parts["slug"])
    own = {"handle": prompt.owner.handle, "slug": prompt.slug}
    match = resolve(f"/@{prompt.owner.handle}/{prompt.slug}{parts['rest']}")
    if {**match.kwargs, **own} != match.kwargs:  # an address that is of something else
        raise Http404
    request.user = reader
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response


def is_read(request: HttpRequest, link: ShareLink) -> bool:
    """Whether a person opens the link: not its author, not a preview, not a guess of the browser's."""
    agent = request.headers.get("User-Agent", "")
    guessed = any(re.search("prefetch|preview", request.headers.get(name, "")) for name in _GUESSED)
    return (
        request.method == "GET"
        and request.user.pk != link.owner_id
        and bool(agent)
        and not _NO_READER.search(agent)
        and not guessed
    )


# --- the passphrase ------------------------------------------------------------------------------------


def _is_let_in(request: HttpRequest, link: ShareLink) -> bool:
    if not link.passphrase:
        return True
    return lets_in(link, request.session.get(SESSION_KEY, {}).get(link.public_id))


def _try_passphrase(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    form = PassphraseForm(request.POST)
    status = 403
    if not link.passphrase:
        return redirect("shared", token)
    if form.is_valid():
        if not _may_try(request, link):
            status = 429
        elif kept := unlock(link, form.cleaned_data["passphrase"]):
            _keep(request, link, kept)
            return redirect("shared", token)
        else:
            is_allowed(request, "passphrase_wrong", link.pk)  # counted, for everybody together
        form.add_error("passphrase", _WRONG[status])
    response = render(request, "public/shared_locked.html", {"form": form}, status=status)
    return told_to_wait(response, MINUTE_S) if status == 429 else response


def _may_try(request: HttpRequest, link: ShareLink) -> bool:
    """Each visitor has tries of their own, so that nobody can shut out whom the link is for: few ones while
    many guess, who may be one with many addresses, but always the first."""
    is_besieged = not is_allowed(request, "passphrase_wrong", link.pk, count=False)
    action = "passphrase_besieged" if is_besieged else "passphrase"
    return is_allowed(request, action, link.pk, network_of(request))


_WRONG = {
    403: "That is not the passphrase of this link. Check it, or ask whoever sent the link.",
    429: "Too many tries. Wait a minute, then try again; if that is not enough, an hour.",
}


def _keep(request: HttpRequest, link: ShareLink, kept: str) -> None:
    passes = dict(request.session.get(SESSION_KEY, {}))
    passes.pop(link.public_id, None)
    recent = list(passes.items())[-(MOST_PASSES - 1) :]
    request.session[SESSION_KEY] = {**dict(recent), link.public_id: kept}
