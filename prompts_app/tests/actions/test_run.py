"""Starting, cancelling, going on with and deleting runs."""

from collections.abc import Callable
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.tasks import default_task_backend

from prompts_app.actions.prompts.publish import publish, unpublish
from prompts_app.actions.runs import batches
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.sharing.links import PromptChoice, create_link, revoke_link
from prompts_app.engine.digests import case_json
from prompts_app.engine.errors import Refused
from prompts_app.models import (
    Batch,
    Case,
    Endpoint,
    Prompt,
    Result,
    Run,
    ShareLink,
    Source,
    Version,
    Visibility,
)
from prompts_app.tests.actions.running import YES, a_run, a_version, fresh, in_a_thread
from prompts_app.tests.engine.servers import OddServer, answering, completion, http
from prompts_app.tests.factories import (
    CaseFactory,
    EndpointFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db


class TestStart:
    def test_one_run_for_each_version_and_model_with_the_suite_as_it_is_now(self) -> None:
        version = a_version(2)
        second = VersionFactory(
            prompt=version.prompt, number=2, parameters={"temperature": 0},
            messages=[{"role": "user", "content": "Shout {{word}}."}],
        )  # fmt: skip
        endpoint = EndpointFactory(owner=alice(), base_url="https://models.example.com/v1")
        batch = runs.start_batch(
            version.prompt, BatchPlan([second, version], endpoint, ["a", "b"], repeats=2)
        )
        made = list(batch.runs.order_by("pk"))
        assert [(r.model, r.version.number) for r in made] == [("a", 2), ("a", 1), ("b", 2), ("b", 1)]
        run = made[0]
        assert run.suite == [case_json(case) for case in version.prompt.suite()]
        assert (run.source, run.state, run.repeats) == (Source.RECORDED, Run.State.QUEUED, 2)
        assert (run.parameters, run.endpoint_host) == ({"temperature": 0}, "models.example.com")
        Case.objects.all().delete()
        assert len(fresh(run).suite) == 2

    def test_it_is_enqueued_once_the_transaction_is_committed(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        before = len(default_task_backend.results)  # type: ignore[attr-defined]  # the dummy's
        version = a_version()
        with django_capture_on_commit_callbacks(execute=True):
            batch = runs.start_batch(
                version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["a", "b"])
            )
            assert len(default_task_backend.results) == before  # type: ignore[attr-defined]
        enqueued = default_task_backend.results[before:]  # type: ignore[attr-defined]
        assert [result.args for result in enqueued] == [[batch.runs.order_by("pk")[0].pk]]

    def test_everybody_has_one_practice_endpoint(self) -> None:
        mine = runs.practice_endpoint(alice())
        assert runs.practice_endpoint(alice()) == mine
        assert runs.practice_endpoint(dana()) != mine
        assert mine.known_models == ["practice-1", "practice-2"]

    def test_an_endpoint_of_the_same_name_is_not_taken_for_practice(self) -> None:
        EndpointFactory(owner=alice(), name=runs.PRACTICE_NAME)
        assert runs.practice_endpoint(alice()).is_practice

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"versions": []}, "Choose at least one version"),
            ({"models": []}, "Name at least one model"),
            ({"models": ["a", "a"]}, "named twice"),
            ({"models": ["m" * 201]}, "at most 200 characters"),
            ({"models": [f"m{n}" for n in range(21)]}, "20 at a time"),
            ({"repeats": 0}, "between 1 and 20"),
            ({"repeats": 21}, "between 1 and 20"),
            ({"cost_cap": Decimal(0)}, "more than 0"),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused_with_a_sentence(self, wrong: dict[str, Any], said: str) -> None:
        version = a_version()
        call: dict[str, Any] = {"versions": [version], "models": ["a"]} | wrong
        with pytest.raises(Refused, match=said):
            runs.start_batch(version.prompt, BatchPlan(endpoint=EndpointFactory(owner=alice()), **call))
        assert not Batch.objects.exists()

    def test_without_a_case_there_is_nothing_to_run(self) -> None:
        version = a_version(cases=0)
        with pytest.raises(Refused, match="no test case yet"):
            runs.start_batch(version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["a"]))

    def test_more_than_ten_thousand_calls_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches, "MOST_CALLS", 5)
        version = a_version(3)
        with pytest.raises(Refused, match="That is 6 calls; 5 at a time"):
            runs.start_batch(
                version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["a"], repeats=2)
            )

    def test_a_case_without_a_value_is_named(self) -> None:
        version = a_version(0)
        CaseFactory(prompt=version.prompt, name="Hollow", variables={})
        with pytest.raises(Refused, match="“Hollow” has no value for"):
            runs.start_batch(version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["a"]))

    def test_somebody_elses_endpoint_is_refused(self) -> None:
        version = a_version()
        with pytest.raises(Refused, match="do not belong together"):
            runs.start_batch(version.prompt, BatchPlan([version], EndpointFactory(owner=dana()), ["a"]))


