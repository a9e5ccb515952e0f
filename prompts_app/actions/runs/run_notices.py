"""What an author should know or do about runs: what stopped, what went without an answer, and what helps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max

from prompts_app.actions.runs.judge import needs_of_suite
from prompts_app.actions.runs.verdict import waiting_for_author
from prompts_app.engine.digests import case_from_json
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.wording import how_many
from prompts_app.evidence.frames import FrameState
from prompts_app.models import Result, Run
from prompts_app.models.endpoints import IMAGES

WAITING_LONG = timedelta(seconds=20)  # for a worker


@dataclass(frozen=True, slots=True)
class Need:
    """Something the author should know or do about one run."""

    run: Run
    what: str
    next_step: str
    said: str = ""  # by the server, when it gave no answer
    change: str = ""  # what would help at the endpoint, as the words of a link
    is_problem: bool = True
    look_at: str = ""  # public id of a result that waits for the author's verdict


_CHANGES = {"auth": "Change the key", "other_api": "Choose the API"}


def needs_of(runs: Sequence[Run], now: datetime) -> list[Need]:
    """What stopped or went without an answer, and what helps; then what is only worth knowing."""
    by_run = {run.pk: run for run in runs}
    faults = (
        Result.objects.unmasked_values()  # for the author's own page
        .filter(run__in=runs)
        .exclude(error_kind="")
        .order_by("run_id", "error_kind")
        .values("run_id", "error_kind")
        .annotate(cases=Count("case_index", distinct=True), said=Max("error_message"))
    )
    needs = [_fault_need(by_run[row["run_id"]], row) for row in faults]
    stopped = [run for run in runs if run.state in {Run.State.STOPPED, Run.State.CAPPED}]
    needs += [_stop_need(run) for run in stopped if not _says_why_it_stopped(run, needs)]
    needs += [need for run in runs if (need := _verdict_need(run))]
    needs += [_resumed_need(run) for run in runs if run.resumed]
    return needs + _waiting_needs(runs, now)


def _fault_need(run: Run, row: Mapping[str, Any]) -> Need:
    fault = FAULTS.get(row["error_kind"])
    label, next_step = (fault.label, fault.next_step) if fault else (row["error_kind"], "Ask again.")
    what = f"{label}, in {how_many(row['cases'], 'case')}"
    return Need(run, what, next_step, row["said"][:500], _CHANGES.get(row["error_kind"], ""))


def _says_why_it_stopped(run: Run, needs: Sequence[Need]) -> bool:
    """Whether one of its faults is what it stopped at."""
    labels = (need.what.rpartition(", in ")[0].capitalize() for need in needs if need.run.pk == run.pk)
    return any(label and run.stop_reason.startswith(label) for label in labels)


def _stop_need(run: Run) -> Need:
    capped = run.state == Run.State.CAPPED
    next_step = "What was answered is kept. Give a higher cap to go on." if capped else ""
    return Need(run, run.stop_reason or run.get_state_display(), next_step)


def _verdict_need(run: Run) -> Need | None:
    """Outputs that are not judged although something is to be judged: by the author, or by nobody."""
    if run.is_under_way or FrameState.UNJUDGED not in run.frames:
        return None
    if waiting := waiting_for_author(run):
        what = f"waiting for your verdict on {how_many(len(waiting), 'output')}"
        return Need(
            run, what, "Until then their cases count neither way.", look_at=waiting[0], is_problem=False
        )
    if run.api == IMAGES:
        what, next_step = "not judged in part", "What looks at text judges no picture; limits and “human” do."
        return Need(run, what, next_step, is_problem=False)
    if not run.has_judge and needs_of_suite(map(case_from_json, run.suite)):
        what, next_step = "not judged in part", "No judge model was chosen. Start a new run with one."
        return Need(run, what, next_step, is_problem=False)
    return None


def _resumed_need(run: Run) -> Need:
    times = "once" if run.resumed == 1 else f"{run.resumed} times"
    return Need(
        run,
        f"its worker vanished {times}",
        "Another one went on from what was stored. No answer was lost; calls that were in flight were asked "
        "again.",
        is_problem=False,
    )


def _waiting_needs(runs: Sequence[Run], now: datetime) -> list[Need]:
    """A run nobody takes up although nothing is before it."""
    if any(run.state == Run.State.RUNNING and run.lease_until and run.lease_until > now for run in runs):
        return []
    waiting = [run for run in runs if run.is_under_way and now - run.created_at > WAITING_LONG]
    return [
        Need(
            run,
            "waiting for a worker",
            "Runs on one endpoint go one after the other, and a worker may be busy with others. If this "
            "stays, no worker is running: the person who runs this site can start one.",
            is_problem=False,
        )
        for run in waiting[:1]
    ]
