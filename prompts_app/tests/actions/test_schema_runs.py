"""Runs of a version that asks for a JSON Schema: every answer is held to it, from the run to the seal."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.judge_pasted import judge_pasted
from prompts_app.actions.runs.paste import paste_output
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.response_format import asking_for
from prompts_app.evidence.asked_schema import fit_in_words
from prompts_app.models import Prompt, Result, Run, Source, Version
from prompts_app.tests.actions.running import at, fresh
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, Step, answering, completion, http
from prompts_app.tests.factories import (
    CaseFactory,
    EndpointFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "properties": {
        "total": {"type": "number", "minimum": 0, "description": "With tax."},
        "currency": {"enum": ["EUR", "USD"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "note": {"type": ["string", "null"]},
    },
    "required": ["total", "currency"],
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string", "pattern": "^A"}}}},
}
ASKED = {"response_format": {"type": "json_schema", "json_schema": {"name": "invoice", "schema": SCHEMA}}}
FITS, BREAKS = '{"total": 12.5, "currency": "EUR"}', '{"total": "12.50", "currency": "EUR"}'
CUT = http(200, completion(choices=[{"message": {"content": '{"tot'}, "finish_reason": "length"}]))
REFUSED = http(400, {"error": {"message": "This response_format type is unavailable now"}})
WITHHELD = http(400, {"error": {"message": "Failed to generate JSON.", "code": "json_validate_failed"}})


def a_version(*assertions: dict[str, Any], cases: int = 3, **fields: Any) -> Version:
    prompt = PromptFactory(owner=alice(), slug="invoices", visibility="public")
    version: Version = VersionFactory(prompt=prompt, parameters=ASKED, **fields)
    for number in range(cases):
        CaseFactory(prompt=prompt, variables={"word": f"word {number}"}, assertions=list(assertions))
    return version


def ran(*script: list[Step], cases: int = 3, **plan: Any) -> Run:
    with answering(*script) as server:
        return ran_at(server, a_version(cases=cases), **plan)


def ran_at(server: OddServer, version: Version, **plan: Any) -> Run:
    endpoint = at(server)
    batch = runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], **plan))
    run = batch.runs.get()
    assert execute_run(run.pk)
    return fresh(run)


def says_so(output: str) -> list[Step]:
    return http(200, completion(output))


class TestRuns:
    def test_a_case_without_an_assertion_passes_where_its_answer_fits(self) -> None:
        run = ran(says_so(FITS))
        assert (run.frames, run.cases_passed, run.schema_fit) == ("ppp", 3, {"held": 3, "kept": 3})
        assert fit_in_words(run) == "3 of 3 answers fit the schema that was asked for."
        result = run.results.all()[0]
        assert [check["type"] for check in result.checks] == ["response-format"]
        assert result.request["response_format"] == ASKED["response_format"]

    def test_and_fails_where_it_does_not(self) -> None:
        run = ran(says_so(BREAKS))
        assert (run.frames, run.schema_fit) == ("fff", {"held": 3})
        assert fit_in_words(run) == (
            "0 of 3 answers fit the schema that was asked for. "
            "In 3, the server took the schema and did not keep to it."
        )

    def test_an_answer_that_was_cut_off_is_told_apart(self) -> None:
        run = ran(CUT, cases=1)
        assert (run.frames, run.schema_fit) == ("f", {"held": 1, "cut": 1})
        assert fit_in_words(run) == "0 of 1 answer fits the schema that was asked for. 1 was cut off."

    def test_a_refusal_of_the_schema_is_a_row_with_its_label_and_ends_the_run(self) -> None:
        run = ran(REFUSED, cases=1)
        assert (run.frames, run.schema_fit) == ("e", {"refused": 1})
        assert run.results.get().error_kind == "no_such_format"
        assert fit_in_words(run) == "The server refused the schema in 1 call."

    def test_so_is_an_answer_that_the_server_withheld(self) -> None:
        run = ran(WITHHELD, cases=2)
        assert (run.frames, run.schema_fit) == ("ee", {"withheld": 2})
        assert fit_in_words(run) == "In 2 the server withheld an answer that did not fit."

    def test_one_repeat_that_breaks_it_fails_the_case(self) -> None:
        run = ran(says_so(FITS), says_so(BREAKS), cases=1, repeats=2)
        assert (run.frames, run.schema_fit) == ("f", {"held": 2, "kept": 1})

    def test_fields_are_sent_in_the_order_in_which_they_are_to_be_written(self) -> None:
        """Whatever order a database keeps names in."""
        names = ["reasoning", "b", "a"]
        properties = {name: {"type": "string"} for name in names}
        schema = {"type": "object", "properties": properties, "required": names}
        version = a_version(cases=1)
        later = VersionFactory(
            prompt=version.prompt, number=2, parameters={"response_format": asking_for(schema)}
        )
        later.refresh_from_db()
        with answering(says_so(FITS)) as server:
            ran_at(server, later)
        sent = server.asked[0].json["response_format"]["json_schema"]["schema"]
        assert list(sent["properties"]) == names

    def test_it_is_sealed_with_the_others(self) -> None:
        run = ran(says_so(FITS))
        file = json.loads(json.dumps(sealed_file(run)))
        assert all(finding.holds for finding in verify(file).findings)
        record = file["record"]
        assert record["version"]["parameters"] == ASKED
        assert record["results"][0]["checks"][-1]["type"] == "response-format"
        Result.objects.filter(run=run).update(checks=[])
        assert not all(finding.holds for finding in verify(json.loads(json.dumps(sealed_file(run)))).findings)

    def test_the_practice_endpoint_answers_by_the_schema(self) -> None:
        version = a_version()
        practice = EndpointFactory(owner=alice(), kind="practice", base_url="")
        run = runs.start_batch(version.prompt, BatchPlan([version], practice, ["practice-1"])).runs.get()
        execute_run(run.pk)
        answered = [result for result in fresh(run).results.all() if not result.is_error]
        assert answered
        assert all(result.passed for result in answered)


class TestWhatWasBefore:
    """Nothing that was judged before answers were held to their schema changes its verdict."""

    def old(self) -> Run:
        version = a_version({"type": "contains", "value": "EUR"}, cases=1)
        suite = [{"name": "One", "assertions": [{"type": "contains", "value": "EUR"}]}]
        run: Run = RunFactory(version=version, suite=suite)
        held = {"type": "contains", "value": "EUR", "passed": True, "score": 1.0, "reason": "Is there."}
        ResultFactory(run=run, case_index=0, output=BREAKS, checks=[held], passed=True)
        count_run(run)
        rebuild_evidence(run.prompt)
        return fresh(run)

    def test_an_old_run_keeps_its_figures_and_says_nothing_of_the_schema(self) -> None:
        run = self.old()
        assert (run.frames, run.schema_fit, fit_in_words(run)) == ("p", {}, "")

    def test_where_later_answers_were_held_to_it_the_others_are_counted_apart(self) -> None:
        run = self.old()
        held = {"type": "response-format", "value": None, "passed": True, "score": 1.0, "reason": "Fits."}
        ResultFactory(run=run, case_index=0, repeat=1, output=FITS, checks=[held])
        count_run(run)
        assert fit_in_words(run) == (
            "1 of 1 answer fits the schema that was asked for. 1 answer could not be held to it."
        )

    def test_an_imported_verdict_stays_that_of_its_tool(self) -> None:
        run = self.old()
        Run.objects.update(source=Source.IMPORTED)
        count_run(fresh(run))
        assert (fresh(run).frames, fresh(run).results.get().passed) == ("p", True)


class TestPasted:
    def paste(self, version: Version, output: str) -> Result:
        case = version.prompt.cases.all()[0]
        return paste_output(version.prompt, version, case, model="m", output=output, date=date(2026, 3, 1))

    @pytest.mark.parametrize(("output", "passed"), [(FITS, True), (BREAKS, False), ("no JSON", False)])
    def test_an_output_is_held_to_it(self, output: str, passed: bool) -> None:
        result = self.paste(a_version(cases=1), output)
        assert (result.passed, result.checks[0]["type"]) == (passed, "response-format")
        assert "server" not in fit_in_words(Run.objects.get())  # nobody was asked

    def test_a_judge_that_is_asked_later_leaves_its_check(self) -> None:
        rubric = {"type": "llm-rubric", "value": "Is right."}
        result = self.paste(a_version(rubric, cases=1), FITS)
        assert [check["passed"] for check in result.checks] == [None, True]
        with answering(says({"reason": "It is.", "pass": True, "score": 1})) as judge:
            judge_pasted(Run.objects.get(), JudgeChoice(at(judge), "judge-1"))
        assert [check["passed"] for check in Result.objects.get().checks] == [True, True]
        assert Run.objects.get().frames == "p"


class TestJudged:
    @pytest.mark.parametrize(("output", "frames"), [(FITS, "p"), (BREAKS, "f")])
    def test_a_judge_of_a_run_stands_before_it(self, output: str, frames: str) -> None:
        version = a_version({"type": "llm-rubric", "value": "Is right."}, cases=1)
        verdict = {"reason": "It is.", "pass": True, "score": 1}
        with answering(says_so(output)) as model, answering(says(verdict)) as judge:
            judging = EndpointFactory(owner=alice(), base_url=judge.base_url)
            run = ran_at(model, version, judge=JudgeChoice(judging, "judge-1"))
        assert run.frames == frames
        assert [check["type"] for check in run.results.get().checks] == ["llm-rubric", "response-format"]


class TestPages:
    @pytest.fixture
    def page(self) -> Callable[..., str]:
        with answering(says_so(FITS), says_so(BREAKS)) as server:
            ran_at(server, a_version())
        prompt = Prompt.objects.get()

        def read(rest: str = "") -> str:
            return read_page(client_of(None).get(f"{prompt.get_absolute_url()}{rest}"))

        return read

    def test_the_prompt_shows_the_schema_as_one_reads(self, page: Callable[..., str]) -> None:
        shown = page()
        assert "The answer’s schema: <bdi>invoice</bdi>" in shown
        assert '<code dir="auto">total</code></dt><dd>number, from 0.' in shown
        assert "With tax." in shown
        assert "&quot;EUR&quot; or &quot;USD&quot;" in shown
        assert '<code dir="auto">lines[].sku</code></dt><dd>text, like ^A; may be absent' in shown
        assert "text or null; may be absent" in shown
        assert "response_format JSON Schema invoice" in shown
        assert "json_schema&#x27;" not in shown
        assert "The answer fits the schema." in shown

    def test_and_how_each_model_kept_to_it(self, page: Callable[..., str]) -> None:
        assert "1 of 3 answers fits the schema that was asked for." in page()

    def test_a_version_has_a_page_with_it_too(self, page: Callable[..., str]) -> None:
        assert "The answer’s schema: <bdi>invoice</bdi>" in page("v1/")

    def test_a_result_shows_the_check_among_the_others(self, page: Callable[..., str]) -> None:
        broken = Result.objects.filter(passed=False)[0]
        shown = page(f"results/{broken.public_id}/")
        assert "fits the schema that was asked for" in shown
        assert "Is valid JSON, but not by the schema: total:" in shown

    def test_the_runs_page_says_it_as_well(self, page: Callable[..., str]) -> None:
        batch = Run.objects.get().batch
        assert batch is not None
        shown = read_page(client_of(alice()).get(batch.get_absolute_url()))
        assert "1 of 3 answers fits the schema that was asked for." in shown
