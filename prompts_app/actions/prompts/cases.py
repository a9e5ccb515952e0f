"""The cases of a prompt: saving, moving, copying and deleting them. Each makes another suite of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Q
from django.utils import timezone

from prompts_app.actions.pictures.case_pictures import sweep
from prompts_app.actions.prompts.save import StaleEdit, note_suite_changed
from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_json
from prompts_app.engine.errors import Refused
from prompts_app.engine.names import names_to_follow, renamed_case
from prompts_app.models import Case, Prompt
from prompts_app.models.prompts import MOST_CASES


@transaction.atomic
def add_cases(prompt: Prompt, cases: Sequence[engine.CaseContent]) -> list[Case]:
    """Put them behind the others. Raises Refused, and then none is added."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    there = prompt.cases.aggregate(count=Count("pk"), last=Max("position"))
    check_can_add(there["count"], len(cases))
    first = 0 if there["last"] is None else there["last"] + 1
    rows = [
        Case(prompt=prompt, position=position, **columns_of(case))
        for position, case in enumerate(cases, first)
    ]
    Case.objects.bulk_create(rows)
    note_suite_changed(prompt)
    return rows


def check_can_add(there: int, more: int) -> None:
    """Raises Refused where ``more`` cases do not fit beside the ones that are there."""
    if there + more > MOST_CASES:
        raise Refused(
            "too_many_cases",
            f"A prompt has at most {MOST_CASES:,} cases; it has {there:,} and these are {more:,}. "
            "Keep those that tell the most, or split the work into two prompts.",
        )


def columns_of(case: engine.CaseContent) -> dict[str, Any]:
    """The case as a Case's columns hold it."""
    return {
        "system": "",
        "threshold": None,
        "tool_results": [],
        "most_steps": None,
        "pictures": [],
        **case_json(case),
    }


@transaction.atomic
def change_case(case: Case, content: engine.CaseContent, *, seen_revision: int | None) -> None:
    """Write the case anew. Raises StaleEdit where it is not the one the author saw; None does not ask."""
    stored = Case.objects.select_for_update().get(pk=case.pk)
    if seen_revision is not None and stored.revision != seen_revision:
        raise StaleEdit("This case was saved in another tab meanwhile.")
    columns = columns_of(content)
    if columns == columns_of(stored.as_engine()):
        return
    Case.objects.filter(pk=case.pk).update(**columns, revision=F("revision") + 1, updated_at=timezone.now())
    if columns["pictures"] != stored.pictures:
        sweep(case.prompt)
    note_suite_changed(case.prompt)


@transaction.atomic
def follow_names(prompt: Prompt, variables: Collection[str]) -> int:
    """In how many cases a value went with its variable's new name: from ``user-name`` to ``user_name``."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    changed = 0
    for case in prompt.cases.in_order():
        content = case.as_engine()
        if names := names_to_follow(content, variables):
            change_case(case, renamed_case(content, names), seen_revision=None)
            changed += 1
    return changed


def duplicate_case(case: Case) -> Case:
    """A copy at the end. Raises Refused."""
    content = case.as_engine()
    copy = replace(content, name=f"{content.name[:112]} (copy)")
    return add_cases(case.prompt, [copy])[0]


@transaction.atomic
def move_case(case: Case, step: int) -> None:
    """One place up (-1) or down (1); at the end it stays where it is."""
    Prompt.objects.select_for_update().get(pk=case.prompt_id)
    order = list(case.prompt.cases.in_order())
    place = next(i for i, other in enumerate(order) if other.pk == case.pk)
    other = place + step
    if not 0 <= other < len(order):
        return
    order[place], order[other] = order[other], order[place]
    moved = [row for position, row in enumerate(order) if _put(row, position)]
    Case.objects.bulk_update(moved, ["position"])
    note_suite_changed(case.prompt)


def _put(case: Case, position: int) -> bool:
    """Whether the case was elsewhere; positions may have gaps and doubles."""
    changed = case.position != position
    case.position = position
    return changed


@transaction.atomic
def delete_cases(prompt: Prompt, cases: Sequence[Case]) -> None:
    """Runs keep what they asked: they hold a copy of the suite as it was."""
    Case.objects.filter(prompt=prompt, pk__in=[case.pk for case in cases]).delete()
    sweep(prompt)
    note_suite_changed(prompt)


def cases_filling(prompt: Prompt, names: Iterable[str]) -> dict[str, int]:
    """Variable → in how many cases it has a value. One query."""
    wanted = list(names)
    counts = {f"n{i}": Count("pk", filter=Q(variables__has_key=name)) for i, name in enumerate(wanted)}
    found = prompt.cases.aggregate(**counts) if counts else {}
    return {name: found[f"n{i}"] for i, name in enumerate(wanted)}
