"""Pictures of a case, or of a version's own message: given for a variable, taken away, kept from readers."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from prompts_app.actions.pictures.case_pictures import digest_of, keep_pictures
from prompts_app.actions.prompts.cases import change_case
from prompts_app.actions.prompts.private_parts import add_span, remove_span
from prompts_app.actions.prompts.save import save_version
from prompts_app.engine.case_pictures import MOST_PICTURES, CasePicture
from prompts_app.engine.errors import Refused
from prompts_app.engine.pictures import SentPicture
from prompts_app.engine.types import PromptContent
from prompts_app.engine.wording import how_many
from prompts_app.models import Case, Prompt, Version

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
    added = _named(variable, alt, pictures, first_page)
    change_case(case, replace(content, pictures=(*content.pictures, *added)), seen_revision=None)


@transaction.atomic
def remove_picture(case: Case, place: int) -> None:
    """The one at this place among the case's, from 0; nothing where there is none."""
    content = Case.objects.select_for_update().get(pk=case.pk).as_engine()
    kept = tuple(one for at, one in enumerate(content.pictures) if at != place)
    change_case(case, replace(content, pictures=kept), seen_revision=None)


@transaction.atomic
def add_to_message(
    prompt: Prompt, variable: str, alt: str, pictures: Sequence[SentPicture], first_page: int = 1
) -> Version:
    """A new version in which these stand for the variable, behind those it has, where a case gives nothing.
    Raises Refused."""
    content = _newest(prompt)
    if sum(len(one.pictures) for one in content.variables) + len(pictures) > MOST_PICTURES:
        raise Refused("picture", f"A version has at most {MOST_PICTURES} pictures. Remove one first.")
    keep_pictures(prompt, pictures)
    added = _named(variable, alt, pictures, first_page)
    variables = tuple(
        replace(one, pictures=(*one.pictures, *added)) if one.name == variable else one
        for one in content.variables
    )
    note = f"{how_many(len(added), 'picture')} for {{{{{variable}}}}}."
    return save_version(prompt, replace(content, variables=variables), note)


@transaction.atomic
def remove_from_message(prompt: Prompt, picture: CasePicture) -> Version:
    """A new version without it. Raises Refused."""
    content = _newest(prompt)
    variables = tuple(
        replace(one, pictures=tuple(kept for kept in one.pictures if kept != picture))
        for one in content.variables
    )
    note = f"Without a picture for {{{{{picture.variable}}}}}."
    return save_version(prompt, replace(content, variables=variables), note)


def _newest(prompt: Prompt) -> PromptContent:
    """Held until the transaction ends. Raises Refused."""
    latest = Prompt.objects.select_for_update().get(pk=prompt.pk).latest_version
    if latest is None:
        raise Refused("picture", "The prompt has no version yet.")
    return latest.as_engine()


def _named(variable: str, alt: str, pictures: Sequence[SentPicture], first_page: int) -> list[CasePicture]:
    return [
        CasePicture(
            variable,
            digest_of(one.data),
            one.width,
            one.height,
            alt if len(pictures) == 1 else f"{alt}, page {page}" if alt else f"Page {page}",
        )
        for page, one in enumerate(pictures, first_page)
    ]


def hide_picture(prompt: Prompt, digest: str) -> None:
    """Make it a private part: its digest is masked wherever it stands, and its address leads nowhere but for
    the author. Raises Refused."""
    add_span(prompt, LABEL, digest)


def show_picture(prompt: Prompt, digest: str) -> None:
    for span in prompt.private_spans.filter(text=digest):
        remove_span(span)
