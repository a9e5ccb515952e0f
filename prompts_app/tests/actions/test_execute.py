"""Executing runs: every answer kept, by one worker at a time, whatever happens to it."""

import signal
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from prompts_app.actions.prompts.save import delete_prompts
from prompts_app.actions.runs import execute
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.counting import count_run
from prompts_app.actions.runs.execute import execute_run
from prompts_app.engine.types import Price
from prompts_app.models import Endpoint, Prompt, Result, Run
from prompts_app.tests.actions.running import YES, a_run, a_version, at, fresh, in_a_thread
from prompts_app.tests.engine.servers import KEY, OddServer, answering, http
from prompts_app.tests.factories import EndpointFactory, ResultFactory
from prompts_app.tests.people import alice
from prompts_app.tests.workers import eventually, worker

pytestmark = pytest.mark.django_db
over_threads = pytest.mark.django_db(transaction=True)


class TestExecute:
    def test_every_answer_is_kept_with_all_that_is_known_of_it(self, yes: OddServer) -> None:
        run = a_run(yes, repeats=2)
        assert execute_run(run.pk)
        run = fresh(run)
        assert (run.state, run.frames, run.claim, run.lease_until) == ("finished", "ppp", "", None)
        assert (run.cases_passed, run.cases_failed, run.cases_error, run.cost) == (3, 0, 0, None)
        assert run.started_at
        assert run.finished_at
        assert run.model_answered == "tiny-1"
        cells = run.results.values_list("case_index", "repeat")
        assert list(cells) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
        result = run.results.all()[0]
        assert result.output == "yes, indeed"
        assert result.request == {"model": "tiny", "messages": [{"role": "user", "content": "Say word 0."}]}
        assert (result.finish_reason, result.model, result.response_id) == ("stop", "tiny-1", "chatcmpl-1")
        assert (result.fingerprint, result.tokens_in, result.tokens_out) == ("fp_1", 7, 2)
        assert result.latency_ms
        assert result.asked_at == yes.base_url.removesuffix("/v1")
        assert run.asked_at == [result.asked_at]
        assert result.cost is None
        assert result.passed
        assert result.checks[0]["type"] == "contains"
        assert result.checks[0]["passed"]
        assert yes.asked[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in str([list(Result.objects.values()), list(Run.objects.values())])

    def test_it_is_not_taken_up_at_another_address(self, yes: OddServer) -> None:
        """The endpoint was changed while the run waited, or while its worker was away."""
        run = a_run(yes)
        Endpoint.objects.update(base_url="https://api.openai.com/v1")
        execute_run(run.pk)
        assert (fresh(run).state, fresh(run).results.count()) == ("stopped", 0)
        assert "address was changed" in fresh(run).stop_reason
        assert not yes.asked

    def test_an_answer_is_said_to_be_from_where_it_was_asked_not_from_where_the_endpoint_is_now(
        self, yes: OddServer
    ) -> None:
        run = a_run(yes)
        execute_run(run.pk)
        Endpoint.objects.update(base_url="https://api.openai.com/v1", name="OpenAI")
        count_run(fresh(run))
        assert set(run.results.values_list("asked_at", flat=True)) == {yes.base_url.removesuffix("/v1")}
        assert fresh(run).asked_at == [yes.base_url.removesuffix("/v1")]

    @pytest.mark.parametrize("status", [500, 401])
    def test_a_fault_says_where_it_was_met(self, status: int) -> None:
        with answering(http(status, {})) as server:
            run = a_run(server, cases=1)
            execute_run(run.pk)
        assert run.results.get().asked_at == server.base_url.removesuffix("/v1")
        assert fresh(run).asked_at == []  # nothing was answered

    @pytest.mark.parametrize("url", ["http://no-such-host.invalid/v1", "http://169.254.1.1/v1"])
    def test_what_never_left_was_asked_nowhere(self, yes: OddServer, url: str) -> None:
        version = a_version(1)
        endpoint = EndpointFactory(owner=alice(), base_url=url)
        run = runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"])).runs.get()
        execute_run(run.pk)
        assert run.results.get().error_kind in {"dns", "blocked_address"}
        assert run.results.get().asked_at == ""

    def test_the_prompts_evidence_is_rebuilt(self, yes: OddServer) -> None:
        run = a_run(yes)
        execute_run(run.pk)
        prompt = Prompt.objects.get()
        assert (prompt.evidence_passed, prompt.evidence_cases) == (3, 3)
        assert prompt.evidence["models"][0]["run"] == run.public_id

    def test_what_is_stored_already_is_not_asked_again(self, yes: OddServer) -> None:
        run = a_run(yes)
        ResultFactory(run=run, case_index=1, repeat=0, output="mine")
        execute_run(run.pk)
        assert len(yes.asked) == 2
        assert run.results.get(case_index=1).output == "mine"
        assert fresh(run).frames == "ppp"

    def test_a_job_that_is_delivered_twice_does_nothing_the_second_time(self, yes: OddServer) -> None:
        run = a_run(yes)
        assert execute_run(run.pk)
        assert not execute_run(run.pk)
        assert not execute_run(0)
        assert len(yes.asked) == 3

    def test_practice_runs_without_a_network_and_never_counts(self) -> None:
        version = a_version()
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], runs.practice_endpoint(alice()), ["practice-1"])
        )
        execute_run(batch.runs.get().pk)
        run = batch.runs.get()
        assert (run.state, run.source, run.results.count()) == ("finished", "practice", 3)
        assert Prompt.objects.get().evidence == {}

    def test_what_no_database_takes_is_shown_as_a_replacement(self) -> None:
        odd = b'{"id":"i","model":"m\\u0000","choices":[{"message":{"content":"yes \\u0000 \\ud800"}}]}'
        with answering(http(200, odd)) as server:
            run = a_run(server, cases=1)
            execute_run(run.pk)
        result = run.results.get()
        assert result.output == "yes \N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"
        assert fresh(run).state == Run.State.FINISHED

    def test_errors_have_their_own_count(self, settings: Any) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        with answering(YES, http(400, {"error": {"message": "no such parameter"}}), YES) as server:
            run = a_run(server)
            execute_run(run.pk)
        run = fresh(run)
        assert (run.state, run.frames) == ("finished", "pep")
        assert (run.cases_passed, run.cases_error) == (2, 1)
        assert run.results.get(case_index=1).error_kind == "bad_request"

    @pytest.mark.parametrize(
        ("status", "kind"), [(401, "auth"), (403, "forbidden"), (404, "model_not_found")]
    )
    def test_a_refused_key_stops_the_run_and_says_why(self, settings: Any, status: int, kind: str) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        with answering(YES, http(status, {"error": {"message": "not for you"}})) as server:
            run = a_run(server, cases=5)
            execute_run(run.pk)
            assert len(server.asked) == 2
        run = fresh(run)
        assert (run.state, run.frames) == ("stopped", "pewww")
        assert run.stop_reason
        assert KEY not in run.stop_reason
        assert run.results.get(case_index=1).error_kind == kind
        assert Prompt.objects.get().evidence == {}

    def test_a_key_that_cannot_be_read_any_more_stops_the_run(self, yes: OddServer, settings: Any) -> None:
        run = a_run(yes)
        settings.ENDPOINT_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        execute_run(run.pk)
        assert fresh(run).state == Run.State.STOPPED
        assert "Type the key again" in fresh(run).stop_reason

    def test_a_deleted_endpoint_stops_the_run(self, yes: OddServer) -> None:
        run = a_run(yes)
        Endpoint.objects.all().delete()
        execute_run(run.pk)
        assert (fresh(run).state, len(yes.asked)) == ("stopped", 0)

    def test_an_error_of_ours_stops_the_run_and_is_raised(
        self, yes: OddServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = a_run(yes)

        def broken(*args: Any) -> Result:
            raise ZeroDivisionError

        monkeypatch.setattr(execute, "result_of", broken)
        with pytest.raises(ZeroDivisionError):
            execute_run(run.pk)
        assert fresh(run).state == Run.State.STOPPED
        assert "report it" in fresh(run).stop_reason

    def test_an_error_of_the_engine_is_not_lost_either(
        self, yes: OddServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = a_run(yes)
        monkeypatch.setattr("prompts_app.engine.run.open_endpoint", None)
        with pytest.raises(TypeError):
            execute_run(run.pk)
        assert fresh(run).state == Run.State.STOPPED


class TestCostCap:
    @pytest.fixture(autouse=True)
    def a_cent_a_call(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        price = Price(Decimal("0.01"), "test table")
        monkeypatch.setattr("prompts_app.engine.prices.price_of", lambda *args, **kwargs: price)
        settings.ENDPOINT_CONCURRENCY = 2

    def test_it_is_never_passed_by_more_than_the_calls_in_flight(self, yes: OddServer) -> None:
        run = a_run(yes, cases=20, cost_cap=Decimal("0.05"))
        execute_run(run.pk)
        run = fresh(run)
        assert run.state == Run.State.CAPPED
        assert run.cost is not None
        assert Decimal("0.05") <= run.cost <= Decimal("0.07")
        assert len(yes.asked) <= 7

    def test_it_holds_for_the_whole_batch(self, yes: OddServer) -> None:
        version = a_version(3)
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], at(yes), ["a", "b"], cost_cap=Decimal("0.04"))
        )
        for run in batch.runs.order_by("pk"):
            execute_run(run.pk)
        assert [run.state for run in batch.runs.order_by("pk")] == ["finished", "capped"]
        assert len(yes.asked) <= 6

    def test_asked_again_with_a_higher_cap_it_goes_on(self, yes: OddServer) -> None:
        run = a_run(yes, cases=6, cost_cap=Decimal("0.02"))
        execute_run(run.pk)
        runs.ask_again(fresh(run), cost_cap=Decimal(1))
        execute_run(run.pk)
        assert (fresh(run).state, fresh(run).cost, len(yes.asked) <= 8) == ("finished", Decimal("0.06"), True)