class TestCancelWaiting:
    def test_what_waits_is_cancelled_at_once(self, yes: OddServer) -> None:
        run = a_run(yes)
        assert run.batch
        runs.request_cancel(run.batch)
        assert fresh(run).state == Run.State.CANCELLED
        assert not execute_run(run.pk)


class TestAskAgain:
    def test_errors_are_asked_again_and_answers_stay(self, settings: Any) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        with answering(YES, http(401, {}), YES) as server:
            run = a_run(server)
            execute_run(run.pk)
            first = run.results.get(case_index=0).public_id
            runs.ask_again(fresh(run))
            assert fresh(run).state == Run.State.QUEUED
            execute_run(run.pk)
        assert fresh(run).frames == "ppp"
        assert run.results.get(case_index=0).public_id == first

    def test_failed_cases_are_never_asked_again(self) -> None:
        with answering(http(200, completion("no"))) as server:
            run = a_run(server)
            execute_run(run.pk)
            assert fresh(run).frames == "fff"
            with pytest.raises(Refused, match="has its answers"):
                runs.ask_again(fresh(run))

    def test_until_it_has_finished_again_it_does_not_count(self) -> None:
        with answering(http(400, {}), YES) as server:
            run = a_run(server)
            execute_run(run.pk)
            assert Prompt.objects.get().evidence["errors"] >= 1
            runs.ask_again(fresh(run))
        assert Prompt.objects.get().evidence == {}
        assert fresh(run).sealed_at is None

    @pytest.mark.parametrize("state", [Run.State.QUEUED, Run.State.RUNNING])
    def test_not_while_it_is_under_way(self, yes: OddServer, state: str) -> None:
        run = a_run(yes)
        Run.objects.update(state=state)
        with pytest.raises(Refused, match="under way"):
            runs.ask_again(fresh(run))

    def test_not_without_its_endpoint(self, yes: OddServer) -> None:
        run = a_run(yes)
        Run.objects.update(state=Run.State.STOPPED, endpoint=None)
        with pytest.raises(Refused, match="endpoint of this run was deleted"):
            runs.ask_again(fresh(run))

    @pytest.mark.parametrize(
        "now",
        ["http://127.0.0.1:9/v1", "https://127.0.0.1:1/v1", "https://api.openai.com/v1", "{base}/other", ""],
    )
    def test_not_on_another_address(self, now: str) -> None:
        with answering(http(400, {})) as server:
            run = a_run(server)
            execute_run(run.pk)
            Endpoint.objects.update(base_url=now.format(base=server.base_url))
            with pytest.raises(Refused, match=r"address was changed .* Start a new run"):
                runs.ask_again(fresh(run))
        assert fresh(run).results.count() == 3

    def test_the_same_address_in_another_spelling_is_the_same(self) -> None:
        with answering(http(400, {}), YES) as server:
            run = a_run(server)
            execute_run(run.pk)
            Endpoint.objects.update(base_url=server.base_url.replace("http://", "HTTP://") + "/")
            runs.ask_again(fresh(run))

    def test_of_a_run_from_before_the_address_was_kept_the_host_is_known(self, yes: OddServer) -> None:
        run = a_run(yes)
        Run.objects.update(state=Run.State.STOPPED, endpoint_url="", endpoint_host="api.openai.com")
        with pytest.raises(Refused, match="address was changed"):
            runs.ask_again(fresh(run))
        Run.objects.update(endpoint_host="127.0.0.1")
        runs.ask_again(fresh(run))

    def test_nor_is_a_judge_at_another_address_asked(self, yes: OddServer) -> None:
        judge = EndpointFactory(owner=alice(), base_url="https://judge.example.com/v1")
        run = a_run(yes)
        Batch.objects.update(judge_endpoint=judge, judge_model="strict")
        Run.objects.update(state=Run.State.STOPPED, judge_endpoint_url="https://other.example.com/v1")
        with pytest.raises(Refused, match="judge’s endpoint was changed"):
            runs.ask_again(fresh(run))

    def test_after_a_cancel_it_goes_on(self, yes: OddServer) -> None:
        run = a_run(yes)
        assert run.batch
        runs.request_cancel(run.batch)
        runs.ask_again(fresh(run))
        execute_run(run.pk)
        assert fresh(run).frames == "ppp"


