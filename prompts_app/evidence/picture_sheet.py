"""The pictures of some runs side by side, each with its case and how it was judged: a contact sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompts_app.models import Result, Run, Source
from prompts_app.models.endpoints import IMAGES

MOST_SHOTS = 60  # on one page


@dataclass(frozen=True, slots=True)
class Shot:
    run: Run
    result: Result
    name: str  # of the case

    @property
    def number(self) -> int:
        return self.result.case_index + 1

    @property
    def about(self) -> Mapping[str, Any]:
        about: Mapping[str, Any] = self.result.picture
        return about


def shots_of(runs: Sequence[Run], suite: Sequence[Mapping[str, Any]]) -> list[Shot]:
    """The first MOST_SHOTS pictures of these runs, which share the suite, in its order, run by run.

    No query where none of the runs can have any.
    """
    by_pk = {run.pk: run for run in runs if run.api == IMAGES or run.source in _FROM_ELSEWHERE}
    if not by_pk:
        return []
    columns = ("public_id", "run_id", "case_index", "repeat", "passed", "picture")
    pictured = Result.objects.filter(run__in=by_pk, picture__has_key="width").only(*columns)
    found = pictured.order_by("run_id", "case_index", "repeat")[:MOST_SHOTS]
    return [
        Shot(by_pk[result.run_id], result, _name(suite, result.case_index))
        for result in found
        if result.case_index < len(suite)
    ]


_FROM_ELSEWHERE = {Source.PASTED, Source.IMPORTED}


def _name(suite: Sequence[Mapping[str, Any]], index: int) -> str:
    return str(suite[index].get("name") or "Case")
