"""promptfoo's results: grouped into runs, cases and repeats, with what promptfoo found word for word."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.engine.faults import FAULTS
from prompts_app.engine.formats import FormatError, ImportedPrompt, Parsed, parse
from prompts_app.engine.formats.bundle_types import BundledResult, BundledRun
from prompts_app.engine.formats.yaml_ import write_yaml

RESULTS = Path(__file__).parents[2] / "data" / "promptfoo" / "results"
REPEATS = "promptfoo-results-v3-repeat2.json"
TWO = "two-prompts-two-providers.json"


def load(name: str) -> Any:
    return json.loads((RESULTS / name).read_text())


def read(data: Any) -> Parsed:
    return parse("results.json", json.dumps(data).encode())


def one(data: Any) -> ImportedPrompt:
    (prompt,) = read(data).prompts
    return prompt


def single(**changes: Any) -> Any:
    """The results of one test, with other fields in its row."""
    data = load("promptfoo-results-v3.json")
    row = data["results"]["results"][0]
    for name, value in changes.items():
        place = row
        *path, last = name.split("__")
        for step in path:
            place = place[step]
        place[last] = value
    return data


def run_of(data: Any) -> BundledRun:
    (run,) = one(data).runs
    return run


def result_of(data: Any) -> BundledResult:
    (result,) = run_of(data).results
    return result


class TestRepeats:
    def test_results_of_one_test_are_its_repeats(self) -> None:
        prompt = one(load(REPEATS))
        (run,) = prompt.runs
        assert [case.name for case in prompt.cases] == ["item 0000", "item 0001", "item 0002"]
        assert run.suite == prompt.cases
        assert run.repeats == 2
        assert [(r.case_index, r.repeat) for r in run.results] == [
            (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1),
        ]  # fmt: skip

    def test_the_same_test_twice_is_two_cases_where_the_file_says_it_was_asked_once(self) -> None:
        data = load(REPEATS)
        data["runtimeOptions"]["repeat"] = 1
        prompt = one(data)
        assert [case.name for case in prompt.cases] == [
            "item 0000", "item 0000 (2)", "item 0001", "item 0001 (2)", "item 0002", "item 0002 (2)",
        ]  # fmt: skip
        assert prompt.runs[0].repeats == 1

    def test_without_a_word_on_repeats_all_alike_are_repeats_and_others_are_cases(self) -> None:
        data = load(REPEATS)
        del data["runtimeOptions"]["repeat"]
        assert (one(data).runs[0].repeats, len(one(data).cases)) == (2, 3)
        del data["results"]["results"][5]
        assert (one(data).runs[0].repeats, len(one(data).cases)) == (1, 5)

    def test_the_same_values_held_to_something_else_are_another_case(self) -> None:
        data = load(REPEATS)
        data["results"]["results"][1]["testCase"]["assert"] = [{"type": "is-json"}]
        data["results"]["results"][1]["gradingResult"]["componentResults"] = []
        data["runtimeOptions"]["repeat"] = 1
        cases = one(data).cases
        assert [len(case.assertions) for case in cases[:2]] == [3, 1]


class TestRuns:
    def test_every_prompt_on_every_provider_is_a_run(self) -> None:
        prompt = one(load(TWO))
        assert [version.prompt.messages[0].role for version in prompt.versions] == ["user", "system"]
        assert [(run.version, run.model) for run in prompt.runs] == [
            (1, "echo"), (2, "echo"), (1, "echo (second echo)"), (2, "echo (second echo)"),
        ]  # fmt: skip
        assert all(run.suite == prompt.cases and len(run.results) == 4 for run in prompt.runs)
        assert (
            dict(prompt.versions[1].prompt.parameters)
            == dict(prompt.runs[1].parameters)
            == {"temperature": 0.5}
        )

    def test_the_same_provider_twice_without_a_label_is_two_models(self) -> None:
        data = load(TWO)
        for row in data["results"]["results"]:
            row["provider"]["label"] = ""
        assert [run.model for run in one(data).runs] == ["echo", "echo", "echo 2", "echo 2"]

    def test_they_are_finished_imported_and_say_where_they_are_from(self) -> None:
        run = run_of(load("promptfoo-results-v3.json"))
        assert (run.source, run.state, run.endpoint) == ("imported", "finished", "")
        assert run.source_note == "promptfoo results results.json; times include promptfoo’s own queue"
        assert run.created_at == datetime(2026, 11, 22, 6, 21, 23, 705000, tzinfo=UTC)
        assert run.model == "mock-model"

    def test_the_prompt_is_as_the_configuration_would_have_made_it(self) -> None:
        data = load(TWO)
        config = parse("promptfooconfig.yaml", json.dumps(data["config"]).encode()).prompts[0]
        prompt = one(data)
        assert [v.prompt for v in prompt.versions] == [v.prompt for v in config.versions]
        assert (prompt.title, prompt.cases[0].variables) == (config.title, config.cases[0].variables)

    def test_assertions_are_those_that_were_run(self) -> None:
        (case,) = one(load("promptfoo-results-v3.json")).cases
        assert [a.type for a in case.assertions] == ["contains", "equals", "is-json"]
        assert case.assertions[1].value == '{"answer": "item 0000"}'  # the test has it without the space

    def test_without_any_that_were_run_they_are_the_tests(self) -> None:
        (case,) = one(single(gradingResult=None)).cases
        assert case.assertions[1].value == '{"answer":"item 0000"}'


class TestResults:
    def test_what_promptfoo_found_is_kept_word_for_word(self) -> None:
        result = result_of(
            single(
                success=False,
                gradingResult__componentResults=[
                    {"pass": False, "score": 0.4, "reason": "Rude", "assertion": {
                        "type": "llm-rubric", "value": "polite", "threshold": 0.5, "weight": 2}},
                    {"pass": True, "score": 1, "reason": "Fine", "assertion": {"type": "is-json"}},
                ],
            )
        )  # fmt: skip
        assert result.passed is False
        assert result.checks == (
            {"type": "llm-rubric", "value": "polite", "passed": False, "score": 0.4, "reason": "Rude",
             "threshold": 0.5, "weight": 2},
            {"type": "is-json", "value": None, "passed": True, "score": 1, "reason": "Fine",
             "threshold": None},
        )  # fmt: skip

    def test_nothing_is_judged_again(self) -> None:
        result = result_of(single(response__output="not what was looked for"))
        assert result.passed is True
        assert all(check["passed"] for check in result.checks)

    def test_without_an_assertion_there_is_no_verdict(self) -> None:
        data = single(
            gradingResult={"pass": True, "score": 1, "reason": "No assertions"}, testCase__assert=[]
        )
        assert result_of(data).passed is None

    def test_a_set_of_assertions_is_shown_with_its_members(self) -> None:
        checks = one(load(TWO)).runs[0].results[0].checks
        assert [(check["type"], check["passed"]) for check in checks] == [
            ("icontains", True), ("assert-set", True), ("javascript", True),
        ]  # fmt: skip
        assert [member["passed"] for member in checks[1]["members"]] == [False, True]
        assert one(load(TWO)).runs[0].results[0].passed is True

    def test_tokens_cost_and_latency_are_kept_and_zeros_are_unknown(self) -> None:
        result = result_of(single(cost=0.000123456, latencyMs=243))
        assert (result.tokens_in, result.tokens_out, result.latency_ms) == (13, 5, 243.0)
        assert (result.cost, result.cost_source) == (Decimal("0.00012346"), "promptfoo 0.123.1")
        free = result_of(single(cost=0, response__tokenUsage={"prompt": 0, "completion": 0}, tokenUsage={}))
        assert (free.cost, free.cost_source, free.tokens_in, free.tokens_out) == (None, "", None, None)

    def test_an_answer_from_the_cache_says_nothing_of_the_time(self) -> None:
        assert result_of(single(response__cached=True)).latency_ms is None

    def test_the_prompt_as_sent_and_the_end_are_kept(self) -> None:
        result = result_of(load("promptfoo-results-v3.json"))
        assert result.request == {
            "model": "mock-model",
            "messages": [{"role": "user", "content": "Answer as JSON only. Echo: item 0000"}],
        }
        assert (result.finish_reason, result.output) == ("stop", '{"answer": "item 0000"}')

    def test_an_output_that_is_no_text_becomes_json(self) -> None:
        assert result_of(single(response__output={"a": [1, "é"]})).output == '{"a": [1, "é"]}'
        assert result_of(single(response__output="a\x00\ud800b")).output == "a\ufffd\ufffdb"

    def test_errors_are_rows_with_a_label_and_no_verdict(self) -> None:
        run = one(load(TWO)).runs[0]
        errors = [result for result in run.results if result.error_kind]
        assert [(r.case_index, r.repeat, r.error_kind, r.passed, r.output) for r in errors] == [
            (1, 0, "template", None, ""), (1, 1, "template", None, ""),
        ]  # fmt: skip

    def test_an_error_is_told_without_the_folders_of_somebodys_machine(self) -> None:
        assert "somebody" in (RESULTS / TWO).read_text()
        assert "somebody" not in repr(one(load(TWO)))

    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ("API error: 429 Too Many Requests", "rate_limited"),
            ("API error: 401 Unauthorized: bad key", "auth"),
            ("You exceeded your current quota", "no_credit"),
            ("Request timed out after 10000 ms", "timeout"),
            ("connect ECONNREFUSED 127.0.0.1:1", "refused_connection"),
            ("getaddrinfo ENOTFOUND host", "dns"),
            ("API error: 500 Internal Server Error", "server_error"),
            ("This model's maximum context length is 8192", "context_overflow"),
            ("The model `x` does not exist", "model_not_found"),
            ("Template render error: x", "template"),
            ("Something else", "elsewhere"),
        ],
    )
    def test_an_errors_words_give_it_a_label(self, words: str, kind: str) -> None:
        result = result_of(single(error=words, failureReason=2, gradingResult=None, success=False))
        assert (result.error_kind, result.error_message) == (kind, words)
        assert kind in FAULTS

    def test_the_words_of_a_failed_assertion_are_no_error(self) -> None:
        result = result_of(single(error="Expected output to contain x", failureReason=1, success=False))
        assert (result.error_kind, result.passed) == ("", False)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda d: d["results"].update(version=9), "results of version 9; 3 can be read"),
            (lambda d: d["results"].update(results=[]), "no results in this file"),
            (lambda d: d["results"].update(timestamp="yesterday"), r"results\.timestamp is not a time"),
            (lambda d: d["results"].update(results=[1]), r"results\.results\[0\] is not an object"),
        ],
    )
    def test_it_is_told_in_words(self, change: Any, sentence: str) -> None:
        data = load("promptfoo-results-v3.json")
        change(data)
        with pytest.raises(FormatError, match=sentence):
            read(data)

    def test_the_same_as_yaml_is_the_same(self) -> None:
        data = load(TWO)
        as_yaml = parse("results.yaml", write_yaml(data).encode())
        (from_yaml,), (from_json,) = as_yaml.prompts, parse("results.json", json.dumps(data).encode()).prompts
        assert as_yaml.format == "promptfoo-results"
        assert (from_yaml.versions[0].prompt, from_yaml.cases) == (
            from_json.versions[0].prompt,
            from_json.cases,
        )
        assert [run.results for run in from_yaml.runs] == [run.results for run in from_json.runs]

    @pytest.mark.parametrize("name", ["results.jsonl", "results.txt", ""])
    def test_json_lines_hold_rows_alone_and_say_what_to_do(self, name: str) -> None:
        lines = "\n".join(json.dumps(row) for row in load(TWO)["results"]["results"])
        with pytest.raises(FormatError, match=r"promptfoo eval -o results\.json"):
            parse(name, lines.encode())

    def test_version_1_names_the_template_in_the_row(self) -> None:
        row = {
            "prompt": {"raw": "Hi Ada", "display": "Hi {{name}}"}, "vars": {"name": "Ada"}, "success": True,
            "response": {"output": "Hello", "tokenUsage": {"prompt": 3, "completion": 2}}, "score": 1,
            "provider": {"id": "openai:gpt-4"}, "latencyMs": 200,
            "gradingResult": {"pass": True, "componentResults": [
                {"pass": True, "score": 1, "reason": "ok", "assertion": {"type": "contains", "value": "H"}}]},
        }  # fmt: skip
        summary = {"version": 1, "timestamp": "2024-01-01T00:00:00Z", "results": [row], "stats": {}}
        prompt = one({"results": summary, "config": {}})
        assert prompt.versions[0].prompt.messages[0].content == "Hi {{name}}"
        assert prompt.runs[0].results[0].output == "Hello"
        assert prompt.cases[0].variables == {"name": "Ada"}
        del summary["timestamp"]
        with pytest.raises(FormatError, match="a time with its zone"):
            read({"results": summary, "config": {}})

    def test_version_2_says_the_same_with_its_prompts_in_the_table(self) -> None:
        data = load("promptfoo-results-v3.json")
        summary = data["results"]
        summary["version"] = 2
        summary["table"] = {"head": {"prompts": summary.pop("prompts")}}
        assert one(data).runs[0].results == one(load("promptfoo-results-v3.json")).runs[0].results

    def test_keys_in_the_configuration_are_not_kept(self) -> None:
        data = single()
        data["config"]["providers"][0]["config"]["apiKey"] = "sk-very-secret"
        assert "sk-very-secret" not in repr(read(data))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


SMALL = load("promptfoo-results-v3.json")
PLACES = places(SMALL)[1:]


@settings(max_examples=300)
@given(st.sampled_from(PLACES), st.sampled_from([None, True, -1, 1e300, "", "x", [], [[]], {}, {"a": None}]))
def test_whatever_is_changed_it_is_read_or_refused_in_words(path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(SMALL)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    try:
        parsed = read(data)
    except FormatError as error:
        assert str(error)  # noqa: PT017 both outcomes are fine
    else:
        assert parsed.prompts or parsed.skipped
