"""Who works on a run: one at a time, and nobody for ever."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from prompts_app.actions.runs.execute import execute_run, execute_run_task
from prompts_app.actions.runs.lifecycle import cancel_run, request_cancel
from prompts_app.actions.tasks import resume_abandoned, resume_vanished
from prompts_app.models import Endpoint, Run
from prompts_app.tests.actions.running import YES, in_a_thread
from prompts_app.tests.actions.running import a_run as a_started_run
from prompts_app.tests.engine.servers import answering
from prompts_app.tests.factories import EndpointFactory, RunFactory, VersionFactory

pytestmark = pytest.mark.django_db


def a_run(endpoint: Endpoint | None = None, **facts: Any) -> Run:
    run: Run = RunFactory(
        version=VersionFactory(),
        endpoint=endpoint or EndpointFactory(),
        **{"state": Run.State.QUEUED} | facts,
    )
    return run


def expire(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_first_gets_it_and_the_second_does_not() -> None:
    run = a_run()
    assert Run.objects.claim(run.pk, "one")
    assert not Run.objects.claim(run.pk, "two")
    run.refresh_from_db()
    assert (run.state, run.claim, run.resumed) == (Run.State.RUNNING, "one", 0)
    assert run.started_at


def test_an_expired_lease_is_free_and_the_run_says_that_it_was_resumed() -> None:
    run = a_run()
    Run.objects.claim(run.pk, "one")
    run.refresh_from_db()
    began = run.started_at
    expire(run)
    assert Run.objects.claim(run.pk, "two")
    run.refresh_from_db()
    assert (run.claim, run.resumed, run.started_at) == ("two", 1, began)


def test_a_run_given_back_is_free_at_once_and_was_not_abandoned() -> None:
    run = a_run()
    Run.objects.claim(run.pk, "one")
    Run.objects.give_back(run.pk, "one")
    assert Run.objects.claim(run.pk, "two")
    run.refresh_from_db()
    assert run.resumed == 0


def test_only_its_worker_renews_and_finishes() -> None:
    run = a_run()
    Run.objects.claim(run.pk, "one")
    assert Run.objects.renew(run.pk, "one")
    assert not Run.objects.renew(run.pk, "two")
    assert not Run.objects.give_back(run.pk, "two", state=Run.State.STOPPED)
    assert Run.objects.give_back(run.pk, "one", state=Run.State.FINISHED)
    run.refresh_from_db()
    assert (run.state, run.claim, run.lease_until) == (Run.State.FINISHED, "", None)


def test_a_worker_that_was_replaced_writes_nothing() -> None:
    run = a_run()
    Run.objects.claim(run.pk, "one")
    expire(run)
    Run.objects.claim(run.pk, "two")
    assert not Run.objects.renew(run.pk, "one")
    assert not Run.objects.give_back(run.pk, "one", state=Run.State.FINISHED)


def test_a_late_worker_whom_nobody_replaced_goes_on() -> None:
    run = a_run()
    Run.objects.claim(run.pk, "one")
    expire(run)
    assert Run.objects.renew(run.pk, "one")
    assert not Run.objects.claim(run.pk, "two")


@pytest.mark.parametrize("state", sorted(set(Run.State) - {Run.State.QUEUED, Run.State.RUNNING}))
def test_what_has_ended_is_not_taken_up(state: str) -> None:
    assert not Run.objects.claim(a_run(state=state).pk, "one")


def test_on_one_endpoint_one_run_at_a_time() -> None:
    endpoint = EndpointFactory()
    first, second, elsewhere = a_run(endpoint), a_run(endpoint), a_run()
    assert Run.objects.claim(first.pk, "one")
    assert not Run.objects.claim(second.pk, "two")
    assert Run.objects.claim(elsewhere.pk, "three")
    Run.objects.give_back(first.pk, "one", state=Run.State.FINISHED)
    assert Run.objects.claim(second.pk, "two")


@pytest.mark.django_db(transaction=True)
def test_of_runs_on_one_endpoint_that_are_claimed_in_the_same_instant_one_is_taken() -> None:
    for _ in range(10):
        endpoint = EndpointFactory()
        waiting, together, got = [a_run(endpoint) for _ in range(4)], Barrier(4), list[bool]()

        def claim(run: Run) -> None:
            connection.ensure_connection()
            together.wait(10)  # noqa: B023 the threads end before the next round
            got.append(Run.objects.claim(run.pk, f"worker of {run.pk}"))  # noqa: B023

        threads = [in_a_thread(partial(claim, run)) for run in waiting]
        for thread in threads:
            thread.join(20)
        assert sorted(got) == [False, False, False, True]
        assert endpoint.runs.filter(state=Run.State.RUNNING).count() == 1


def test_a_claim_that_was_taken_but_not_heard_of_is_still_the_same_workers() -> None:
    """The connection may end after the database has written and before it has said so."""
    run = a_run()
    assert Run.objects.claim(run.pk, "one")
    assert Run.objects.claim(run.pk, "one")
    run.refresh_from_db()
    assert run.resumed == 0


def test_a_run_that_only_has_to_be_ended_does_not_wait_for_its_endpoint() -> None:
    endpoint = EndpointFactory()
    first, second = a_run(endpoint), a_run(endpoint, cancel_requested=True)
    assert Run.objects.claim(first.pk, "one")
    assert Run.objects.claim(second.pk, "two")


def test_a_dead_run_does_not_block_its_endpoint() -> None:
    endpoint = EndpointFactory()
    first, second = a_run(endpoint), a_run(endpoint)
    Run.objects.claim(first.pk, "one")
    expire(first)
    assert Run.objects.claim(second.pk, "two")


class TestSweep:
    """Each minute: what no worker holds is enqueued again."""

    @pytest.fixture(autouse=True)
    def enqueued(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        runs: list[int] = []
        monkeypatch.setattr("prompts_app.actions.tasks.enqueue_run", runs.append)
        return runs

    def test_lost_and_expired_runs_are_enqueued(self, enqueued: list[int]) -> None:
        lost, expired, held = a_run(), a_run(), a_run()
        Run.objects.claim(expired.pk, "one")
        Run.objects.claim(held.pk, "two")
        expire(expired)
        assert resume_abandoned() == 2
        assert sorted(enqueued) == [lost.pk, expired.pk]

    def test_of_those_that_wait_for_one_endpoint_only_the_first(self, enqueued: list[int]) -> None:
        endpoint = EndpointFactory()
        first, _second = a_run(endpoint), a_run(endpoint)
        resume_abandoned()
        assert enqueued == [first.pk]

    def test_a_worker_that_vanished_is_noticed_once(self, enqueued: list[int]) -> None:
        """It is looked for every few seconds: what waits for a free worker must not fill the queue."""
        held, gone, waiting = a_run(), a_run(), a_run()
        Run.objects.claim(held.pk, "one")
        Run.objects.claim(gone.pk, "two")
        assert resume_vanished() == 0
        expire(gone)
        assert resume_vanished() == 2
        assert sorted(enqueued) == [gone.pk, waiting.pk]
        assert resume_vanished() == 0
        assert Run.objects.claim(gone.pk, "three")
        gone.refresh_from_db()
        assert gone.resumed == 1

    def test_one_that_was_only_late_goes_on_all_the_same(self, enqueued: list[int]) -> None:
        late = a_run()
        Run.objects.claim(late.pk, "one")
        expire(late)
        resume_vanished()
        assert Run.objects.renew(late.pk, "one")
        assert not Run.objects.claim(late.pk, "two")

    def test_what_has_ended_is_left_alone(self, enqueued: list[int]) -> None:
        a_run(state=Run.State.FINISHED)
        assert resume_abandoned() == 0

    def test_the_queue_keeps_nothing_of_a_task_that_is_done(self, settings: Any) -> None:
        from huey.contrib.djhuey import HUEY

        backend = "huey.contrib.djhuey.tasks_backend.HueyBackend"
        settings.TASKS = {"default": {"BACKEND": backend}}
        execute_run_task.enqueue(0)
        HUEY.execute(HUEY.dequeue())
        assert (HUEY.pending(), HUEY.all_results()) == ([], {})

    def test_the_queue_knows_it_by_the_clock(self) -> None:
        from huey.contrib.djhuey import HUEY

        from prompts_app import tasks

        periodic = {type(task) for task in HUEY._registry.periodic_tasks}
        assert tasks.each_minute.task_class in periodic


class TestClocks:
    """All that share a database go by its clock; a lease that a wrong one wrote blocks nobody."""

    @pytest.mark.parametrize("hours", [-24, -1, 1, 24])
    def test_a_workers_own_clock_does_not_matter(self, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
        run, now = a_run(), timezone.now
        with monkeypatch.context() as patched:
            patched.setattr("django.utils.timezone.now", lambda: now() + timedelta(hours=hours))
            assert Run.objects.claim(run.pk, "one")
            assert not Run.objects.claim(run.pk, "two")
            assert Run.objects.renew(run.pk, "one")
        assert not Run.objects.claim(run.pk, "two")
        run.refresh_from_db()
        assert run.lease_until is not None
        assert 20 < (run.lease_until - now()).total_seconds() < 26

    def test_a_lease_further_ahead_than_two_of_its_lengths_holds_nothing(self, settings: Any) -> None:
        endpoint = EndpointFactory()
        ahead, waiting = a_run(endpoint), a_run(endpoint)
        Run.objects.claim(ahead.pk, "one")
        for lengths, is_free in ((1.9, False), (2.2, True)):
            late = timezone.now() + timedelta(seconds=settings.RUN_LEASE_S * lengths)
            Run.objects.filter(pk=ahead.pk).update(lease_until=late)
            assert Run.objects.abandoned().filter(pk=ahead.pk).exists() == is_free
            assert Run.objects.claimable().filter(pk=waiting.pk).exists() == is_free
        assert Run.objects.claim(ahead.pk, "two")
        ahead.refresh_from_db()
        assert ahead.resumed == 1

    @pytest.mark.parametrize("days", [-1, 1], ids=["ran out", "of a wrong clock"])
    @pytest.mark.parametrize(
        "cancel", [cancel_run, lambda run: request_cancel(run.batch)], ids=["run", "batch"]
    )
    @pytest.mark.django_db(transaction=True)
    def test_cancel_ends_a_run_whose_worker_has_vanished(
        self, cancel: Callable[[Run], None], days: int
    ) -> None:
        with answering(YES) as server:
            run = a_started_run(server)
            Run.objects.claim(run.pk, "one")
            Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(days=days))
            busy = a_run(run.endpoint)
            assert Run.objects.claim(busy.pk, "of another run on the same endpoint")
            enqueued: list[int] = []
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("prompts_app.actions.runs.lifecycle.enqueue_run", enqueued.append)
                cancel(Run.objects.get(pk=run.pk))
            assert enqueued == [run.pk]
            assert execute_run(run.pk)
            assert not server.asked
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
