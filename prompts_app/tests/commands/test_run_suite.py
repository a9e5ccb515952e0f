"""`run_suite`: exit statuses and reports that a CI job can rely on."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts_app.engine.response_format import asking_for
from prompts_app.management.commands.run_suite import run_json, run_line
from prompts_app.models import Batch, Endpoint, Prompt, Run
from prompts_app.tests.engine.servers import answering, http
from prompts_app.tests.factories import CaseFactory, VersionFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db(transaction=True)


def a_prompt(*expected: str) -> Prompt:
    """One case for each text the practice endpoint's answer must contain."""
    version = VersionFactory(prompt__owner=alice(), prompt__slug="echo")
    for text in expected:
        CaseFactory(prompt=version.prompt, assertions=[{"type": "icontains", "value": text}])
    prompt: Prompt = version.prompt
    return prompt


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("run_suite", "alice/echo", *arguments, "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


PRACTICE = ("--endpoint", "practice", "--model", "practice-1")


def test_without_wait_it_starts_the_run_and_says_where() -> None:
    a_prompt("yes")
    out = StringIO()
    call_command("run_suite", "alice/echo", *PRACTICE, stdout=out)
    assert Batch.objects.get().get_absolute_url() in out.getvalue()
    assert Run.objects.get().state == Run.State.QUEUED


def test_all_cases_passed_is_status_0() -> None:
    a_prompt("yes")
    report = run(*PRACTICE, "--wait")
    assert report["runs"][0]["cases"] == {"passed": 1, "failed": 0, "errors": 0}


def test_a_failed_case_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    a_prompt("yes", "certainly not in the answer")
    with pytest.raises(SystemExit) as ended:
        run(*PRACTICE, "--wait")
    assert ended.value.code == 1


def test_how_answers_keep_to_a_schema_is_reported() -> None:
    prompt = a_prompt("yes")
    asked = asking_for({"type": "object", "properties": {"word": {"enum": ["yes"]}}, "required": ["word"]})
    VersionFactory(prompt=prompt, number=2, parameters={"response_format": asked})
    assert run(*PRACTICE, "--wait")["runs"][0]["schema_fit"] == {"held": 1, "kept": 1}
    assert run_line(Run.objects.get()).endswith("1 of 1 answer fits the schema that was asked for.")


def test_no_answer_is_status_2(settings: Any) -> None:
    a_prompt("yes")
    settings.PRIVATE_ENDPOINT_HOSTS = ["127.0.0.1"]
    with pytest.raises(SystemExit) as ended:
        run("--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--wait")
    assert ended.value.code == 2


def test_why_there_is_no_answer_is_said_with_what_to_do(settings: Any, monkeypatch: Any) -> None:
    a_prompt("yes")
    settings.PRIVATE_ENDPOINT_HOSTS = ["127.0.0.1"]
    monkeypatch.delenv("PROOFSHEET_API_KEY", raising=False)
    out = StringIO()
    with answering(http(401, {"error": {"message": "No key was given."}})) as server:
        where = ("--base-url", server.endpoint().base_url, "--model", "m", "--wait")
        with pytest.raises(SystemExit):
            call_command("run_suite", "alice/echo", *where, stdout=out)
    said = out.getvalue().splitlines()[-1]
    assert said.startswith("  1 × the key was not accepted. The server answered 401: No key was given.")
    assert said.endswith("PROOFSHEET_API_KEY, which is not set.")
    [fault] = run_json(Run.objects.get())["faults"]
    assert (fault["kind"], fault["count"]) == ("auth", 1)


def test_the_key_comes_from_the_environment_and_is_stored_encrypted(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    a_prompt("yes")
    settings.PRIVATE_ENDPOINT_HOSTS = ["127.0.0.1"]
    monkeypatch.setenv("PROOFSHEET_API_KEY", "sk-from-ci")
    run("--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    endpoint = Endpoint.objects.get()
    assert endpoint.as_engine().key == "sk-from-ci"
    assert b"sk-from-ci" not in bytes(endpoint.encrypted_key)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--endpoint", "nowhere", "--model", "m"), "No endpoint is called"),
        (("--base-url", "http://10.0.0.1/v1", "--model", "m"), "address"),
        ((*PRACTICE, "--version", "7"), "has no version 7"),
        ((*PRACTICE, "--repeats", "99"), "Repeats are between"),
        ((*PRACTICE, "--cost-cap", "much"), "number of US dollars"),
        ((*PRACTICE, "--cost-cap", "NaN"), "number of US dollars"),
        ((*PRACTICE, "--cost-cap", "Infinity"), "number of US dollars"),
        ((*PRACTICE, "--cost-cap", "1e30"), "number of US dollars"),
        ((*PRACTICE, "--cost-cap", "0"), "more than 0"),
        (("--endpoint", "practice", "--model", " "), "Name at least one model"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    a_prompt("yes")
    with pytest.raises(CommandError, match=sentence) as refused:
        run(*arguments)
    assert refused.value.returncode == 2


def test_an_unknown_prompt() -> None:
    with pytest.raises(CommandError, match="There is no prompt"):
        call_command("run_suite", "alice/nothing", *PRACTICE)


GRADED = {"type": "llm-rubric", "value": "Is polite."}


def test_without_a_judge_graded_cases_are_not_judged_and_that_is_status_2() -> None:
    prompt = a_prompt("yes")
    CaseFactory(prompt=prompt, assertions=[GRADED])
    with pytest.raises(SystemExit) as ended:
        run(*PRACTICE, "--wait")
    assert ended.value.code == 2
    assert Run.objects.get().frames == "pu"


def test_a_judge_is_named_by_its_endpoint_and_model() -> None:
    prompt = a_prompt("yes")
    CaseFactory(prompt=prompt, assertions=[GRADED])
    judge = ("--judge-endpoint", "practice", "--judge-model", "practice-1")
    report = run(*PRACTICE, *judge, "--wait")
    assert (report["runs"][0]["judge"], report["runs"][0]["unjudged"]) == ("practice-1", 0)
    assert report["runs"][0]["cases"]["passed"] == 2


def test_the_judges_parameters_are_a_json_object() -> None:
    a_prompt("yes")
    judge = ("--judge-endpoint", "practice", "--judge-model", "practice-1", "--judge-parameters")
    with pytest.raises(CommandError, match="is a JSON object"):
        run(*PRACTICE, *judge, "0")


def test_a_judge_without_a_model_is_refused() -> None:
    prompt = a_prompt("yes")
    CaseFactory(prompt=prompt, assertions=[GRADED])
    with pytest.raises(CommandError, match="Name the judge’s model"):
        run(*PRACTICE, "--judge-endpoint", "practice")
