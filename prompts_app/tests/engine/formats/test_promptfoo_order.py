"""promptfoo's results stand in the order in which answers came; here prompts and tests keep theirs.

``completed-in-another-order.json`` is what promptfoo 0.123.1 wrote: four prompts (two of one text), two
providers, two repeats, a test that only two prompts are put to, and eight at once, so that answers overtook
each other. Written out again and run by promptfoo, every one of its 56 rows came to the same output,
verdict and score; the test that only two prompts had is then put to all four, and named.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from prompts_app.engine.checking import judge
from prompts_app.engine.formats import ImportedPrompt, parse
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.formats.yaml_ import read_yaml, write_yaml
from prompts_app.engine.types import Price, Reply

FILE = Path(__file__).parents[2] / "data" / "promptfoo" / "results" / "completed-in-another-order.json"
LABELS = ["last letter", "first letter", "the same again", "braces"]
CASES = ["only two prompts", "half is enough", "a set", "no answer"]


@pytest.fixture
def data() -> Any:
    return json.loads(FILE.read_text())


def prompt_in(data: Any) -> ImportedPrompt:
    (prompt,) = parse("results.json", json.dumps(data).encode()).prompts
    return prompt


def labels_of(prompt: ImportedPrompt) -> list[str]:
    return [version.note.partition("“")[2].partition("”")[0] for version in prompt.versions]


def test_versions_are_the_files_prompts_in_their_order_with_their_labels(data: Any) -> None:
    assert [row["promptIdx"] for row in data["results"]["results"]][:4] == [3, 7, 3, 7]  # as they were done
    prompt = prompt_in(data)
    assert labels_of(prompt) == LABELS
    assert [version.prompt.messages[0].content.split()[0] for version in prompt.versions] == [
        "zeta", "alpha", "alpha", "Write",
    ]  # fmt: skip
    assert [case.name for case in prompt.cases] == CASES
    assert [(run.version, run.model) for run in prompt.runs] == [
        (version, model) for model in ("slow", "loud") for version in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_makes_no_difference(data: Any, seed: int) -> None:
    expected = prompt_in(data)
    random.Random(seed).shuffle(data["results"]["results"])
    assert prompt_in(data) == expected


def test_so_it_is_in_yaml(data: Any) -> None:
    (prompt,) = parse("results.yaml", write_yaml(data).encode()).prompts
    assert prompt.versions[0].prompt == prompt_in(data).versions[0].prompt
    assert labels_of(prompt) == LABELS


def test_each_row_stands_with_its_prompt_case_and_model(data: Any) -> None:
    rows = {row["id"]: row for row in data["results"]["results"]}
    seen = 0
    for run in prompt_in(data).runs:
        for result in run.results:
            row = rows[result.id]
            seen += 1
            assert row["promptIdx"] % len(LABELS) == run.version - 1
            assert row["provider"]["label"] == run.model
            assert row["testCase"]["description"] == run.suite[result.case_index].name
            assert result.output == (row["response"].get("output") or "")
            assert result.passed == (None if row["failureReason"] == 2 else row["success"])
    assert seen == len(rows) == 56


def test_sets_and_thresholds_give_the_verdict_that_promptfoo_gave(data: Any) -> None:
    judged = 0
    for run in prompt_in(data).runs:
        for result in run.results:
            if result.error_kind:
                continue
            reply = Reply(result.output, "stop", "m", "1", None, 1, 1, 1.0)
            checks, verdict = judge(run.suite[result.case_index], reply, Price(None, ""))
            assert verdict == result.passed
            assert [check.passed for check in checks] == [check["passed"] for check in result.checks]
            judged += 1
    assert judged == 40


def test_a_stored_set_holds_its_members_and_they_stand_nowhere_else(data: Any) -> None:
    run = prompt_in(data).runs[0]
    (checks,) = [result.checks for result in run.results if run.suite[result.case_index].name == "a set"][:1]
    assert [check["type"] for check in checks] == ["assert-set", "not-contains"]
    assert [member["passed"] for member in checks[0]["members"]] == [True, True, False]
    assert (checks[0]["passed"], checks[0]["threshold"], checks[0]["weight"]) == (True, 0.5, 2)


def test_they_go_back_into_a_configuration(data: Any) -> None:
    written = read_yaml(write_config(prompt_in(data)))
    tests = {test["description"]: test for test in written["tests"]}
    assert tests["half is enough"]["threshold"] == 0.5
    (whole, other) = tests["a set"]["assert"]
    assert (whole["type"], whole["threshold"], whole["weight"], whole["metric"]) == (
        "assert-set",
        0.5,
        2,
        "either",
    )
    assert [member["value"] for member in whole["assert"]] == ["zeta", "Rome", "alpha"]
    assert other == {"type": "not-contains", "value": "nothing"}
    assert [prompt["raw"] for prompt in written["prompts"]][3] == (
        "Write {% raw %}{{n}}{% endraw %} for {{ '$' }}{{who}} {{city}}"
    )


def test_what_a_configuration_cannot_carry_is_named(data: Any) -> None:
    problems = parse("results.json", json.dumps(data).encode()).unsupported
    assert "the prompts of a test" in [problem.what for problem in problems]


# --- files that say less ------------------------------------------------------------------------------------


def test_a_prompt_without_results_keeps_its_place(data: Any) -> None:
    rows = data["results"]["results"]
    data["results"]["results"] = [row for row in rows if row["promptIdx"] % 4 != 1]
    prompt = prompt_in(data)
    assert labels_of(prompt) == LABELS
    assert [run.version for run in prompt.runs] == [1, 3, 4, 1, 3, 4]


def test_without_the_list_of_prompts_their_numbers_order_them(data: Any) -> None:
    del data["results"]["prompts"]
    prompt = prompt_in(data)
    assert [version.prompt.messages[0].content for version in prompt.versions] == LABELS  # all that is known
    assert [(run.version, run.model) for run in prompt.runs][:5] == [
        (1, "slow"), (2, "slow"), (3, "slow"), (4, "slow"), (1, "loud"),
    ]  # fmt: skip


def test_numbers_with_gaps_are_an_order_too(data: Any) -> None:
    del data["results"]["prompts"]
    for row in data["results"]["results"]:
        row["promptIdx"] = 10 + 7 * row["promptIdx"]
    assert [version.prompt.messages[0].content for version in prompt_in(data).versions] == LABELS


def test_rows_without_numbers_stay_in_the_order_of_the_file(data: Any) -> None:
    del data["results"]["prompts"]
    first = data["results"]["results"][0]["prompt"]["label"]
    for row in data["results"]["results"]:
        del row["promptIdx"], row["testIdx"]
    prompt = prompt_in(data)
    assert prompt.versions[0].prompt.messages[0].content == first
    assert sum(len(run.results) for run in prompt.runs) == 56


def test_labels_that_begin_with_who_was_asked_are_those_behind(data: Any) -> None:
    for head in data["results"]["prompts"]:
        head["label"] = f"[{head['provider']}] {head['label']}"
    assert labels_of(prompt_in(data)) == LABELS
