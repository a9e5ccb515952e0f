"""Runs, from the press of the button: start, cancel, ask again, delete.

``execute_run`` (in ``actions.runs.execute``) does the asking, in a worker. The truth of a run is its row and
its results, never the queue: whatever a queue loses or delivers twice, no answer is lost or doubled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from prompts_app.actions.pictures.case_pictures import sweep
from prompts_app.actions.runs.batches import BatchPlan, check_can_run
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.actions.runs.deleting import delete_results
from prompts_app.actions.runs.execute import enqueue_next, enqueue_run, what_moved
from prompts_app.actions.runs.judge import (
    columns_of,
    needs_of_suite,
)
from prompts_app.actions.runs.outcomes import JUDGE_AGAIN
from prompts_app.actions.runs.select_best import wants_comparing
from prompts_app.engine.assertions.compared import MAX_SCORE
from prompts_app.engine.comparing import SELECT_BEST
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.endpoints.addresses import host_of
from prompts_app.engine.endpoints.practice import MODELS as PRACTICE_MODELS
from prompts_app.engine.errors import Refused, why_not
from prompts_app.engine.faults import FAULTS
from prompts_app.models import Batch, Endpoint, Prompt, Result, Run, Source, User, Version
from prompts_app.models.evidence import RunQuerySet
from prompts_app.models.ids import public_id_of

PRACTICE_NAME = "Practice (not a model)"


def practice_endpoint(user: User) -> Endpoint:
    """The user's built-in practice endpoint, made on the first call."""
    offered = offered_practice(user)
    if offered._state.adding:
        made = {"kind": offered.kind, "known_models": offered.known_models, "public_id": offered.public_id}
        offered, _ = Endpoint.objects.get_or_create(owner=user, name=offered.name, defaults=made)
    return offered


