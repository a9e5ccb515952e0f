"""Taking somebody's public prompt as the beginning of one's own, with credit and under its licence."""

from dataclasses import replace

from django.db import transaction

from prompts_app.access import check_can_fork
from prompts_app.actions.pictures.case_pictures import copy_pictures
from prompts_app.actions.prompts.cases import add_cases
from prompts_app.actions.prompts.save import create_prompt
from prompts_app.engine import types as engine
from prompts_app.engine.digests import suite_digest
from prompts_app.models import Prompt, User, Version
from prompts_app.models.prompts import PromptQuerySet


@transaction.atomic
def fork_prompt(
    version: Version, reader: User, title: str, *, with_cases: bool = True
) -> tuple[Prompt, bool]:
    """A private prompt of ``reader`` that begins as ``version``, and whether it is new.

    Taken over are messages, variables and parameters, and the cases where asked; results, notes and the
    author's own sections are not. A fork that its owner has not touched yet is given back instead of a
    second one. Raises Refused.
    """
    origin = version.prompt
    check_can_fork(origin, reader)
    User.objects.select_for_update().get(pk=reader.pk)  # of two presses at once, the second sees the first's
    content = _version_as_shown(version.as_engine())
    cases = tuple(map(_as_shown, origin.suite())) if with_cases else ()
    if there := _untouched(version, reader, content, cases):
        return there, False
    fork = create_prompt(
        reader,
        content,
        tags=origin.tags.order_by("name").values_list("name", flat=True),
        note=f"Forked from {version}.",  # no name: a note stays when the origin is taken back
        title=title,
        summary=origin.summary,
        task=origin.task,
        licence=origin.licence,
        forked_from=version,
        forked_licence=origin.licence,
    )
    if cases:
        add_cases(fork, cases)
    copy_pictures(content, cases, origin, fork)
    return fork, True


def _version_as_shown(content: engine.PromptContent) -> engine.PromptContent:
    shown = (
        replace(one, pictures=tuple(filter(lambda picture: picture.is_shown, one.pictures)))
        for one in content.variables
    )
    return replace(content, variables=tuple(shown))


def _as_shown(case: engine.CaseContent) -> engine.CaseContent:
    """Without pictures that are private to their author."""
    return replace(case, pictures=tuple(one for one in case.pictures if one.is_shown))


def _untouched(
    version: Version, reader: User, content: engine.PromptContent, cases: tuple[engine.CaseContent, ...]
) -> Prompt | None:
    """A fork of this very version that still is what it was when it was made."""
    for fork in forks_by(reader, version.prompt).filter(forked_from=version, runs=None):
        newest = fork.latest_version
        is_same = newest is not None and newest.number == 1 and newest.as_engine() == content
        if is_same and suite_digest(fork.suite()) == suite_digest(cases):
            return fork
    return None


def forks_by(reader: User, prompt: Prompt) -> PromptQuerySet:
    """What ``reader`` made of any version of it, newest first."""
    return Prompt.objects.owned_by(reader).filter(forked_from__prompt=prompt).order_by("-created_at", "-pk")
