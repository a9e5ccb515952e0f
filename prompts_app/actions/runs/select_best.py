"""``select-best`` and ``max-score``: comparing what the runs of a batch answered to the same case, once all
have ended.

Done by the worker of the batch's last run while it still holds that run: where it is killed, the run is
taken up again by another one, and with it what is left to compare.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from decimal import Decimal
from functools import partial
from queue import Empty, Queue
from threading import Thread
from typing import Any

from django.conf import settings
from django.db import transaction

from prompts_app.actions.pictures.case_pictures import PictureSpool
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.db_retry import persistently
from prompts_app.actions.runs.engine_thread import LOST, OVER_CAP, grace_s
from prompts_app.actions.runs.outcomes import as_stored
from prompts_app.actions.runs.seal import seal_if_possible
from prompts_app.engine.assertions import seen_by
from prompts_app.engine.assertions.compared import MAX_SCORE, Scored, checks_of_scores
from prompts_app.engine.assertions.stored import check_json, verdict_of_stored
from prompts_app.engine.case_pictures import digests_in
from prompts_app.engine.comparing import ALONE, SELECT_BEST, BestOf, BestOfTask, Contender, run_comparisons
from prompts_app.engine.digests import assertion_from_json
from prompts_app.engine.endpoints.cancellation import CUT_SHORT
from prompts_app.engine.errors import DoesNotFit
from prompts_app.engine.picture_asker import ReadPicture
from prompts_app.engine.thinking import after_thinking
from prompts_app.engine.types import Check, Judge, Price
from prompts_app.models import Result, Run
from prompts_app.models.text import storable_json

LOOK_EVERY_S = 0.25

type Done = tuple[BestOf, Future[None]] | BaseException | None  # the future: that it is stored
type Group = list[Result]  # one of each run, of the same case and repeat


def wants_comparing(runs: Sequence[Run], kinds: Collection[str] = (SELECT_BEST, MAX_SCORE)) -> list[int]:
    """The cases of these runs' suite that have an assertion of these kinds, by their place."""
    suite = runs[0].suite if runs else []
    return [
        index
        for index, case in enumerate(suite)
        if any(assertion.get("type") in kinds for assertion in case["assertions"])
    ]


def max_scores(runs: Sequence[Run]) -> None:
    """Say of what these finished runs of a batch answered which scores highest, where that was not said yet.

    Runs whose results changed are counted and, where they were sealed, sealed anew.
    """
    changed = set()
    for group, place in _groups(runs, MAX_SCORE):
        _note_scores(group, place)
        persistently(partial(_store, group))
        changed |= {result.run_id for result in group}
    for run in runs:
        if run.pk in changed:
            persistently(partial(_count_anew, run))


def _note_scores(group: Group, place: int) -> None:
    if len(group) == 1:
        _note_alone(group[0], place)
        return
    check = group[0].checks[place]
    scored = [Scored(f"{result.run.version} on {result.run.named}", result.checks) for result in group]
    found = checks_of_scores(check.get("value"), float(check.get("weight", 1.0)), scored)
    for result, one in zip(group, found, strict=True):
        _put(result, place, one)


def select_best(
    runs: Sequence[Run], judge: Judge, *, room: Decimal | None, stop_reason: Callable[[], str | None]
) -> None:
    """Compare what these finished runs of a batch answered and was not compared yet.

    ``room`` is how many US dollars may still be spent, None for any. ``stop_reason`` is asked several times a
    second; once it is "cancelled", the judge is asked no more, and what it is asked then is noted as cut
    short; once "lost", nothing further is stored. Runs whose results changed are counted and, where they
    were sealed, sealed anew.
    """
    groups = {
        f"{group[0].case_index}/{group[0].repeat}/{place}": (group, place)
        for group, place in _groups(runs, SELECT_BEST)
    }
    asked = [_comparison(key, group, place) for key, (group, place) in groups.items() if len(group) > 1]
    alone = [group for group, place in groups.values() if len(group) == 1 and _note_alone(group[0], place)]
    changed = {result.run_id for group in alone for result in group}
    for group in alone:
        persistently(partial(_store, group))
    named = {digest for one in asked for digest in one.pictures}
    with closing(PictureSpool(runs[0].prompt_id if runs else 0, named)) as spool:
        for compared in _compared(asked, judge, room, stop_reason, spool.read):
            group, place = groups[compared.comparison.key]
            _note(group, place, compared)
            persistently(partial(_store, group))
            changed |= {result.run_id for result in group}
    for run in runs:
        # One without a seal may have been compared by a worker that vanished before it came to this.
        if run.pk in changed or run.sealed_at is None:
            persistently(partial(_count_anew, run))


def _groups(runs: Sequence[Run], kind: str) -> Iterator[tuple[Group, int]]:
    """Each group in which somebody was not compared yet, with the place of the check."""
    by_pk = {run.pk: run for run in runs}
    found: dict[tuple[int, int], Group] = defaultdict(list)
    wanting = wants_comparing(runs, (kind,))
    answered = Result.objects.filter(run__in=runs, case_index__in=wanting, error_kind="")
    if kind == SELECT_BEST:  # outputs that are pictures are not compared: the judge reads texts
        answered = answered.filter(picture={})
    for result in answered.order_by("case_index", "repeat", "run_id"):
        result.run = by_pk[result.run_id]
        found[result.case_index, result.repeat].append(result)
    for group in found.values():
        for place, check in enumerate(group[0].checks):
            if check.get("type") == kind and any(_is_open(result, place) for result in group):
                yield group, place


