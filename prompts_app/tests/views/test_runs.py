"""The pages around runs: start, watch, cancel, ask again, delete."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.models import Batch, Endpoint, Prompt, Run, Source, Version
from prompts_app.tests.factories import (
    CaseFactory,
    EndpointFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def version_of_alice(**prompt: Any) -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice(), slug="greeting", **prompt))
    return version


def batch_of_alice(cases: int = 3, **kwargs: Any) -> Batch:
    version = version_of_alice()
    for _ in range(cases):
        CaseFactory(prompt=version.prompt)
    endpoint = EndpointFactory(owner=alice(), known_models=["m-large"])
    return runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["m-large"], **kwargs))


def finished(batch: Batch, verdicts: str = "pfp") -> Run:
    """Its only run with one result a case: p passed, f failed, e no answer."""
    run = batch.runs.get()
    for index, letter in enumerate(verdicts):
        _result(run, index, letter)
    run.state, run.started_at, run.finished_at = Run.State.FINISHED, timezone.now(), timezone.now()
    run.save()
    count_run(run)
    rebuild_evidence(run.prompt)
    return run


def _result(run: Run, index: int, letter: str) -> None:
    failed = {"type": "contains", "value": "yes", "passed": False, "score": 0, "reason": "It has no “yes”."}
    facts: dict[str, dict[str, Any]] = {
        "p": {},
        "f": {"passed": False, "output": "<b>no</b>", "checks": [failed]},
        "e": {"passed": None, "output": "", "error_kind": "auth", "error_message": "401 from the server"},
    }
    ResultFactory(run=run, case_index=index, **facts[letter])


class TestStart:
    def choices(self, endpoint: Endpoint, **more: Any) -> dict[str, Any]:
        return {"versions": ["1"], "endpoint": endpoint.public_id, "repeats": "1", **more}

    def test_a_run_starts_and_leads_to_its_page(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        endpoint = EndpointFactory(owner=alice(), known_models=["m-large", "m-small"])
        answer = client_of(alice()).post(
            "/studio/prompts/greeting/run/",
            self.choices(endpoint, models=["m-small"], more_models="m-other\r\nm-small\r\n", cost_cap="0.5"),
        )
        batch = Batch.objects.get()
        assert answer["Location"] == f"/studio/runs/{batch.public_id}/"
        assert [run.model for run in batch.runs.order_by("pk")] == ["m-small", "m-other"]
        assert batch.cost_cap == Decimal("0.5")

    def page_of(self, client: Client, endpoint: Endpoint, **more: Any) -> dict[str, Any]:
        """The form as a browser sends it, from a page that was just opened."""
        html = read_page(client.get("/studio/prompts/greeting/run/"))
        page = re.search(r'<input type="hidden" name="page" value="([^"]{20,})"', html)
        assert page
        return self.choices(endpoint, models=["m-large"], cost_cap="0.5", page=page[1], **more)

    def ready(self) -> tuple[Client, Endpoint]:
        CaseFactory(prompt=version_of_alice().prompt)
        return client_of(alice()), EndpointFactory(owner=alice(), known_models=["m-large"])

    def test_pressed_ten_times_it_starts_one_batch_with_one_cap(self) -> None:
        client, endpoint = self.ready()
        form = self.page_of(client, endpoint)
        answers = {client.post("/studio/prompts/greeting/run/", form)["Location"] for _ in range(10)}
        batch = Batch.objects.get()
        assert answers == {batch.get_absolute_url()}
        assert (batch.runs.count(), batch.cost_cap) == (1, Decimal("0.5"))

    def test_other_choices_or_another_visit_start_another(self) -> None:
        client, endpoint = self.ready()
        form = self.page_of(client, endpoint)
        for choices in (form, form | {"repeats": "2"}, form, self.page_of(client, endpoint)):
            client.post("/studio/prompts/greeting/run/", choices)
        assert Batch.objects.count() == 3

    def test_coming_back_to_an_old_page_and_pressing_is_told_from_a_double_click(self) -> None:
        client, endpoint = self.ready()
        form = self.page_of(client, endpoint)
        said = "had started this run already"
        for _ in range(2):
            response = client.post("/studio/prompts/greeting/run/", form, follow=True)
            assert said not in read_page(response)
        Batch.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        response = client.post("/studio/prompts/greeting/run/", form, follow=True)
        assert said in read_page(response)

    def test_the_page_survives_looking_and_mistakes(self) -> None:
        client, endpoint = self.ready()
        form = self.page_of(client, endpoint)
        for wrong in ({"look": "1"}, {"repeats": "x"}):
            html = read_page(client.post("/studio/prompts/greeting/run/", form | wrong))
            assert f'name="page" value="{form["page"]}"' in html

    def test_one_pages_press_starts_nothing_of_another_prompt(self) -> None:
        client, endpoint = self.ready()
        form = self.page_of(client, endpoint)
        client.post("/studio/prompts/greeting/run/", form)
        other = VersionFactory(prompt=PromptFactory(owner=alice(), slug="other"))
        CaseFactory(prompt=other.prompt)
        client.post("/studio/prompts/other/run/", form)
        assert Batch.objects.count() == 2

    def test_the_newest_version_is_ticked_and_practice_is_offered_to_everybody(self) -> None:
        version = version_of_alice()
        VersionFactory(
            prompt=version.prompt, number=2, messages=[{"role": "user", "content": "Shout {{word}}."}]
        )
        CaseFactory(prompt=version.prompt)
        page = read_page(client_of(alice()).get("/studio/prompts/greeting/run/"))
        assert 'value="2" id="id_versions_0" checked' in page
        assert "Practice (not a model): never counted as evidence" in page
        assert "practice-1" in page
        assert "1 version × 1 model × 1 case × 1 repeat" in page

    def test_what_was_run_last_is_filled_in(self) -> None:
        batch = batch_of_alice(repeats=3)
        page = read_page(client_of(alice()).get(f"/studio/prompts/{batch.prompt.slug}/run/"))
        assert 'value="m-large" id="id_models_0" checked' in page
        assert 'name="repeats" value="3"' in page
        assert "1 version × 1 model × 3 cases × 3 repeats = <b>9 calls</b>" in page
        assert "price unknown" in page

    def test_looking_at_another_endpoint_starts_nothing_and_keeps_what_was_typed(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        endpoint = EndpointFactory(owner=alice(), known_models=["m-large"])
        looked = self.choices(endpoint, models=["practice-1"], more_models="m-typed", look="1")
        page = read_page(client_of(alice()).post("/studio/prompts/greeting/run/", looked))
        assert "m-typed" in page
        assert 'value="m-large"' in page
        assert "= <b>1 call</b>" in page
        assert "Not started" not in page
        assert not Batch.objects.exists()

    def test_htmx_gets_the_part_that_depends_on_the_endpoint(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        looked = self.choices(EndpointFactory(owner=alice(), known_models=["m-large"]), look="1")
        answer = client_of(alice()).post("/studio/prompts/greeting/run/", looked, headers=HTMX)
        told = read_page(answer)
        assert '<div id="run-models"' in told
        assert '<p id="run-estimate"' in told
        assert "<button" not in told  # a button that is pressed is not to be replaced
        assert "HX-Request" in answer["Vary"]

    def test_without_a_case_the_page_says_what_to_do(self) -> None:
        version_of_alice()
        assert "There is no test case yet" in read_page(
            client_of(alice()).get("/studio/prompts/greeting/run/")
        )

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"versions": []}, "Choose at least one version"),
            ({"more_models": ""}, "Name at least one model"),
            ({"repeats": "21"}, "less than or equal to 20"),
            ({"repeats": "many"}, "Enter a whole number"),
            ({"cost_cap": "0"}, "The cost cap is more than 0"),
            ({"cost_cap": "-1"}, "The cost cap is more than 0"),
            ({"cost_cap": "NaN"}, "Enter a number"),
            ({"cost_cap": "1e999"}, "Ensure"),
            ({"more_models": "m\0"}, "NUL character"),
            ({"more_models": "m\u202e"}, "invisible character"),
            ({"more_models": "m" * 1_000_000}, "at most 200 characters"),
            ({"more_models": "\n".join(f"m{n}" for n in range(21))}, "At most 20 models"),
            ({"endpoint": "nothere"}, "There is no such endpoint any more"),
            ({"models": ["gone"]}, "is not among this endpoint’s models"),
            ({"versions": ["7"]}, "There is no such version any more"),
            ({"versions": ["x"]}, "There is no such version any more"),
        ],
    )  # fmt: skip
    def test_wrong_input_comes_back_with_a_sentence(self, wrong: dict[str, Any], said: str) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        endpoint = EndpointFactory(owner=alice())
        typed = self.choices(endpoint, more_models="m-typed") | wrong
        answer = client_of(alice()).post("/studio/prompts/greeting/run/", typed)
        assert answer.status_code == 200
        assert said in read_page(answer)
        assert not Batch.objects.exists()

    def test_a_case_without_a_value_is_named(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt, name="Empty one", variables={})
        typed = self.choices(EndpointFactory(owner=alice()), more_models="m")
        page = read_page(client_of(alice()).post("/studio/prompts/greeting/run/", typed))
        assert "“Empty one” has no value for {{word}}" in page

    def test_somebody_elses_prompt_and_endpoint_do_not_exist(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        assert client_of(bob()).get("/studio/prompts/greeting/run/").status_code == 404
        typed = self.choices(EndpointFactory(owner=bob()), more_models="m")
        assert "no such endpoint" in read_page(
            client_of(alice()).post("/studio/prompts/greeting/run/", typed)
        )
        assert client_of(None).get("/studio/prompts/greeting/run/").status_code == 302


class TestLivePage:
    def page(self, batch: Batch, **kwargs: Any) -> Any:
        return client_of(alice()).get(f"/studio/runs/{batch.public_id}/", **kwargs)

    def test_while_it_runs_it_polls_and_can_be_cancelled(self) -> None:
        batch = batch_of_alice()
        run = batch.runs.get()
        _result(run, 0, "p")
        page = read_page(self.page(batch))
        assert 'hx-trigger="every 1s"' in page
        assert '<noscript><meta http-equiv="refresh"' in page
        assert "1 of 3" in page
        assert "Cancel run" in page
        fragment = self.page(batch, headers=HTMX)
        assert fragment.status_code == 200
        assert read_page(fragment).lstrip().startswith('<div id="batch-progress"')
        assert "HX-Request" in fragment["Vary"]

    def test_at_the_end_the_polling_stops(self) -> None:
        batch = batch_of_alice()
        finished(batch)
        fragment = self.page(batch, headers=HTMX)
        assert fragment.status_code == 286
        assert "hx-trigger" not in read_page(fragment)
        assert "The run has ended: 2 pass, 1 fail." in read_page(fragment)
        assert "htmx" not in read_page(self.page(batch))

    def test_calls_of_whose_cost_nothing_is_known_are_not_called_free(self) -> None:
        batch = batch_of_alice()
        finished(batch, "eee")
        cost = read_page(self.page(batch)).partition('id="m-cost"')[2].partition("</div>")[0]
        assert "<dd>unknown</dd>" in cost
        assert "$0" not in cost

    def test_a_failure_is_shown_escaped_with_what_was_expected_and_a_link(self) -> None:
        batch = batch_of_alice()
        run = finished(batch)
        page = read_page(self.page(batch))
        assert '<code dir="auto">contains yes</code>' in page
        assert "&lt;b&gt;no&lt;/b&gt;" in page
        assert f'href="#fail-{run.public_id}-2">2 failed</a>' in page
        assert f'<tr id="fail-{run.public_id}-2">' in page

    def test_cases_with_a_worker_at_them_are_told_from_those_that_wait(self, settings: Any) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        batch = batch_of_alice()
        run = batch.runs.get()
        run.state, run.lease_until = Run.State.RUNNING, timezone.now() + timedelta(seconds=20)
        run.save()
        page = read_page(self.page(batch))
        assert page.count('<li class="now">') == 1
        assert page.count('<li class="wait">') == 2

    def test_which_case_is_asked_is_not_claimed_to_be_known(self) -> None:
        batch = batch_of_alice()
        batch.runs.update(state=Run.State.RUNNING, lease_until=timezone.now() + timedelta(seconds=20))
        assert "being asked, or next" in read_page(self.page(batch))

    def test_a_judge_that_failed_is_told_from_an_answer_that_never_came(self) -> None:
        batch = batch_of_alice(cases=4)
        run = finished(batch, "pee")
        ResultFactory(run=run, case_index=3, passed=None, error_kind="judge_error", error_message="Nonsense.")
        count_run(run)
        page = read_page(self.page(batch))
        assert "<dd>2 of 4</dd>" in page
        assert "2 without an answer; 1 without a verdict" in page
        assert "2 cases without an answer are not counted" in page
        assert "1 case whose judge gave no verdict is not counted" in page
        assert page.count("no answer</span>") == 2
        assert page.count("no verdict</span>") == 1

    def test_a_refused_key_says_what_to_do(self) -> None:
        batch = batch_of_alice()
        run = finished(batch, "pe")
        run.state, run.stop_reason = Run.State.STOPPED, "The key was not accepted: 401"
        run.save()
        page = read_page(self.page(batch))
        assert "the key was not accepted, in 1 case." in page
        assert "Enter a valid key for this endpoint" in page
        assert "Change the key" in page
        assert "Ask again" in page

    def test_why_a_run_stopped_is_said_beside_its_faults_and_not_twice(self) -> None:
        batch = batch_of_alice()
        run = finished(batch, "pe")
        run.state, run.stop_reason = Run.State.STOPPED, "Its worker vanished 6 times, so it is left."
        run.save()
        page = read_page(self.page(batch))
        assert "the key was not accepted, in 1 case." in page
        assert "Its worker vanished 6 times" in page
        Run.objects.update(stop_reason="The key was not accepted: 401 from the server")
        page = read_page(self.page(batch))
        assert page.lower().count("the key was not accepted") == 1

    def test_practice_is_called_practice(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], runs.practice_endpoint(alice()), ["practice-1"])
        )
        assert "Practice, not a model." in read_page(self.page(batch))
        assert "practice, not a model" in read_page(client_of(alice()).get("/studio/runs/"))

    def test_a_vanished_worker_is_told(self) -> None:
        batch = batch_of_alice()
        batch.runs.update(resumed=1)
        assert "its worker vanished once" in read_page(self.page(batch))

    def test_unknown_cost_is_unknown(self) -> None:
        batch = batch_of_alice()
        finished(batch)
        assert "<dd>unknown</dd>" in read_page(self.page(batch))

    def test_nobody_else_sees_it(self) -> None:
        batch = batch_of_alice()
        for path in ("", "cancel/", f"cancel/{batch.runs.get().public_id}/", "again/", "delete/"):
            address = f"/studio/runs/{batch.public_id}/{path}"
            assert client_of(bob()).post(address).status_code == 404
            assert client_of(None).get(address).status_code in {302, 405}

    def test_a_long_batch_costs_no_more_queries(
        self, count_queries: Callable[[Callable[[], Any]], int]
    ) -> None:
        batch = batch_of_alice(cases=20)
        client = client_of(alice())
        run = batch.runs.get()
        counts: list[int] = []
        for letters in ("pfe", "fff"):
            run.results.all().delete()
            for index, letter in enumerate(letters * (1 + len(counts) * 5)):
                _result(run, index, letter)
            counts.append(count_queries(lambda: client.get(f"/studio/runs/{batch.public_id}/")))
        assert counts[0] == counts[1]


class TestCancelAndAskAgain:
    def test_cancel_ends_what_waits(self) -> None:
        batch = batch_of_alice()
        answer = client_of(alice()).post(f"/studio/runs/{batch.public_id}/cancel/")
        assert answer["Location"] == batch.get_absolute_url()
        assert batch.runs.get().state == Run.State.CANCELLED

    def test_one_run_is_ended_without_the_others(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["slow", "quick"])
        )
        slow, quick = batch.runs.order_by("pk")
        alices = client_of(alice())
        page = read_page(alices.get(batch.get_absolute_url()))
        assert page.count("Finish without this one") == 2
        assert "Cancel all runs" in page
        address = f"/studio/runs/{batch.public_id}/cancel/{slow.public_id}/"
        page = read_page(alices.post(address, follow=True))
        assert "v1 on slow (own server) is ended without waiting for it; the others go on." in page
        slow.refresh_from_db()
        quick.refresh_from_db()
        assert (slow.state, quick.state) == (Run.State.CANCELLED, Run.State.QUEUED)
        assert page.count("Finish without this one") == 1

    def test_a_run_a_worker_has_is_told_to_stop(self) -> None:
        version = version_of_alice()
        CaseFactory(prompt=version.prompt)
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], EndpointFactory(owner=alice()), ["slow", "quick"])
        )
        run = batch.runs.order_by("pk")[0]
        Run.objects.filter(pk=run.pk).update(
            state=Run.State.RUNNING, lease_until=timezone.now() + timedelta(seconds=20)
        )
        address = f"/studio/runs/{batch.public_id}/cancel/{run.public_id}/"
        assert client_of(alice()).get(address).status_code == 405
        page = read_page(client_of(alice()).post(address, follow=True))
        run.refresh_from_db()
        assert (run.state, run.cancel_requested) == (Run.State.RUNNING, True)
        assert "Stopping …" in page

    def test_a_run_that_had_ended_already_is_left_as_it_is(self) -> None:
        batch = batch_of_alice()
        run = finished(batch)
        address = f"/studio/runs/{batch.public_id}/cancel/{run.public_id}/"
        page = read_page(client_of(alice()).post(address, follow=True))
        run.refresh_from_db()
        assert "had ended already" in page
        assert (run.state, run.cancel_requested) == (Run.State.FINISHED, False)

    def test_where_there_is_only_one_run_it_is_cancelled_as_a_whole(self) -> None:
        batch = batch_of_alice()
        page = read_page(client_of(alice()).get(batch.get_absolute_url()))
        assert "Finish without this one" not in page
        assert "Cancel run" in page

    def test_a_run_of_another_batch_cannot_be_ended_here(self) -> None:
        batch, other = batch_of_alice(), RunFactory(state=Run.State.QUEUED)
        address = f"/studio/runs/{batch.public_id}/cancel/{other.public_id}/"
        assert client_of(alice()).post(address).status_code == 404

    def test_in_place_of_asking_again_at_another_address_a_new_run_is_offered(self) -> None:
        run = RunFactory(
            version=VersionFactory(prompt__owner=alice()),
            endpoint=EndpointFactory(owner=alice(), base_url="https://api.openai.com/v1"),
            endpoint_url="http://127.0.0.1:9/v1",
            state=Run.State.STOPPED,
            suite=[{"name": "One", "assertions": []}],
        )
        batch = Batch.objects.create(prompt=run.prompt)
        Run.objects.update(batch=batch)
        html = read_page(client_of(alice()).get(batch.get_absolute_url()))
        assert "address was changed since this run was started" in html
        assert f'href="/studio/prompts/{run.prompt.slug}/run/">New run</a>' in html
        assert "Ask again" not in html

    def test_a_run_without_a_seal_says_why(self) -> None:
        run = RunFactory(version=VersionFactory(prompt__owner=alice()), unsealed_why="The key is unreadable.")
        batch = Batch.objects.create(prompt=run.prompt)
        Run.objects.update(batch=batch)
        html = read_page(client_of(alice()).get(batch.get_absolute_url()))
        assert "Not sealed. The key is unreadable." in html

    def test_ask_again_goes_on_with_the_same_run(self) -> None:
        batch = batch_of_alice()
        run = finished(batch, "pef")
        client_of(alice()).post(f"/studio/runs/{batch.public_id}/again/", {"run": run.public_id})
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED
        assert sorted(run.results.values_list("case_index", flat=True)) == [0, 2]

    def test_a_capped_run_wants_a_higher_cap(self) -> None:
        batch = batch_of_alice(cost_cap=Decimal("0.5"))
        run = finished(batch, "p")
        Run.objects.update(state=Run.State.CAPPED)
        address = f"/studio/runs/{batch.public_id}/again/"
        page = read_page(client_of(alice()).post(address, {"run": run.public_id}, follow=True))
        assert "Give a higher cap" in page
        assert "New cost cap" in page
        for nonsense in ("much", "-1", "NaN", "Infinity", "\0"):
            typed = {"run": run.public_id, "cost_cap": nonsense}
            client_of(alice()).post(address, typed)
            assert batch.runs.get().state == Run.State.CAPPED
        client_of(alice()).post(address, {"run": run.public_id, "cost_cap": "$2"})
        batch.refresh_from_db()
        assert batch.cost_cap == 2
        assert batch.runs.get().state == Run.State.QUEUED

    def test_a_run_of_another_batch_is_not_there(self) -> None:
        batch = batch_of_alice()
        answer = client_of(alice()).post(f"/studio/runs/{batch.public_id}/again/", {"run": "nothere"})
        assert answer.status_code == 404


class TestDelete:
    def test_the_page_names_what_is_lost_and_that_it_stays_counted(self) -> None:
        batch = batch_of_alice()
        finished(batch)
        Prompt.objects.update(visibility="public", published_at=timezone.now())
        address = f"/studio/runs/{batch.public_id}/delete/"
        page = read_page(client_of(alice()).get(address))
        assert "1 run with 3 stored results" in page
        assert "The deletion stays counted." in page
        client_of(alice()).post(address)
        prompt = Prompt.objects.get()
        assert not Batch.objects.exists()
        assert not Run.objects.exists()
        assert prompt.deleted_runs == 1
        assert prompt.evidence == {}

    def test_a_run_under_way_is_cancelled_first(self) -> None:
        batch = batch_of_alice()
        address = f"/studio/runs/{batch.public_id}/delete/"
        assert "Cancel it first" in read_page(client_of(alice()).get(address))
        client_of(alice()).post(address)
        assert Batch.objects.exists()


class TestList:
    def test_empty_it_says_how_to_begin(self) -> None:
        assert "Nothing was run yet" in read_page(client_of(alice()).get("/studio/runs/"))

    def test_only_mine_are_listed(self) -> None:
        batch = batch_of_alice()
        finished(batch)
        assert batch.public_id in read_page(client_of(alice()).get("/studio/runs/"))
        assert batch.public_id not in read_page(client_of(bob()).get("/studio/runs/"))

    def test_twice_the_batches_cost_no_more_queries(
        self, count_queries: Callable[[Callable[[], Any]], int]
    ) -> None:
        batch = batch_of_alice()
        endpoint, version = Endpoint.objects.get(), Version.objects.get()
        client: Client = client_of(alice())
        counts = []
        for _ in range(2):
            for _ in range(10):
                runs.start_batch(batch.prompt, BatchPlan([version], endpoint, ["m-large"]))
            counts.append(count_queries(lambda: client.get("/studio/runs/")))
        assert counts[0] == counts[1]


def test_practice_never_counts() -> None:
    version = version_of_alice()
    CaseFactory(prompt=version.prompt)
    batch = runs.start_batch(
        version.prompt, BatchPlan([version], runs.practice_endpoint(alice()), ["practice-1"])
    )
    run = finished(batch, "p")
    assert run.source == Source.PRACTICE
    assert Prompt.objects.get().evidence == {}


def test_the_list_of_runs_tells_times_as_html_takes_them() -> None:
    """Which is with three digits of a second at most; the database keeps six."""
    version = version_of_alice()
    RunFactory(version=version, batch=Batch.objects.create(prompt=version.prompt))
    html = read_page(client_of(alice()).get("/studio/runs/"))
    (told,) = re.findall(r'<time datetime="([^"]*)"', html)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)