def offered_practice(user: User) -> Endpoint:
    """The same to choose from; no row yet where it was never used."""
    found = Endpoint.objects.filter(owner=user, kind=Endpoint.PRACTICE).order_by("pk").first()
    if found is not None:
        return found
    # Under a name of the user's own choosing too, so that theirs is not taken over.
    taken = set(Endpoint.objects.filter(owner=user).values_list("name", flat=True))
    names = (PRACTICE_NAME if n == 1 else f"{PRACTICE_NAME} {n}" for n in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    return Endpoint(
        owner=user,
        name=name,
        kind=Endpoint.PRACTICE,
        known_models=list(PRACTICE_MODELS),
        public_id=public_id_of("practice", user.pk),
    )


def start_batch(prompt: Prompt, plan: BatchPlan, *, press: str = "") -> Batch:
    """Its runs, queued, with the suite as it is now. Raises Refused.

    A worker takes the runs up by itself once the transaction is committed; ``execute_run(run.pk)`` does the
    same here and now.
    """
    with transaction.atomic():
        check_can_run(prompt, plan)
        if not needs_of_suite(prompt.suite()):
            plan = replace(plan, judge=None)
        batch = Batch.objects.create(
            prompt=prompt,
            repeats=plan.repeats,
            cost_cap=plan.cost_cap,
            press=press,
            **columns_of(plan.judge, Batch),
        )
        runs = Run.objects.bulk_create(_runs(batch, plan))
        if not plan.endpoint.is_practice:
            _note_first_run(plan.versions)
        _enqueue_when_committed(runs[0])  # the others follow, one after the other
    return batch


def start_once(prompt: Prompt, plan: BatchPlan, *, press: str) -> Batch:
    """``start_batch``; the batch there is where the same ``press`` of the button started it already.

    A button may be pressed ten times before the first answer comes. Raises Refused.
    """
    started = Batch.objects.filter(prompt=prompt, press=press).exclude(press="")
    try:
        with transaction.atomic():
            return started.first() or start_batch(prompt, plan, press=press)
    except IntegrityError:  # two at the same moment
        batch = started.first()
        if batch is None:
            raise
        return batch


def _note_first_run(versions: Sequence[Version]) -> None:
    """Versions are never changed; this is about them, and says whether the tests came first."""
    now = timezone.now()
    never = Q(first_run_at=None) | Q(first_run_at__gt=now)  # a file may have come with a time to come
    Version.objects.filter(never, pk__in=[version.pk for version in versions]).update(first_run_at=now)


def _runs(batch: Batch, plan: BatchPlan) -> Iterator[Run]:
    endpoint, suite = plan.endpoint, batch.prompt.suite()
    cases, suites_digest = [case_json(case) for case in suite], suite_digest(suite)
    fixed_at = Prompt.objects.values_list("suite_changed_at", flat=True).get(pk=batch.prompt_id)
    for model, settings in product(plan.models, plan.settings):
        for version in plan.versions:
            run = Run(
                batch=batch,
                prompt=batch.prompt,
                version=version,
                endpoint=endpoint,
                endpoint_name=endpoint.name,
                endpoint_host=host_of(endpoint.base_url)[:255],
                endpoint_url=endpoint.base_url,
                model=model,
                parameters=version.parameters | settings,
                settings=dict(settings),
                judges_after_thinking=plan.judges_after_thinking,
                api=plan.asks_at,
                stream=plan.stream,
                repeats=batch.repeats,
                suite=cases,
                suite_digest=suites_digest,
                suite_fixed_at=fixed_at,
                **columns_of(plan.judge, Run),
                source=Source.PRACTICE if endpoint.is_practice else Source.RECORDED,
            )
            run.named = run.named_now  # bulk_create does not call save
            yield run


def _enqueue_when_committed(run: Run) -> None:
    # Robust: where the queue is down, the run is there all the same, and the sweep takes it up later.
    transaction.on_commit(lambda: enqueue_run(run.pk), robust=True)


def request_cancel(batch: Batch) -> None:
    """Stop the batch: waiting runs at once, running ones within about a second. Answers are kept."""
    with transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(cancel_requested=True)
        _cancel_waiting(batch.runs.under_way())
        _end_abandoned(batch.runs.under_way())
    batch.cancel_requested = True


def cancel_run(run: Run) -> None:
    """Stop this run alone, so that the others of its batch need not wait for it. Its answers are kept.

    One that still waits ends at once, unless what the others answered is to be compared: that takes a
    worker, which ends it.
    """
    with transaction.atomic():
        under_way = Run.objects.under_way().filter(pk=run.pk)
        under_way.update(cancel_requested=True)
        compared = (SELECT_BEST, MAX_SCORE) if run.has_judge else (MAX_SCORE,)
        if wants_comparing([run], compared):
            _enqueue_when_committed(run)
        else:
            _cancel_waiting(under_way)
            _end_abandoned(under_way)
            transaction.on_commit(lambda: enqueue_next(run.endpoint_id), robust=True)
    run.cancel_requested = True


def _cancel_waiting(runs: RunQuerySet) -> None:
    waiting = runs.filter(state=Run.State.QUEUED)
    waiting.update(state=Run.State.CANCELLED, stop_reason=FAULTS["cancelled"].label.capitalize())


def _end_abandoned(runs: RunQuerySet) -> None:
    """Of a cancelled run whose worker has vanished nobody would hear: any worker ends it."""
    for run in runs.abandoned():
        # By itself, too: what only has to be ended does not wait for its endpoint.
        Run.objects.filter(pk=run.pk).update(cancel_requested=True)
        _enqueue_when_committed(run)


def check_can_ask_again(run: Run, *, cost_cap: Decimal | None = None) -> Batch:
    """The run's batch. Raises Refused where nothing can be asked again, or it would end at once."""
    if run.is_under_way or run.batch is None:
        raise Refused("run", "This run is under way, or was never asked by this server.")
    if run.batch.cancel_requested and run.batch.runs.under_way().exists():
        raise Refused("run", "The cancelled runs are still stopping. Try again in a moment.")
    if run.endpoint is None:
        raise Refused("run", "The endpoint of this run was deleted. Start a new run on another one.")
    if moved := what_moved(run):
        raise Refused("run", moved)
    if run.state == Run.State.CAPPED and (cost_cap is None or cost_cap <= (run.batch.cost_cap or 0)):
        raise Refused("run", "This run stopped at its cost cap. Give a higher cap to go on.")
    answered = run.results.filter(error_kind="").count()
    if answered >= run.expected_results and run.state != Run.State.STOPPED:
        raise Refused("run", "Every case of this run has its answers.")
    return run.batch


def ask_again(run: Run, *, cost_cap: Decimal | None = None) -> None:
    """Continue the same run: results without an answer are dropped and asked again with what is missing.

    What was answered stays, and where only the judge failed, only the judge is asked: asking a failed case
    until it passes is what this does not do. A new ``cost_cap`` replaces the batch's. Until the run has
    finished it does not count. Raises Refused.
    """
    with transaction.atomic():
        batch = check_can_ask_again(run, cost_cap=cost_cap)
        batch.cancel_requested = False
        batch.cost_cap = batch.cost_cap if cost_cap is None else cost_cap
        batch.save(update_fields=["cancel_requested", "cost_cap"])
        run.results.filter(error_kind="judge_error").update(error_kind=JUDGE_AGAIN)
        run.results.exclude(error_kind__in=["", JUDGE_AGAIN]).delete()
        run.state, run.stop_reason, run.finished_at, run.sealed_at = Run.State.QUEUED, "", None, None
        run.cancel_requested, run.resumed = False, 0
        changed = ["state", "stop_reason", "finished_at", "sealed_at", "cancel_requested", "resumed"]
        run.save(update_fields=changed)
        rebuild_evidence(run.prompt)
        _enqueue_when_committed(run)


def check_can_delete(batch: Batch) -> None:
    """Raises Refused while a run of it is under way."""
    if batch.runs.under_way().exists():
        raise Refused("run", "This is still running. Cancel it first, then delete it.")


def can_delete(batch: Batch) -> bool:
    return not why_not(check_can_delete, batch)


def tombstones_of(runs: Sequence[Run]) -> int:
    """How many of these stay counted when deleted: asked or pasted, of a prompt others could ever open."""
    asked = [run.pk for run in runs if run.source != Source.PRACTICE and run.prompt.was_ever_shown]
    has_results = Exists(Result.objects.filter(run=OuterRef("pk")))
    return Run.objects.filter(has_results, pk__in=asked).count()


def delete_batch(batch: Batch) -> None:
    """Delete its runs and results. Runs of a prompt that others could ever open stay counted."""
    with transaction.atomic():
        check_can_delete(batch)
        delete_runs(batch.prompt, list(batch.runs.select_related("prompt")))
        batch.delete()


def delete_runs(prompt: Prompt, runs: Sequence[Run]) -> None:
    """Delete these runs of ``prompt``, count their tombstones, rebuild the evidence."""
    with transaction.atomic():
        counted = tombstones_of(runs)
        keys = [run.pk for run in runs]
        delete_results(Result.objects.filter(run__in=keys))
        Run.objects.filter(pk__in=keys).delete()
        sweep(prompt)
        Prompt.objects.filter(pk=prompt.pk).update(deleted_runs=F("deleted_runs") + counted)
        rebuild_evidence(prompt)
