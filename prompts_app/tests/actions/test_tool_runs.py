"""Runs in which a model calls tools: stored with every step, sealed, exported, and asked again whole."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.prompts.cases import add_cases, columns_of, duplicate_case
from prompts_app.actions.runs import execute
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.outcomes import answered_of
from prompts_app.actions.runs.seal import record_of, sealed_file, verify
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.promptfoo.config import read as read_config
from prompts_app.engine.formats.source import SourceFile
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent, Json
from prompts_app.models import Prompt, Result, Run, Version, Visibility
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.actions.running import at
from prompts_app.tests.engine.servers import OddServer, Step, answering, completion, http, tool_calls
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db

TOOLS: list[Json] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
CASE = CaseContent(
    "Oslo",
    {"word": "Oslo"},
    assertions=(Assertion("trajectory:tool-used", "get_weather"), Assertion("contains", "cold")),
    tool_results=(ToolResult("get_weather", "-12 degrees", {"city": "Oslo"}),),
)
CALL = http(200, tool_calls(("get_weather", '{"city": "Oslo"}')))
ANSWER = http(200, completion("It is cold."))


def a_version() -> Version:
    prompt: Prompt = PromptFactory(owner=alice(), slug="weather", visibility=Visibility.PUBLIC)
    version: Version = VersionFactory(prompt=prompt, parameters={"tools": TOOLS})
    add_cases(prompt, [CASE])
    return version


def ran(server: OddServer, version: Version | None = None) -> Run:
    version = version or a_version()
    run = runs.start_batch(version.prompt, BatchPlan([version], at(server), ["tiny"])).runs.get()
    execute.execute_run(run.pk)
    run.refresh_from_db()
    return run


@pytest.fixture
def run() -> Iterator[Run]:
    with answering(CALL, ANSWER) as server:
        yield ran(server)


def test_every_step_is_stored_and_the_case_judged_on_all(run: Run) -> None:
    result = run.results.get()
    assert run.state == Run.State.FINISHED
    assert result.passed is True
    assert result.output == "It is cold."
    assert result.unanswered == ""
    assert [message["role"] for message in result.request["messages"][-2:]] == ["assistant", "tool"]
    assert (result.tokens_in, result.tokens_out) == (14, 4)


def test_it_is_sealed_and_the_record_has_the_steps(run: Run) -> None:
    file = sealed_file(run)
    assert file is not None
    assert verify(file).holds
    assert "-12 degrees" in json.dumps(file["record"]["results"])
    assert file["record"]["suite"][0]["tool_results"][0]["result"] == "-12 degrees"
    changed = json.loads(json.dumps(file).replace("-12 degrees", "30 degrees"))
    assert not verify(changed).holds


def test_a_record_without_tools_has_nothing_new_in_it() -> None:
    with answering(ANSWER) as server:
        version = VersionFactory(prompt=PromptFactory(owner=alice()))
        add_cases(version.prompt, [CaseContent("A", {"word": "x"})])
        run = ran(server, version)
    record = record_of(run, {})
    assert "unanswered" not in record["results"][0]
    assert set(record["suite"][0]) == {"name", "variables", "turns", "assertions"}


def test_why_calls_were_left_unanswered_is_stored_sealed_and_said() -> None:
    with answering(http(200, tool_calls(("get_time", "{}")))) as server:
        run = ran(server)
    result = run.results.get()
    assert (result.unanswered, result.passed, result.error_kind) == ("no_result", False, "")
    assert record_of(run, {})["results"][0]["unanswered"] == "no_result"
    page = read_page(Client().get(result.get_absolute_url()))
    assert "The case has no canned result for a call the model made" in page


def test_the_result_page_shows_the_steps_as_a_conversation(run: Run) -> None:
    page = read_page(Client().get(run.results.get().get_absolute_url()))
    steps = page[page.index('id="steps"') : page.index('id="output"')]
    for said in ("calls", "get_weather", "Oslo", "canned result", "-12 degrees", "Nothing was executed"):
        assert said in steps, said
    request = page[page.index('id="request"') :]
    assert "null" not in request
    assert "canned result of" in request


def test_arguments_that_are_not_json_are_shown_as_they_came_and_told() -> None:
    with answering(http(200, tool_calls(("get_weather", "{oops"))), ANSWER) as server:
        version = a_version()
        version.prompt.cases.update(tool_results=[{"tool": "get_weather", "result": "?"}])
        result = ran(server, version).results.get()
    page = read_page(Client().get(result.get_absolute_url()))
    assert "{oops" in page
    assert "not valid JSON" in page


def test_a_fault_in_the_middle_is_a_labelled_row_and_asked_again_whole() -> None:
    with answering(CALL, http(401, {"error": {"message": "no"}}), CALL, ANSWER) as server:
        run = ran(server)
        assert run.results.get().error_kind == "auth"
        Result.objects.all().delete()
        Run.objects.filter(pk=run.pk).update(
            state=Run.State.QUEUED, finished_at=None, claim="", lease_until=None
        )
        execute.execute_run(run.pk)
        assert len(server.asked) == 4
        assert server.asked[2].json["messages"] == server.asked[0].json["messages"]
    assert run.results.get().passed is True


def test_arguments_are_sent_in_the_order_in_which_they_are_to_be_written() -> None:
    """Whatever order a database keeps names in."""
    version = a_version()
    names = ["reasoning", "b", "a"]
    schema = {"type": "object", "properties": {name: {} for name in names}, "required": names}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    later = VersionFactory(prompt=version.prompt, number=2, parameters={"tools": [tool]})
    later.refresh_from_db()
    with answering(ANSWER) as server:
        ran(server, later)
    sent = server.asked[0].json["tools"][0]["function"]["parameters"]
    assert list(sent["properties"]) == names


def test_what_is_judged_again_knows_the_steps(run: Run) -> None:
    answered = answered_of(run.results.get())
    assert answered.request.body() == run.results.get().request


# --- in and out -------------------------------------------------------------------------------------------


def test_a_bundle_carries_canned_results_steps_and_why_they_ended() -> None:
    with answering(http(200, tool_calls(("get_time", "{}")))) as server:
        run = ran(server)
    text = emit(export_bundle(run.prompt.owner, Prompt.objects.all(), everything=True))
    import_bundle(dana(), parse(text).prompts)
    copy = Prompt.objects.get(owner=dana())
    assert copy.suite() == run.prompt.suite()
    result = Result.objects.get(run__prompt=copy)
    assert result.request == run.results.get().request
    assert result.unanswered == "no_result"
    assert emit(parse(text)) == text


def test_promptfoos_file_carries_them_beside_what_promptfoo_reads() -> None:
    prompt = a_version().prompt
    text = as_promptfoo(prompt)
    assert "trajectory:tool-used" in text
    (back,) = read_config(SourceFile("promptfooconfig.yaml", text)).prompts
    assert back.cases == prompt.suite()
    assert back.versions[-1].prompt.parameters == {"tools": TOOLS}


def test_a_copy_of_a_case_keeps_its_canned_results() -> None:
    case = a_version().prompt.cases.get()
    assert columns_of(duplicate_case(case).as_engine())["tool_results"] == case.tool_results


def test_a_private_part_is_masked_in_calls_and_canned_results(run: Run) -> None:
    prompt, result = run.prompt, run.results.get()
    secret = "Oslo weather station forty"
    Result.objects.update(request=json.loads(json.dumps(result.request).replace("-12 degrees", secret)))
    prompt.private_spans.create(label="place", text=secret, salt="0" * 32)
    page = read_page(Client().get(result.get_absolute_url()))
    assert secret not in page
    assert "[place, 4 words]#" in page


def nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


def a_call(**members: Json) -> dict[str, Json]:
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    return {"id": "a", "type": "function", "function": function, **members}


def calling(*calls: Json) -> list[Step]:
    said = completion(None)
    said["choices"][0]["message"]["tool_calls"] = list(calls)
    return http(200, said)


@pytest.mark.parametrize(
    "call",
    [
        a_call(extra=nested(900)),
        a_call(extra=10**4000),
        a_call(extra=2**60),
        a_call(extra=float("inf")),
        a_call(id=[1, 2]),
        a_call(id="\0", extra="\ud800"),
    ],
    ids=["deep", "long number", "large number", "infinity", "id", "half a character"],
)
def test_whatever_a_server_puts_into_a_call_is_sealed_shown_and_read_back(call: Json) -> None:
    """Or one hostile answer leaves the run without a seal, and the author's bundle unreadable."""
    with answering(calling(call), ANSWER) as server:
        run = ran(server)
    assert run.results.get().passed is True
    file = sealed_file(run)
    assert file is not None
    assert verify(file).holds
    assert Client().get(run.results.get().get_absolute_url()).status_code == 200
    assert parse(emit(export_bundle(run.prompt.owner, Prompt.objects.all(), everything=True)))


def test_an_answer_too_large_to_look_for_calls_in_is_judged_all_the_same() -> None:
    """Its other assertions hold or not; only those on its calls cannot be told."""
    with answering(http(200, completion(f"[{'1,' * 100_000}1]"))) as server:
        version = a_version()
        version.prompt.cases.all().delete()
        asserted = (Assertion("contains", "1,1"), Assertion("trajectory:tool-used", "get_weather"))
        add_cases(version.prompt, [CaseContent("Oslo", {"word": "Oslo"}, assertions=asserted)])
        result = ran(server, version).results.get()
    assert result.error_kind == ""
    assert [check["passed"] for check in result.checks] == [True, None]
