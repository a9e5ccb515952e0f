"""Pictures, each behind the door of its page: of results, of cases, of people.

Only pictures this server drew anew are ever given out (see engine.pictures), and only those whose digest is
the recorded one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csp import csp_override

from prompts_app.access import case_picture_visible_to, picture_visible_to
from prompts_app.engine.case_pictures import KIND as SENT_KIND
from prompts_app.engine.pictures import KIND
from prompts_app.models import Face, PictureFile, Prompt, User
from prompts_app.views.public.public_page import author_page, picture_response, prompt_page

# Opened by itself, a picture is a page of its own; it may do nothing at all.
_POLICY: dict[str, Any] = {**settings.SECURE_CSP, "sandbox": True}
_ALONE = csp_override(_POLICY)

log = logging.getLogger(__name__)


@_ALONE
@prompt_page
def picture(request: HttpRequest, prompt: Prompt, public_id: str) -> HttpResponse:
    return _of_result(request, prompt, public_id, "data", "sha256")


@_ALONE
@prompt_page
def thumbnail(request: HttpRequest, prompt: Prompt, public_id: str) -> HttpResponse:
    return _of_result(request, prompt, public_id, "small", "small_sha256")


def _of_result(
    request: HttpRequest, prompt: Prompt, public_id: str, column: str, digest: str
) -> HttpResponse:
    found = picture_visible_to(request.user, prompt, public_id)
    files = PictureFile.objects.filter(result=found).values_list(column, flat=True)
    return _answer(request, found.picture.get(digest, ""), files.first)


@_ALONE
@prompt_page
def case_picture(request: HttpRequest, prompt: Prompt, digest: str) -> HttpResponse:
    return _of_case(request, prompt, digest, "data")


@_ALONE
@prompt_page
def case_thumbnail(request: HttpRequest, prompt: Prompt, digest: str) -> HttpResponse:
    return _of_case(request, prompt, digest, "small")


def _of_case(request: HttpRequest, prompt: Prompt, digest: str, column: str) -> HttpResponse:
    file = case_picture_visible_to(request.user, prompt, digest)
    data = bytes(getattr(file, column))
    etag = digest if column == "data" else sha256(data).hexdigest()
    return _answer(request, etag, lambda: data, SENT_KIND)


@_ALONE
@author_page
def face(request: HttpRequest, author: User) -> HttpResponse:
    files = Face.objects.filter(profile=author.profile).values_list("data", flat=True)
    return _answer(request, author.profile.face_digest, files.first)


def _answer(
    request: HttpRequest, digest: str, read: Callable[[], bytes | memoryview[int] | None], kind: str = KIND
) -> HttpResponse:
    """The picture of this digest; 304 for who has it, without reading it. Raises Http404."""
    if not digest:
        raise Http404
    response = picture_response(request, digest, kind, lambda: _checked(read(), digest))
    ending = "webp" if kind == KIND else "jpg"
    response.headers["Content-Disposition"] = f'inline; filename="{digest[:12]}.{ending}"'
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _checked(data: bytes | memoryview[int] | None, digest: str) -> bytes:
    """What is not what was recorded is not shown. Raises Http404."""
    if data is None:
        raise Http404
    if sha256(data := bytes(data)).hexdigest() != digest:
        log.error("A stored picture is not the one with the digest %s: it was changed.", digest)
        raise Http404
    return data
