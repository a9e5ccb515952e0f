"""``/oembed?url=…``: how a page of ours is shown on somebody else's (oembed.com). Public pages only."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.html import format_html

from prompts_app.access import Moved, author_visible_to, prompt_visible_to
from prompts_app.engine.invisible import plain_line
from prompts_app.models import Profile, Prompt, User
from prompts_app.views.public.badge import badge_sentence
from prompts_app.views.public.public_page import is_indexable, public_page

CARD = (1200, 630)  # pixels of the picture
SHOWN = 600  # pixels wide where the other page does not say
LEAST = 120


@public_page
def oembed(request: HttpRequest) -> HttpResponse:
    """404 for what is not public or not ours, 501 for a format other than JSON, as the standard has it."""
    if request.GET.get("format", "json") != "json":
        return HttpResponse("Only format=json.\n", status=501, content_type="text/plain")
    found = _page_at(request.GET.get("url", ""))
    width = min(_number(request, "maxwidth"), _number(request, "maxheight") * CARD[0] // CARD[1], SHOWN)
    if width < LEAST:
        width = LEAST
    return JsonResponse(_of_prompt(found, width) if isinstance(found, Prompt) else _of_author(found, width))


def _page_at(url: str) -> Prompt | User:
    """What the address shows to everybody. Raises Http404."""
    try:
        parts = urlsplit(url)
        match = resolve(parts.path)
    except (ValueError, Resolver404):
        raise Http404 from None
    site = urlsplit(settings.SITE_URL)
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != site.netloc.lower():
        raise Http404
    if match.url_name not in ("prompt", "profile"):
        raise Http404
    try:
        return _public(**match.kwargs)
    except Moved as moved:
        return _public(moved.handle, moved.slug)


def _public(handle: str, slug: str = "") -> Prompt | User:
    if not slug:
        author = author_visible_to(AnonymousUser(), handle)
        if author.profile.visibility != Profile.Visibility.PUBLIC:
            raise Http404
        return author
    prompt = prompt_visible_to(AnonymousUser(), handle, slug)
    if not is_indexable(prompt):
        raise Http404
    return prompt


def _number(request: HttpRequest, name: str) -> int:
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else CARD[0]


def _of_prompt(prompt: Prompt, width: int) -> dict[str, object]:
    card = reverse("prompt_card", args=[prompt.owner.handle, prompt.slug])
    alt = f"{plain_line(prompt.title)}. {badge_sentence(prompt)}"
    return _answer(prompt.owner, plain_line(prompt.title), prompt.get_absolute_url(), card, alt, width)


def _of_author(author: User, width: int) -> dict[str, object]:
    card, name = reverse("profile_card", args=[author.handle]), plain_line(author.display_name)
    return _answer(author, name, author.get_absolute_url(), card, f"{name} on Proofsheet", width)


def _answer(author: User, title: str, path: str, card: str, alt: str, width: int) -> dict[str, object]:
    """The card as a picture that leads to the page: no script, no frame."""
    height = width * CARD[1] // CARD[0]
    address, picture = settings.SITE_URL + path, settings.SITE_URL + card
    html = format_html(
        '<a href="{}"><img src="{}" width="{}" height="{}" alt="{}"></a>',
        address,
        picture,
        width,
        height,
        alt,
    )
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "author_name": plain_line(author.display_name),
        "author_url": settings.SITE_URL + author.get_absolute_url(),
        "provider_name": "Proofsheet",
        "provider_url": settings.SITE_URL + "/",
        "cache_age": 3600,
        "thumbnail_url": picture,
        "thumbnail_width": CARD[0],
        "thumbnail_height": CARD[1],
        "html": str(html),
        "width": width,
        "height": height,
    }
