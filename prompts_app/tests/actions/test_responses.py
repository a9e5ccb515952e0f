"""Runs whose texts are asked for at the Responses API: what is kept of them, and where it goes."""

import json
import re
from typing import Any

import pytest

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.outcomes import answered_of
from prompts_app.actions.runs.seal import record_of, sealed_file, verify
from prompts_app.engine.formats import bundle as bundles
from prompts_app.engine.formats.promptfoo.providers import model_of
from prompts_app.engine.types import Message
from prompts_app.models import Prompt, Result, Run, Version
from prompts_app.models.endpoints import RESPONSES
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.actions.running import a_run, a_version, at, fresh
from prompts_app.tests.engine.responding import SEARCH, message, reasoning, response
from prompts_app.tests.engine.servers import OddServer, answering, http
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

THOUGHT = reasoning("The word asks for a yes.", encrypted_content="gAAAA")
YES = response(THOUGHT, SEARCH, "yes, indeed")


def executed(server: OddServer, version: Version | None = None, **kwargs: Any) -> Run:
    version = version or a_version(1)
    endpoint = at(server)
    endpoint.api = RESPONSES
    endpoint.save()
    batch = runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["gpt-5"], **kwargs))
    run: Run = batch.runs.get()
    execute_run(run.pk)
    return fresh(run)


def test_the_endpoint_says_where_texts_are_asked_for_and_what_was_sent_is_what_is_kept() -> None:
    with answering(http(200, YES)) as server:
        run = executed(server)
    result = run.results.get()
    assert (run.api, run.state, run.frames) == (RESPONSES, "finished", "p")
    assert server.asked[0].path == "/v1/responses"
    assert result.request == server.asked[0].json
    assert result.request["store"] is False
    assert (result.output, result.finish_reason, result.model) == ("yes, indeed", "stop", "gpt-5-2025-08-07")
    assert (result.tokens_in, result.tokens_out, result.tokens_reasoning) == (36, 87, 64)
    assert result.trace == [THOUGHT, SEARCH, message("yes, indeed")]


def test_answers_are_held_to_a_schema_in_the_words_of_this_api() -> None:
    text = {"format": {"type": "json_schema", "name": "n", "schema": {"type": "number"}}, "verbosity": "low"}
    version = VersionFactory(prompt=PromptFactory(owner=alice()), parameters={"text": text})
    for _ in range(2):
        CaseFactory(prompt=version.prompt, assertions=[])
    with answering(http(200, response("12.5")), http(200, response("about 12"))) as server:
        run = executed(server, version)
        assert [one.json["text"] for one in server.asked] == [text, text]
    assert (sorted(run.frames), run.schema_fit) == (["f", "p"], {"held": 2, "kept": 1})
    assert version.settings == [("text", {"format": "JSON Schema n", "verbosity": "low"})]


def test_what_came_beside_the_output_is_sealed() -> None:
    with answering(http(200, YES)) as server:
        run = executed(server)
    record = record_of(run, {})
    assert record["run"]["asks"] == RESPONSES
    assert record["results"][0]["trace"] == [THOUGHT, SEARCH, message("yes, indeed")]
    file = sealed_file(run)
    assert verify(file).holds
    assert file is not None
    file["record"]["results"][0]["trace"][1]["action"]["query"] = "something else"
    assert not verify(file).holds


def test_the_record_of_a_run_at_chat_completions_is_as_ever(yes: OddServer) -> None:
    run = a_run(yes, cases=1)
    execute_run(run.pk)
    record = record_of(fresh(run), {})
    assert "asks" not in record["run"]
    assert "trace" not in record["results"][0]


def test_a_bundle_carries_it_out_and_in_again() -> None:
    with answering(http(200, YES)) as server:
        executed(server)
    text = bundles.emit(export_bundle(alice(), Prompt.objects.all(), everything=True))
    import_bundle(bob(), bundles.parse(text).prompts)
    result = Result.objects.get(run__prompt__owner=bob())
    assert (result.run.source, result.run.api) == ("imported", RESPONSES)
    assert result.trace == [THOUGHT, SEARCH, message("yes, indeed")]


def test_promptfoo_is_told_the_same_api_and_ours_reads_it_again() -> None:
    with answering(http(200, YES)) as server:
        run = executed(server)
    assert "openai:responses:gpt-5" in as_promptfoo(run.prompt)
    assert model_of("openai:responses:gpt-5") == "gpt-5"


