"""The author's own verdict on an output: kept as a check like any other, and always labelled as theirs.

It counts as one more assertion of its case in that run: what failed otherwise stays failed.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run
from prompts_app.engine.assertions.human import WAITING
from prompts_app.engine.assertions.stored import verdict_of_stored
from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.engine.errors import Refused, why_not
from prompts_app.models import KeyUnreadable, Result, Run, Source, User
from prompts_app.models.text import storable

HUMAN = "human"
AFTER_IMPORT = "after_import"  # in a verdict: given here, and not in the file the output came in
NO_NOTE = {True: "The author looked at it and passed it.", False: "The author looked at it and failed it."}


def check_can_judge(result: Result) -> None:
    """Raises Refused where the author cannot judge this output."""
    if result.run.is_under_way:
        raise Refused("verdict", "This run is still under way. Give your verdict when it has ended.")
    if result.is_error:
        raise Refused("verdict", "There is no verdict to give: this case got no answer, or its judge failed.")
    if result.run.source == Source.IMPORTED and _file_judged(result):
        raise Refused("verdict", "This was imported with its verdicts, which stay as the file has them.")


def _file_judged(result: Result) -> bool:
    """Whether an imported file said pass or fail itself; where it did not, the author may."""
    checks = (check for check in result.checks if not check.get(AFTER_IMPORT))
    return verdict_of_stored(checks, result.case_threshold) is not None


def can_judge(result: Result) -> bool:
    return not why_not(check_can_judge, result)


def human_places(result: Result) -> list[int]:
    """Where in ``result.checks`` the author is asked for a verdict, or gave one."""
    return [place for place, check in enumerate(result.checks) if check.get("type") == HUMAN]


def give_verdict(result: Result, by: User, *, passed: bool, note: str = "", place: int | None = None) -> None:
    """Pass or fail ``result`` with a note, then count its run anew. Raises Refused.

    ``place`` is one of ``human_places``; None stands for the verdict no assertion asked for, which replaces
    the one given before. A seal of the run is followed by a new one.
    """
    verdict = {
        "passed": passed,
        "score": 1.0 if passed else 0.0,
        "reason": storable(note.strip()) or NO_NOTE[passed],
        "by": by.handle,
        "at": timezone.now().isoformat(timespec="seconds"),
        **({AFTER_IMPORT: True} if result.run.source == Source.IMPORTED else {}),
    }
    _change(result, place, verdict)


def take_back(result: Result, *, place: int | None = None) -> None:
    """Without the author's verdict again: unjudged where an assertion asks for it. Raises Refused."""
    _change(result, place, None)


@transaction.atomic
def _change(result: Result, place: int | None, verdict: dict[str, Any] | None) -> None:
    stored = Result.objects.select_for_update().get(pk=result.pk)
    stored.run = run = Run.objects.select_related("prompt__owner", "version").get(pk=stored.run_id)
    check_can_judge(stored)
    stored.checks = _with(stored, place, verdict)
    stored.passed = verdict_of_stored(stored.checks, stored.case_threshold)
    stored.save(update_fields=["checks", "passed"])
    result.checks, result.passed = stored.checks, stored.passed
    count_run(run)
    _seal_anew(run)
    rebuild_evidence(run.prompt)


def _with(result: Result, place: int | None, verdict: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The checks with the verdict in its place, or without one there."""
    checks: list[dict[str, Any]] = list(result.checks)
    if place is None:
        own = {"type": HUMAN, "value": None, "threshold": None}
        checks = checks[: asked_for(result)]
        return [*checks, own | verdict] if verdict else checks
    if place not in human_places(result) or place >= asked_for(result):
        raise Refused("verdict", "This case has changed. Load the page again.")
    asked = {
        name: checks[place][name]
        for name in ("type", "value", "threshold", "weight")
        if name in checks[place]
    }
    checks[place] = asked | (verdict or {"passed": None, "score": None, "reason": WAITING})
    return checks


def asked_for(result: Result) -> int:
    """How many checks the case's assertions made, and the schema that was asked for; the author's unasked
    verdict comes after them."""
    count = len(result.case.get("assertions") or ())
    of_schema = any(check.get("type") == ASKED_SCHEMA for check in result.checks[count : count + 1])
    return count + of_schema


def _seal_anew(run: Run) -> None:
    if run.sealed_at is None:
        return
    try:
        seal_run(run)
    except (ValueError, KeyUnreadable) as error:
        raise Refused(
            "verdict", "The run is sealed and cannot be sealed anew now. Try again later."
        ) from error


def waiting_for_author(run: Run) -> list[str]:
    """The public ids of the run's results that wait for the author's verdict, in order."""
    unjudged = run.results.filter(passed=None, error_kind="").order_by("case_index", "repeat")
    return [
        one.public_id
        for one in unjudged.only("public_id", "checks", "run_id")
        if any(check.get("type") == HUMAN and check.get("passed") is None for check in one.checks)
    ]
