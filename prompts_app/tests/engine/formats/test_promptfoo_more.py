"""Configurations of our own, each around one thing a configuration can say.

``COUNTS`` were compared with what promptfoo 0.123.1 makes of the same files with its echo provider, where it
takes them; the rest of the table is what has to be named in the report, for nothing is dropped silently.
"""

from pathlib import Path

import pytest

from prompts_app.engine.assertions import not_run
from prompts_app.engine.formats import ImportedPrompt, Parsed, parse_files
from prompts_app.engine.formats.files import Files, Folder
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.formats.yaml_ import read_yaml

MORE = Path(__file__).parents[2] / "data" / "promptfoo" / "more"

# versions, cases, assertions, and those of them that are not run here
COUNTS = {
    "assert-sets": (1, 1, 8, 2),
    "conversation": (1, 2, 1, 0),
    "csv-columns": (1, 3, 8, 1),
    "json-config": (1, 1, 2, 0),
    "judging": (1, 2, 14, 4),
    "labelled-map": (2, 2, 3, 0),
    "older-forms": (2, 4, 4, 2),
    "prompt-files": (12, 1, 1, 0),
    "providers": (2, 1, 0, 0),
    "references": (1, 3, 5, 0),
    "scenarios": (1, 6, 10, 0),
    "settings": (1, 1, 0, 0),
    "test-globs": (1, 3, 5, 0),
    "test-mixed": (1, 7, 5, 0),
    "tools": (1, 1, 16, 4),
    "transforms": (1, 4, 11, 5),
    "variables": (1, 8, 0, 0),
}

NAMED = {
    "assert-sets": [
        "that “assert-set” stands in an assert-set: it counts by itself",
        "an assertion without a type",
        "“my-own-kind” is kept, but not run here",
        "the “config” of an assertion is kept, but not used here",
    ],
    "conversation": [
        "a chat whose JSON its template makes",
        "the template tag “for”",
        "the metadata “conversationId”",
        "the option “storeOutputAs”",
        "“{{author}}” in the value of “question”",
    ],
    "csv-columns": [
        "the metadata “kind”",
        "the metadata “tags”",
        "the column “__odd”",
        "the providerOutput of a test",
    ],
    "json-config": ["the setting “redteam” (purpose, plugins, strategies)"],
    "judging": [
        "the setting “apiKey” of a judge: keys are never kept",
        "brings its own words to the judge",
        "the “provider” of an assertion is kept, but not used here",
        "“moderation” is kept, but not run",
    ],
    "labelled-map": [],
    "older-forms": ["“javascript” is kept, but not run here"],
    "prompt-files": [],
    "providers": [
        "the setting “apiKey” of a provider: keys are never kept",
        "“Mini” is asked some prompts only",
        "the field “delay” of a provider",
        "the provider “http”, which is a program or address",
        "the field “transform” of a provider",
        "the field “env” of a provider",
        "the providers of a test",
        "the prompts of a test",
        "which is not the same for all providers",
    ],
    "references": ["the setting “x-common”"],
    "scenarios": [],
    "settings": [
        "the setting “tags”",
        "the setting “metadata”",
        "the setting “env”",
        "the setting “nunjucksFilters”",
        "the setting “derivedMetrics”",
        "the setting “evaluateOptions”",
        "the setting “commandLineOptions”",
        "the setting “outputPath”",
        "the setting “extensions”",
        "the setting “tracing”",
        "the assertScoringFunction of a test",
        "the metadata “ticket”",
        "the option “repeat”",
        "the option “runSerially”",
        "the option “storeOutputAs”",
    ],
    "test-globs": [],
    "test-mixed": [
        "the tests in the spreadsheet “cases.xlsx”: save its sheet as CSV",
        "nothing is fetched from elsewhere",
        "the tests that the program “make_tests.py:cases” makes",
        "the configuration of a file of tests",
    ],
    "tools": ["“perplexity” is kept", "“webhook” is kept", "“python” is kept"],
    "transforms": [
        "the field “transform” of a provider",
        "its “transform” is a program",
        "the option “transformVars”",
        "its “postprocess” is a program",
    ],
    "variables": ["the value of “doc” from the program “make.py”"],
}


def configuration(name: str) -> Parsed:
    return parse_files(Folder(MORE / name))


def only(parsed: Parsed) -> ImportedPrompt:
    (prompt,) = parsed.prompts
    return prompt


def test_each_folder_is_in_the_tables() -> None:
    assert {path.name for path in MORE.iterdir()} == set(COUNTS) == set(NAMED)


@pytest.mark.parametrize("name", COUNTS)
def test_versions_cases_and_assertions_are_as_many_as_promptfoo_makes_of_it(name: str) -> None:
    prompt = only(configuration(name))
    kept = [assertion for case in prompt.cases for assertion in case.assertions]
    elsewhere = sum(bool(not_run(assertion)) for assertion in kept)
    assert (len(prompt.versions), len(prompt.cases), len(kept), elsewhere) == COUNTS[name]


@pytest.mark.parametrize("name", NAMED)
def test_whatever_is_not_carried_is_named_with_its_place(name: str) -> None:
    parsed = configuration(name)
    said = [problem.what for problem in parsed.unsupported]
    for what in NAMED[name]:
        assert any(what in one for one in said), (what, said)
    assert all(problem.where for problem in parsed.unsupported)
    if not NAMED[name]:
        assert said == []


@pytest.mark.parametrize("name", COUNTS)
def test_each_comes_back_from_our_export_as_it_was(name: str) -> None:
    before = only(configuration(name))
    text = write_config(before, ["some-model"])
    again = only(parse_files(Files({"x.promptfoo.yaml": text.encode()}), only="x.promptfoo.yaml"))
    for part in ("title", "summary", "task", "tags", "licence", "written_for", "versions", "cases"):
        assert getattr(again, part) == getattr(before, part), part


@pytest.mark.parametrize("name", COUNTS)
def test_no_key_is_in_what_is_kept_or_reported(name: str) -> None:
    assert "sk-not-a-key" not in repr(configuration(name))


def test_only_files_that_belong_to_nobody_are_left_over() -> None:
    left = {name: [skip.what for skip in configuration(name).skipped] for name in COUNTS}
    assert {name: files for name, files in left.items() if files} == {
        "providers": ["own.js"], "test-globs": ["cases/notes.txt"],
    }  # fmt: skip


def test_both_transforms_of_an_output_become_one() -> None:
    cases = only(configuration("transforms")).cases
    said = [[one.options.get("transform") for one in case.assertions] for case in cases]
    assert said[0] == [
        "JSON.parse(output).answer", "JSON.parse(output).status.toLowerCase()", "JSON.parse(output)",
    ]  # fmt: skip
    assert said[1][:2] == ["output.trim()", "output.trim().toUpperCase()"]
    assert said[3] == ["JSON.parse(output)"]  # its own name for it is the older, and the newer wins


def test_what_relations_of_facts_are_worth_goes_with_factuality_alone() -> None:
    (first, _) = only(configuration("judging")).cases
    worth = {
        one.type: one.options["factuality"]["subset"]
        for one in first.assertions
        if "factuality" in one.options
    }
    assert worth == {"factuality": 0.5}
    written = read_yaml(write_config(only(configuration("judging"))))
    assert written["tests"][0]["options"]["factuality"]["subset"] == 0.5
    assert all("factuality" not in one for one in written["tests"][0]["assert"])
