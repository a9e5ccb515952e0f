"""What a server refused is said on the run, remembered for its endpoint and model, and forgotten again."""

from typing import Any

import pytest
from django.test import Client

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.learned import remember
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.models import Endpoint, Result, Run, Version
from prompts_app.tests.actions.running import YES, at
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, answering, http
from prompts_app.tests.engine.test_adaptations import LIMIT, TEMPERATURE, refusal
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def one_at_a_time(settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1


def a_cold_version() -> Version:
    prompt = PromptFactory(owner=alice(), visibility="public")
    version: Version = VersionFactory(prompt=prompt, parameters={"temperature": 0, "max_tokens": 9})
    for _ in range(3):
        CaseFactory(prompt=prompt)
    return version


def run_once(version: Version, endpoint: Endpoint, model: str = "o9") -> Run:
    batch = runs.start_batch(version.prompt, BatchPlan([version], endpoint, [model]))
    assert execute_run(batch.runs.get().pk)
    return Run.objects.get(batch=batch)


def asked(server: OddServer) -> list[set[str]]:
    return [set(one.json) & {"temperature", "max_tokens", "max_completion_tokens"} for one in server.asked]


def test_a_run_says_how_it_was_asked_and_keeps_what_was_sent() -> None:
    with answering(refusal(LIMIT), refusal(TEMPERATURE), YES) as server:
        run = run_once(a_cold_version(), at(server))
        assert len(server.asked) == 5
    assert run.adapted == ["max_completion_tokens", "temperature"]
    assert (run.state, run.results.exclude(error_kind="").count()) == (Run.State.FINISHED, 0)
    for result in Result.objects.all():
        assert result.request["max_completion_tokens"] == 9
        assert "temperature" not in result.request
    file = sealed_file(run)
    assert file is not None
    assert verify(file).holds


def test_it_is_remembered_for_this_model_at_this_endpoint_alone() -> None:
    version = a_cold_version()
    with answering(refusal(TEMPERATURE), YES) as server:
        endpoint = at(server)
        run_once(version, endpoint)
        endpoint.refresh_from_db()
        assert endpoint.learned == {"o9": ["temperature"]}
        before = len(server.asked)
        again = run_once(version, endpoint)
        assert asked(server)[before:] == [{"max_tokens"}] * 3
        other = run_once(version, endpoint, "plain")
        assert asked(server)[-3:] == [{"max_tokens", "temperature"}] * 3
    assert (again.adapted, other.adapted) == (["temperature"], [])


def test_a_test_of_the_connection_forgets_it() -> None:
    with answering(http(200, {"data": [{"id": "o9"}]})) as server:
        endpoint = at(server)
        Endpoint.objects.filter(pk=endpoint.pk).update(learned={"o9": ["temperature"]})
        client_of(alice()).post(f"/studio/endpoints/{endpoint.public_id}/test/")
    endpoint.refresh_from_db()
    assert (endpoint.known_models, endpoint.learned) == (["o9"], {})


def test_pages_say_it() -> None:
    with answering(refusal(TEMPERATURE), YES) as server:
        run = run_once(a_cold_version(), at(server))
        endpoint = run.endpoint
    assert endpoint is not None
    said = "without temperature: its server refuses it otherwise"
    own, anyone = client_of(alice()), Client()
    result = run.results.get(case_index=0)
    for client, address in (
        (anyone, run.prompt.get_absolute_url()),
        (anyone, f"{run.prompt.get_absolute_url()}results/{result.public_id}/"),
        (own, f"/studio/runs/{run.batch.public_id if run.batch else ''}/"),
    ):
        assert said in " ".join(read_page(client.get(address)).split()), address
    page = " ".join(read_page(own.get(f"/studio/endpoints/{endpoint.public_id}/")).split())
    assert "<code>o9</code> is asked without temperature" in page


class TestAJudge:
    """What its server refuses is remembered for its endpoint and model, beside what else is known there."""

    def judged(self, version: Version, endpoint: Endpoint, judge: JudgeChoice) -> Run:
        batch = runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], judge=judge))
        assert execute_run(batch.runs.get().pk)
        return Run.objects.get(batch=batch)

    def test_learns_once_and_the_page_says_it(self) -> None:
        version = a_cold_version()
        version.prompt.cases.update(assertions=[{"type": "llm-rubric", "value": "Is polite."}])
        verdict = says({"reason": "It is.", "pass": True, "score": 1})
        with answering(YES) as model, answering(refusal(TEMPERATURE), verdict) as bench:
            endpoint, of_judge = at(model), at(bench)
            Endpoint.objects.filter(pk=of_judge.pk).update(learned={"o9": ["top_p"], "b": ["top_p"]})
            of_judge.refresh_from_db()
            choice = JudgeChoice(of_judge, "o9", parameters={"temperature": 0})
            run = self.judged(version, endpoint, choice)
            assert len(bench.asked) == 4
            of_judge.refresh_from_db()
            assert of_judge.learned == {"o9": ["top_p", "temperature"], "b": ["top_p"]}
            self.judged(version, endpoint, choice)
            assert [sent for sent in asked(bench) if sent] == [{"temperature"}]
        result = run.results.get(case_index=0)
        assert (result.passed, run.adapted) == (True, [])
        page = " ".join(read_page(Client().get(result.get_absolute_url())).split())
        assert "asked without temperature, as its server refuses what was set" in page
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds

    def test_whose_endpoint_has_another_address_by_now_is_not_remembered(self) -> None:
        with answering(YES) as server:
            endpoint = at(server)
        Endpoint.objects.filter(pk=endpoint.pk).update(base_url="https://elsewhere.example/v1")
        remember(endpoint, "o9", ["temperature"])
        endpoint.refresh_from_db()
        assert endpoint.learned == {}