def _is_open(result: Result, place: int) -> bool:
    return place < len(result.checks) and result.checks[place].get("passed") is None


def _comparison(key: str, group: Group, place: int) -> BestOfTask:
    contenders = (Contender(f"{r.run.version} on {r.run.named}", _seen(r, place)) for r in group)
    pictures = dict.fromkeys(digest for result in group for digest in _pictures_asked_with(result))
    return BestOfTask(key, str(group[0].checks[place].get("value")), tuple(contenders), tuple(pictures))


def _pictures_asked_with(result: Result) -> Iterator[str]:
    asked = result.request if isinstance(result.request, dict) else {}
    messages = asked.get("messages") or asked.get("input")
    return digests_in(messages if isinstance(messages, list) else ())


def _seen(result: Result, place: int) -> str:
    """The output as the assertion looks at it; as it is where its transform does not fit it."""
    output = after_thinking(result.output) if result.run.judges_after_thinking else result.output
    try:
        return seen_by(assertion_from_json(result.case["assertions"][place]), output)
    except DoesNotFit:
        return output


def _compared(
    comparisons: Sequence[BestOfTask],
    judge: Judge,
    room: Decimal | None,
    stop_reason: Callable[[], str | None],
    read_picture: ReadPicture,
) -> Iterator[BestOf]:
    """The comparisons as they are done: asked in another thread, so that this one can keep its lease. What
    was given counts as stored once the next one is wanted."""
    done: Queue[Done] = Queue()
    spent, reasons = [Decimal(0)], list[str]()

    def note(price: Price) -> None:
        spent[0] += price.dollars or 0

    def engine_stop_reason() -> str | None:
        return reasons[-1] if reasons else OVER_CAP if room is not None and spent[0] >= room else None

    def on_compared(compared: BestOf) -> Future[None]:
        stored: Future[None] = Future()
        stored.set_running_or_notify_cancel()  # from now on nobody can cancel it
        done.put((compared, stored))
        return stored

    def work() -> None:
        try:
            asyncio.run(
                run_comparisons(
                    comparisons, judge,
                    concurrency=settings.ENDPOINT_CONCURRENCY,
                    on_compared=on_compared, stop_reason=engine_stop_reason, on_price=note, grace_s=grace_s,
                    read_picture=read_picture,
                )
            )  # fmt: skip
        except BaseException as error:  # the other thread must hear of it
            done.put(error)
        else:
            done.put(None)

    if comparisons and not stop_reason():
        Thread(target=work, daemon=True).start()
        yield from _until_done(done, stop_reason, reasons.append)


def _until_done(
    done: Queue[Done],
    stop_reason: Callable[[], str | None],
    stop: Callable[[str], None],
) -> Iterator[BestOf]:
    try:
        while (reason := stop_reason()) != LOST:
            if reason:
                stop(reason)
            try:
                item = done.get(timeout=LOOK_EVERY_S)
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            compared, stored = item
            yield compared
            stored.set_result(None)
    finally:
        stop(LOST)


def _note(group: Group, place: int, compared: BestOf) -> None:
    """Each contender's check; the judge's cost stands with the first of them, so that it counts once.

    A judge that was cut short did not fail: the outputs are still to be compared.
    """
    fault = compared.fault if compared.fault and compared.fault.cause != CUT_SHORT else None
    for number, result in enumerate(group):
        weight = float(result.checks[place].get("weight", 1.0))
        _put(result, place, compared.check_of(number, weight))
        if number == 0 and compared.price is not None:
            _add_cost(result, compared.price, len(compared.judging.calls))
        if fault and result.passed is None and weight:
            result.error_kind, result.error_message = fault.kind, fault.message


def _store(group: Group) -> None:
    """All or none; from then on the seals of these runs no longer fit."""
    columns = ["checks", "passed", "judge_cost", "judge_calls", "error_kind", "error_message"]
    with transaction.atomic():
        for result in group:
            result.save(update_fields=columns)
        Run.objects.filter(pk__in=[result.run_id for result in group]).update(sealed_at=None)


def _put(result: Result, place: int, check: Check) -> None:
    checks: list[dict[str, Any]] = list(result.checks)
    through = {name: checks[place][name] for name in ("transform", "applied_to") if name in checks[place]}
    checks[place] = storable_json(check_json(check)) | through
    result.checks, result.passed = checks, verdict_of_stored(checks, result.case_threshold)


def _add_cost(result: Result, price: Price, calls: int) -> None:
    known = result.judge_cost or (Decimal(0) if not result.judge_calls else None)
    result.judge_cost = None if known is None or price.dollars is None else as_stored(known + price.dollars)
    result.judge_calls += calls


def _note_alone(result: Result, place: int) -> bool:
    """Whether that is news."""
    check = result.checks[place]
    if check.get("reason") == ALONE:
        return False
    weight = float(check.get("weight", 1.0))
    alone = Check(str(check["type"]), check.get("value"), None, None, ALONE, weight=weight, unknown=True)
    _put(result, place, alone)
    return True


def _count_anew(run: Run) -> None:
    """A run that is still held is counted and sealed when it is concluded, a moment later."""
    with transaction.atomic():
        count_run(run)
        seal_if_possible(run)
        rebuild_evidence(run.prompt)
