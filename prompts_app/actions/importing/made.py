"""What an import made, so that it can be taken back as a whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import batched, groupby
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from prompts_app.actions.prompts.cases import delete_cases
from prompts_app.actions.prompts.save import delete_prompts, delete_version
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.actions.runs.turns import Turns
from prompts_app.evidence.listings import refresh
from prompts_app.models import Case, PrivateSpan, Prompt, Run, User, Version

AT_ONCE = 20  # prompts deleted in one transaction


@dataclass(slots=True)
class Made:
    """Ids of rows: whole prompts, and what was added to prompts that were there."""

    prompts: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    cases: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """A transaction: where it is not committed, what it added is forgotten. Its ids may be given anew."""
        lists = (self.prompts, self.versions, self.cases, self.runs, self.spans)  # they only grow
        before = [len(ids) for ids in lists]
        try:
            with transaction.atomic():
                yield
        except BaseException:
            for ids, length in zip(lists, before, strict=True):
                del ids[length:]
            raise

    def as_json(self) -> dict[str, list[int]]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def changed_since(owner: User, made: Made, when: datetime) -> models.QuerySet[Prompt]:
    """Those of its prompts that their author has worked on after ``when``, or that others can see."""
    of_it = {"prompt": OuterRef("pk")}
    newer = (
        Q(updated_at__gt=when)
        | ~Q(visibility="private")
        | Q(Exists(Version.objects.filter(**of_it, created_at__gt=when)))
        | Q(Exists(Case.objects.filter(**of_it, updated_at__gt=when)))
        | Q(Exists(Run.objects.filter(**of_it, created_at__gt=when)))
    )
    return Prompt.objects.owned_by(owner).filter(newer, pk__in=made.prompts).order_by("title", "pk")


def take_back(owner: User, made: Made, keep: Sequence[int] = ()) -> None:
    """Delete all of it but the prompts ``keep``, some at a time."""
    for _ in take_back_in_chunks(owner, made, keep):
        pass


def take_back_in_chunks(owner: User, made: Made, keep: Sequence[int] = ()) -> Iterator[int]:
    """How many prompts are gone or kept, after each commit. What is gone already is no error."""
    _take_back_added(owner, made)
    kept, turns = set(keep), Turns()
    for some in batched(made.prompts, AT_ONCE):
        with transaction.atomic():
            if prompts := list(Prompt.objects.filter(owner=owner, pk__in=set(some) - kept)):
                delete_prompts(owner, prompts)
        yield len(some)
        turns.give()


@transaction.atomic
def _take_back_added(owner: User, made: Made) -> None:
    """From prompts that were there. A version that was run since stays, with what it was run for."""
    runs = Run.objects.filter(prompt__owner=owner, pk__in=made.runs).select_related("prompt")
    for prompt, of_it in groupby(runs.order_by("prompt_id", "pk"), key=lambda run: run.prompt):
        delete_runs(prompt, list(of_it))
    versions = Version.objects.filter(prompt__owner=owner, pk__in=made.versions, runs=None)
    for version in versions.select_related("prompt"):
        delete_version(version)
    _delete_cases(Case.objects.filter(prompt__owner=owner, pk__in=made.cases))
    spans = PrivateSpan.objects.filter(prompt__owner=owner, pk__in=made.spans).select_related("prompt")
    shown = {span.prompt_id: span.prompt for span in spans}
    spans.delete()
    refresh(shown.values())


def _delete_cases(cases: models.QuerySet[Case]) -> None:
    rows: Any = cases.select_related("prompt").order_by("prompt_id", "pk")
    for prompt, of_it in groupby(rows, key=lambda case: case.prompt):
        delete_cases(prompt, list(of_it))
