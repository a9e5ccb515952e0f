"""Runs that end before every case was asked: no call that was made is without its row."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import MOST_RESUMES, execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.engine.types import Price
from prompts_app.models import Batch, Result, Run
from prompts_app.tests.actions.running import YES, a_run, a_version, at, fresh, in_a_thread
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.factories import CaseFactory, ResultFactory
from prompts_app.tests.workers import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def two_at_once(settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 2


def faults(run: Run) -> list[str]:
    return sorted(run.results.exclude(error_kind="").values_list("error_kind", flat=True))


class TestAtTheCostCap:
    @pytest.fixture(autouse=True)
    def a_cent_a_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        price = Price(Decimal("0.01"), "test table")
        monkeypatch.setattr("prompts_app.engine.prices.price_of", lambda *args, **kwargs: price)

    def test_what_is_being_asked_then_is_awaited_and_its_cost_counted(self) -> None:
        with answering(YES, [0.6, *YES]) as server:
            run = a_run(server, cases=20, cost_cap=Decimal("0.01"))
            execute_run(run.pk)
        run = fresh(run)
        assert (run.state, len(server.asked), faults(run)) == ("capped", 2, [])
        assert (run.results.count(), run.cost) == (2, Decimal("0.02"))

    def test_but_not_for_ever_and_then_it_is_noted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("prompts_app.actions.runs.engine_thread.LAST_CALLS_S", 0.3)
        with answering(YES, [30.0, *YES], YES) as server:
            run = a_run(server, cases=20, cost_cap=Decimal("0.01"))
            began = monotonic()
            execute_run(run.pk)
            assert monotonic() - began < 10
        run = fresh(run)
        assert (run.state, len(server.asked), faults(run)) == ("capped", 2, ["cut_short"])
        noted = run.results.get(error_kind="cut_short")
        assert "may bill it" in noted.error_message
        assert (noted.cost, noted.request["model"]) == (None, "tiny")

    def test_a_run_whose_last_calls_were_all_answered_is_finished(self) -> None:
        with answering(YES, [0.4, *YES]) as server:
            run = a_run(server, cases=2, cost_cap=Decimal("0.01"))
            execute_run(run.pk)
        assert (fresh(run).state, fresh(run).frames) == ("finished", "pp")


class TestCancelled:
    def cancelled(self, server: OddServer, cases: int, when: Callable[[Run], bool]) -> tuple[Run, float]:
        """A run that is cancelled at some moment; and how long it took to end."""
        run = a_run(server, cases=cases)
        assert run.batch
        thread = in_a_thread(lambda: execute_run(run.pk))
        eventually(lambda: when(run))
        began = monotonic()
        runs.request_cancel(run.batch)
        eventually(lambda: not fresh(run).is_under_way)
        took = monotonic() - began
        thread.join(10)
        return fresh(run), took

    def test_what_was_being_asked_is_noted_as_perhaps_billed(self) -> None:
        with answering(YES, [30.0, *YES]) as server:
            run, took = self.cancelled(server, 9, lambda run: run.results.exists() and len(server.asked) > 2)
        assert took < 3
        assert (run.state, sorted(run.frames)) == ("cancelled", sorted("peewwwwww"))
        assert (len(server.asked), faults(run)) == (3, ["cut_short", "cut_short"])

    def test_it_is_no_finished_run_though_no_case_is_left(self) -> None:
        with answering([30.0, *YES]) as server:
            run, _ = self.cancelled(server, 2, lambda run: len(server.asked) == 2)
        assert (run.state, run.frames) == ("cancelled", "ee")

    def test_asked_again_it_asks_what_was_cut_short(self) -> None:
        with answering(YES, [30.0, *YES], [30.0, *YES], YES) as server:
            run, _ = self.cancelled(server, 5, lambda run: run.results.exists() and len(server.asked) > 2)
            first = run.results.get(error_kind="").public_id
            runs.ask_again(run)
            execute_run(run.pk)
        assert (fresh(run).state, fresh(run).frames) == ("finished", "ppppp")
        assert run.results.filter(public_id=first).exists()

    def test_taken_up_by_another_worker_nothing_more_is_asked(self, yes: OddServer) -> None:
        run = a_run(yes)
        assert run.batch
        Run.objects.claim(run.pk, "a worker that vanished")
        runs.request_cancel(run.batch)
        Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        execute_run(run.pk)
        assert (fresh(run).state, yes.asked) == ("cancelled", [])

    def test_an_answer_whose_judge_was_being_asked_stays_and_is_judged_later(self) -> None:
        verdict = says({"reason": "So it is.", "pass": True})
        with answering(YES) as model, answering([30.0, *verdict], verdict) as bench:
            version = a_version(0)
            CaseFactory(prompt=version.prompt, assertions=[{"type": "llm-rubric", "value": "Is polite."}])
            judge = JudgeChoice(at(bench), "judge-1")
            batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["tiny"], judge=judge))
            run = batch.runs.get()
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: bool(bench.asked))
            runs.request_cancel(batch)
            thread.join(10)
            assert (fresh(run).state, faults(run)) == ("cancelled", ["judge_again"])
            assert run.results.get().output == "yes, indeed"
            runs.ask_again(fresh(run))
            execute_run(run.pk)
        assert (fresh(run).state, fresh(run).frames, len(model.asked)) == ("finished", "p", 1)


class TestOneRunOfSeveral:
    BEST = {"type": "select-best", "value": "The shortest."}

    def batch(self, server: OddServer, judge: JudgeChoice | None = None) -> Batch:
        version = a_version(0 if judge else 3)
        if judge:
            CaseFactory(prompt=version.prompt, assertions=[self.BEST])
        return runs.start_batch(
            version.prompt, BatchPlan([version], at(server), ["a", "b", "c"], judge=judge)
        )

    def test_one_that_waits_ends_and_the_others_go_on(self, yes: OddServer) -> None:
        batch = self.batch(yes)
        first, second, third = batch.runs.order_by("pk")
        runs.cancel_run(second)
        assert fresh(second).state == Run.State.CANCELLED
        assert execute_run(first.pk)
        assert not execute_run(second.pk)
        assert execute_run(third.pk)
        states = [run.state for run in batch.runs.order_by("pk")]
        assert states == ["finished", "cancelled", "finished"]
        assert fresh(first).sealed_at

    def test_one_that_is_asked_ends_and_keeps_its_answers(self) -> None:
        with answering(YES, [30.0, *YES]) as server:
            batch = self.batch(server)
            run = batch.runs.order_by("pk")[0]
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: run.results.exists() and len(server.asked) > 2)
            runs.cancel_run(run)
            thread.join(10)
        assert (fresh(run).state, run.results.filter(error_kind="").count()) == ("cancelled", 1)
        assert Run.objects.under_way().count() == 2

    def test_the_last_one_that_waits_is_ended_by_a_worker_that_compares_the_others(
        self, yes: OddServer
    ) -> None:
        with answering(says({"reason": "r", "best": 1})) as bench:
            batch = self.batch(yes, JudgeChoice(at(bench), "judge-1"))
            first, second, last = batch.runs.order_by("pk")
            execute_run(first.pk)
            execute_run(second.pk)
            runs.cancel_run(last)
            assert fresh(last).is_under_way
            execute_run(last.pk)
            assert len(bench.asked) == 1
        assert len(yes.asked) == 2
        assert [run.state for run in batch.runs.order_by("pk")] == ["finished", "finished", "cancelled"]
        assert sorted(str(result.passed) for result in Result.objects.all()) == ["False", "True"]

    def test_asked_again_it_goes_on(self, yes: OddServer) -> None:
        run = self.batch(yes).runs.order_by("pk")[0]
        runs.cancel_run(run)
        runs.ask_again(fresh(run))
        execute_run(run.pk)
        assert fresh(run).frames == "ppp"


class TestAWorkerThatVanishesEachTime:
    def vanished(self, run: Run, times: int) -> None:
        for number in range(times):
            assert Run.objects.claim(run.pk, f"worker {number}")
            Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    def test_the_run_is_taken_up_a_few_times_and_then_left_to_its_author(self, yes: OddServer) -> None:
        run = a_run(yes)
        ResultFactory(run=run, case_index=0, repeat=0, output="mine")
        self.vanished(run, MOST_RESUMES + 1)
        execute_run(run.pk)
        run = fresh(run)
        assert (run.state, run.frames, yes.asked) == ("stopped", "pww", [])
        assert f"vanished {MOST_RESUMES + 1} times" in run.stop_reason
        assert run.results.get().output == "mine"

    def test_until_then_it_goes_on(self, yes: OddServer) -> None:
        run = a_run(yes)
        self.vanished(run, MOST_RESUMES)
        execute_run(run.pk)
        assert (fresh(run).state, fresh(run).resumed) == ("finished", MOST_RESUMES)

    def test_asked_again_it_has_as_many_chances_as_before(self, yes: OddServer) -> None:
        run = a_run(yes)
        self.vanished(run, MOST_RESUMES + 1)
        execute_run(run.pk)
        runs.ask_again(fresh(run))
        self.vanished(run, 1)
        execute_run(run.pk)
        assert (fresh(run).state, fresh(run).frames, fresh(run).resumed) == ("finished", "ppp", 1)

    def test_one_that_vanished_after_the_last_answer_can_be_asked_again_too(self, yes: OddServer) -> None:
        run = a_run(yes, cases=1)
        ResultFactory(run=run, case_index=0, repeat=0)
        self.vanished(run, MOST_RESUMES + 1)
        execute_run(run.pk)
        assert fresh(run).state == Run.State.STOPPED
        runs.ask_again(fresh(run))
        execute_run(run.pk)
        assert (fresh(run).state, yes.asked) == ("finished", [])