def test_an_answer_that_is_judged_again_has_the_conversation_that_was_sent() -> None:
    with answering(http(200, YES)) as server:
        run = executed(server)
    known = answered_of(run.results.get())
    assert known.request.messages == (Message("user", "Say word 0."),)
    assert "input" not in known.request.parameters


def test_a_model_that_answers_elsewhere_is_a_labelled_row_and_the_page_leads_to_the_choice() -> None:
    words = "This model is only supported in v1/responses and not in v1/chat/completions."
    refusal = {"error": {"message": words, "type": "invalid_request_error", "param": "model", "code": None}}
    with answering(http(404, refusal)) as server:
        run = a_run(server, cases=1)
        execute_run(run.pk)
    assert run.results.get().error_kind == "other_api"
    page = read_page(client_of(alice()).get(f"/studio/runs/{run.batch.public_id}/"))  # type: ignore[union-attr]
    assert "Choose the Responses API in the endpoint’s settings" in page
    assert run.endpoint is not None
    there = f"/studio/endpoints/{run.endpoint.public_id}/"
    assert re.search(rf'href="{there}">\s*Choose the API', page)
    assert 'value="responses"' in read_page(client_of(alice()).get(there))


@pytest.mark.parametrize(
    "words",
    [
        "This model is only supported in v1/responses and not in v1/chat/completions.",
        "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please "
        "use /v1/responses instead.",
    ],
)
def test_with_that_choice_the_same_prompt_is_asked_there(words: str) -> None:
    with answering(http(400, {"error": {"message": words}}), http(200, YES)) as server:
        run = a_run(server, cases=1)
        execute_run(run.pk)
        assert (fresh(run).frames, run.results.get().error_kind) == ("e", "other_api")
        endpoint = run.endpoint
        assert endpoint is not None
        form = {"name": "Mine", "base_url": endpoint.base_url, "key": "", "do": "save", "api": RESPONSES}
        client_of(alice()).post(f"/studio/endpoints/{endpoint.public_id}/", form)
        endpoint.refresh_from_db()
        again = runs.start_batch(run.prompt, BatchPlan([run.version], endpoint, ["gpt-5"])).runs.get()
        execute_run(again.pk)
        assert [one.path for one in server.asked] == ["/v1/chat/completions", "/v1/responses"]
    assert (fresh(again).frames, fresh(again).api) == ("p", RESPONSES)


def test_one_that_is_put_aside_is_a_labelled_row_and_not_asked_again() -> None:
    with answering(http(200, response(status="queued"))) as server:
        run = executed(server)
    result = run.results.get()
    assert (result.error_kind, result.passed, len(server.asked)) == ("unfinished", None, 1)


def test_a_results_page_shows_what_came_beside_the_output() -> None:
    with answering(http(200, YES)) as server:
        run = executed(server)
    page = read_page(client_of(alice()).get(run.results.get().get_absolute_url()))
    for words in ("On the way", "The word asks for a yes.", "web search by the provider", "weather Oslo",
                  "https://yr.example", "by the Responses API"):  # fmt: skip
        assert words in page


def test_a_results_page_shows_nothing_beside_an_answer_that_has_nothing(yes: OddServer) -> None:
    run = a_run(yes, cases=1)
    execute_run(run.pk)
    page = read_page(client_of(alice()).get(fresh(run).results.get().get_absolute_url()))
    assert "On the way" not in page


def test_a_judge_at_such_an_endpoint_is_asked_there_too(yes: OddServer) -> None:
    verdict = json.dumps({"pass": True, "score": 1, "reason": "It does."})
    with answering(http(200, response(verdict))) as server:
        version = a_version(0)
        CaseFactory(prompt=version.prompt, assertions=[{"type": "llm-rubric", "value": "Says yes."}])
        judge = at(server)
        judge.api = RESPONSES
        judge.save()
        plan = BatchPlan([version], at(yes), ["tiny"], judge=JudgeChoice(judge, "gpt-5", ""))
        run = runs.start_batch(version.prompt, plan).runs.get()
        execute_run(run.pk)
    assert (server.asked[0].path, fresh(run).frames) == ("/v1/responses", "p")
