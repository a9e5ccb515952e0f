"""promptfoo's own examples: all of them can be read, and come back from our export as they were."""

import json
from pathlib import Path

import pytest

from prompts_app.engine.formats import ImportedPrompt, Parsed, parse_files
from prompts_app.engine.formats.files import Files, Folder
from prompts_app.engine.formats.promptfoo.writing import write_config

EXAMPLES = Path(__file__).parents[2] / "data" / "promptfoo" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
SOURCES = {case["name"]: case for case in json.loads((EXAMPLES / "SOURCES.json").read_text())["cases"]}


def example(name: str) -> Parsed:
    return parse_files(Folder(EXAMPLES / name), only="promptfooconfig.yaml")


def only(parsed: Parsed) -> ImportedPrompt:
    (prompt,) = parsed.prompts
    return prompt


def test_there_are_26_of_them_with_their_licence() -> None:
    assert len(NAMES) == 26
    assert "Permission is hereby granted" in (EXAMPLES / "LICENSE").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_each_is_one_prompt_with_its_variants_cases_and_assertions(name: str) -> None:
    prompt = only(example(name))
    said = SOURCES[name]
    assert len(prompt.versions) >= said["prompts"]
    if isinstance(said["tests"], int) and name != "openai-gpt-4.1-vs-gpt-4o-mmlu":
        assert len(prompt.cases) == said["tests"]
    kept = {assertion.type for case in prompt.cases for assertion in case.assertions}
    if prompt.cases:
        assert kept == set(said["assertions"])


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_back_from_our_export_as_it_was(name: str) -> None:
    before = only(example(name))
    text = write_config(before, ["some-model"])
    again = parse_files(Files({"x.promptfoo.yaml": text.encode()}), only="x.promptfoo.yaml")
    after = only(again)
    for part in ("title", "summary", "task", "tags", "licence", "written_for", "versions", "cases"):
        assert getattr(after, part) == getattr(before, part), part
    assert not [problem for problem in again.unsupported if "kept as" not in problem.what]


def test_the_folder_of_all_examples_is_26_prompts() -> None:
    parsed = parse_files(Folder(EXAMPLES))
    assert len(parsed.prompts) == 26
    assert [skip.what for skip in parsed.skipped] == ["LICENSE", "SOURCES.json"]


def test_what_cannot_be_carried_is_named_with_its_place() -> None:
    found = {(one.what, one.where) for one in example("store-and-reuse-outputs").unsupported}
    assert found == {
        ("the option “storeOutputAs” of a test", "promptfooconfig.yaml, tests[0].options and 1 more"),
        ("the option “transform” of a test", "promptfooconfig.yaml, tests[0].options"),
        (
            "“{{favoriteFruit}}” in the value of “message”: nothing fills it in here",
            "promptfooconfig.yaml, tests[1] and 1 more",
        ),
        (
            "“{{reason}}” in the value of “message”: nothing fills it in here",
            "promptfooconfig.yaml, tests[2]",
        ),
    }


def test_datasets_from_elsewhere_are_named_and_not_fetched() -> None:
    parsed = example("openai-gpt-4.1-vs-gpt-4o-mmlu")
    assert only(parsed).cases == ()
    assert sum("nothing is fetched from elsewhere" in one.what for one in parsed.unsupported) == 2


def test_values_in_files_are_read() -> None:
    first = only(example("rag-eval")).cases[0]
    assert first.variables["context"].startswith("**Acme Inc. - Reimbursement Policy**")


def test_keys_are_never_kept() -> None:
    parsed = example("replicate-lifeboat")
    assert "the setting “apiKey” of a provider: keys are never kept" in [p.what for p in parsed.unsupported]
    assert dict(only(parsed).versions[0].prompt.parameters) == {"temperature": 0.01, "max_tokens": 512}