@over_threads
class TestSeveralAtOnce:
    def slow(self, seconds: float = 0.15) -> Any:
        return answering([seconds, *YES])

    def test_cancel_stops_within_a_second_and_keeps_what_was_answered(self, settings: Any) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        with self.slow() as server:
            run = a_run(server, cases=200)
            assert run.batch
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: run.results.exists())
            runs.request_cancel(run.batch)
            thread.join(5)
        assert fresh(run).state == Run.State.CANCELLED
        assert 0 < fresh(run).cases_passed < 50
        assert Prompt.objects.get().evidence == {}

    def test_answers_are_stored_while_others_are_still_asked(self) -> None:
        with answering(YES, [3.0, *YES]) as server:
            run = a_run(server, cases=2)
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: run.results.count() == 1, within_s=2.5)
            assert fresh(run).state == Run.State.RUNNING
            thread.join(10)
        assert fresh(run).frames == "pp"

    def test_of_two_workers_one_gets_the_run(self) -> None:
        with self.slow(0.05) as server:
            run = a_run(server, cases=6)
            got: list[bool] = []
            threads = [in_a_thread(lambda: got.append(execute_run(run.pk))) for _ in range(3)]
            for thread in threads:
                thread.join(20)
        assert sorted(got) == [False, False, True]
        assert len(server.asked) == 6

    def test_a_worker_that_lost_its_run_stops_without_a_word(self, settings: Any) -> None:
        settings.RUN_LEASE_S, settings.ENDPOINT_CONCURRENCY = 1.0, 1
        with self.slow() as server:
            run = a_run(server, cases=200)
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: run.results.exists())
            Run.objects.update(claim="another worker")
            thread.join(5)
        assert not thread.is_alive()
        assert (fresh(run).state, fresh(run).claim) == ("running", "another worker")

    def test_a_run_that_is_deleted_under_the_worker_ends_it(self, settings: Any) -> None:
        settings.RUN_LEASE_S, settings.ENDPOINT_CONCURRENCY = 1.0, 4
        with self.slow(0.05) as server:
            run = a_run(server, cases=400)
            thread = in_a_thread(lambda: execute_run(run.pk))
            eventually(lambda: run.results.exists())
            delete_prompts(alice(), list(Prompt.objects.all()))
            thread.join(15)
        assert not thread.is_alive()
        assert not Run.objects.exists()

    def test_a_database_that_is_away_for_a_moment_loses_nothing(
        self, yes: OddServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run, failures = a_run(yes), iter([OperationalError("database is locked")] * 2)
        bulk_create = Result.objects.bulk_create

        def sometimes(*args: Any, **kwargs: Any) -> Any:
            for failure in failures:
                raise failure
            return bulk_create(*args, **kwargs)

        monkeypatch.setattr(Result.objects, "bulk_create", sometimes)
        execute_run(run.pk)
        assert fresh(run).frames == "ppp"

    def test_while_storing_fails_nothing_more_is_unstored_than_was_in_flight(
        self, yes: OddServer, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.ENDPOINT_CONCURRENCY = 4
        run, unstored, failing = a_run(yes, cases=24), list[int](), iter([1, 1, 0, 1])
        bulk_create = Result.objects.bulk_create

        def mostly_not(*args: Any, **kwargs: Any) -> Any:
            unstored.append(len(yes.asked) - run.results.count())
            if next(failing, 0):
                raise OperationalError("disk I/O error")
            return bulk_create(*args, **kwargs)

        monkeypatch.setattr(Result.objects, "bulk_create", mostly_not)
        execute_run(run.pk)
        assert fresh(run).frames == "p" * 24
        assert len(yes.asked) == 24
        assert max(unstored) <= 4

    def test_runs_on_one_endpoint_go_one_after_the_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        enqueued: list[int] = []
        monkeypatch.setattr("prompts_app.actions.runs.execute.enqueue_run", enqueued.append)
        with self.slow(0.3) as server:
            version = a_version(2)
            batch = runs.start_batch(version.prompt, BatchPlan([version], at(server), ["a", "b"]))
            first, second = batch.runs.order_by("pk")
            thread = in_a_thread(lambda: execute_run(first.pk))
            eventually(lambda: fresh(first).state == Run.State.RUNNING)
            assert not execute_run(second.pk)
            thread.join(10)
        assert enqueued == [second.pk]

    @pytest.mark.slow
    def test_a_killed_worker_loses_nothing_and_another_one_finishes(self, tmp_path: Path) -> None:
        environment = {"RUN_LEASE_S": "1", "ENDPOINT_CONCURRENCY": "2"}
        with self.slow(0.25) as server:
            run = a_run(server, cases=16)
            with worker(tmp_path, None, **environment) as first:
                eventually(lambda: run.results.count() >= 3)
                first.send_signal(signal.SIGKILL)
                first.wait()
            before = dict(run.results.values_list("case_index", "public_id"))
            assert 3 <= len(before) < 16
            assert fresh(run).state == Run.State.RUNNING
            eventually(lambda: fresh(run).lease_until < timezone.now())  # type: ignore[operator]
            with worker(tmp_path, None, **environment):
                eventually(lambda: fresh(run).state == Run.State.FINISHED)
        after = dict(run.results.values_list("case_index", "public_id"))
        assert (fresh(run).frames, fresh(run).resumed, len(after)) == ("p" * 16, 1, 16)
        assert before.items() <= after.items()
        asked = Counter(call.json["messages"][0]["content"] for call in server.asked)
        assert {asked[f"Say word {index}."] for index in before} == {1}  # never again what was stored
        # The rest once, or twice: the two in flight, and at most two whose answers came but were not stored.
        assert len(server.asked) <= 16 + 2 + 2

    @pytest.mark.slow
    def test_a_worker_that_is_told_to_stop_gives_its_run_back(self, tmp_path: Path) -> None:
        with self.slow(0.25) as server:
            run = a_run(server, cases=100)
            with worker(tmp_path, ENDPOINT_CONCURRENCY="1") as told:
                eventually(lambda: run.results.exists())
                told.terminate()
                told.wait(10)
        assert fresh(run).lease_until is None
        assert fresh(run).state == Run.State.RUNNING