class TestDelete:
    @pytest.mark.parametrize(
        ("visibility", "source", "counted"),
        [
            (Visibility.PUBLIC, Source.RECORDED, 1),
            (Visibility.UNLISTED, Source.RECORDED, 1),
            (Visibility.PRIVATE, Source.RECORDED, 0),
            (Visibility.PUBLIC, Source.PRACTICE, 0),
            (Visibility.PUBLIC, Source.PASTED, 1),
        ],
    )
    def test_runs_others_could_see_stay_counted(self, visibility: str, source: str, counted: int) -> None:
        version = a_version()
        Prompt.objects.update(visibility=visibility)
        batch = Batch.objects.create(prompt=version.prompt)
        ResultFactory(run=RunFactory(version=version, batch=batch, source=source), case_index=0)
        runs.delete_batch(Batch.objects.get())
        assert Prompt.objects.get().deleted_runs == counted
        assert not Result.objects.exists()

    @pytest.mark.parametrize("shown", [Visibility.PUBLIC, Visibility.UNLISTED])
    def test_taking_the_prompt_back_first_does_not_help(self, shown: Visibility) -> None:
        version = a_version()
        publish(version.prompt, shown)
        unpublish(Prompt.objects.get())
        assert self._counted_of_one_deleted(version) == 1

    @pytest.mark.parametrize("taken_back", [None, revoke_link, ShareLink.delete])
    def test_nor_does_having_shown_it_by_a_link_alone(
        self, taken_back: Callable[[ShareLink], object] | None
    ) -> None:
        version = a_version()
        link, _ = create_link(alice(), PromptChoice("Ms Lind", [version.prompt], although_private=True))
        if taken_back:
            taken_back(link)
        assert self._counted_of_one_deleted(version) == 1

    def test_a_link_that_did_not_show_it_is_none(self) -> None:
        version = a_version()
        create_link(alice(), PromptChoice("Ms Lind", [version.prompt]))
        assert self._counted_of_one_deleted(version) == 0

    def _counted_of_one_deleted(self, version: Version) -> int:
        batch = Batch.objects.create(prompt=version.prompt)
        ResultFactory(run=RunFactory(version=version, batch=batch), case_index=0)
        runs.delete_batch(Batch.objects.get())
        return Prompt.objects.get().deleted_runs

    def test_a_run_without_any_answer_leaves_nothing(self) -> None:
        version = a_version()
        Prompt.objects.update(visibility=Visibility.PUBLIC)
        batch = Batch.objects.create(prompt=version.prompt)
        RunFactory(version=version, batch=batch, state=Run.State.CANCELLED)
        runs.delete_batch(Batch.objects.get())
        assert Prompt.objects.get().deleted_runs == 0

    def test_not_while_it_is_under_way(self, yes: OddServer) -> None:
        run = a_run(yes)
        assert run.batch
        assert not runs.can_delete(run.batch)
        with pytest.raises(Refused, match="Cancel it first"):
            runs.delete_batch(run.batch)


@pytest.mark.django_db(transaction=True)
def test_a_button_pressed_several_times_at_the_same_moment_starts_one_batch() -> None:
    version = a_version()
    endpoint = EndpointFactory(owner=alice())
    barrier, started = Barrier(4), list[int]()

    def press() -> None:
        barrier.wait()
        plan = BatchPlan([version], endpoint, ["m"])
        started.append(runs.start_once(version.prompt, plan, press="one press").pk)

    threads = [in_a_thread(press) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert started == [Batch.objects.get().pk] * 4
    assert Run.objects.count() == 1
