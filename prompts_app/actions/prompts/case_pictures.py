"""The pictures of a case: given for a variable, taken away, and kept from readers."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from prompts_app.actions.pictures.case_pictures import digest_of, keep_pictures
from prompts_app.actions.prompts.cases import change_case
from prompts_app.actions.prompts.private_parts import add_span, remove_span
from prompts_app.engine.case_pictures import MOST_PICTURES, CasePicture
from prompts_app.engine.errors import Refused
from prompts_app.engine.pictures import SentPicture
from prompts_app.models import Case, Prompt

LABEL = "private picture"  # what readers see of one that is private


@transaction.atomic
def add_pictures(
    case: Case, variable: str, alt: str, pictures: Sequence[SentPicture], first_page: int = 1
) -> None:
    """Behind those the case has for the variable. Several are pages of one PDF, from ``first_page`` on.
    Raises Refused."""
    content = Case.objects.select_for_update().get(pk=case.pk).as_engine()
    if len(content.pictures) + len(pictures) > MOST_PICTURES:
        raise Refused("picture", f"A case has at most {MOST_PICTURES} pictures. Remove one first.")
    keep_pictures(case.prompt, pictures)
    added = [
        CasePicture(
            variable,
            digest_of(one.data),
            one.width,
            one.height,
            alt if len(pictures) == 1 else f"{alt}, page {page}" if alt else f"Page {page}",
        )
        for page, one in enumerate(pictures, first_page)
    ]
    change_case(case, replace(content, pictures=(*content.pictures, *added)), seen_revision=None)


@transaction.atomic
def remove_picture(case: Case, place: int) -> None:
    """The one at this place among the case's, from 0; nothing where there is none."""
    content = Case.objects.select_for_update().get(pk=case.pk).as_engine()
    kept = tuple(one for at, one in enumerate(content.pictures) if at != place)
    change_case(case, replace(content, pictures=kept), seen_revision=None)


def hide_picture(prompt: Prompt, digest: str) -> None:
    """Make it a private part: its digest is masked wherever it stands, and its address leads nowhere but for
    the author. Raises Refused."""
    add_span(prompt, LABEL, digest)


def show_picture(prompt: Prompt, digest: str) -> None:
    for span in prompt.private_spans.filter(text=digest):
        remove_span(span)
