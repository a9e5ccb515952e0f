"""The summary is read and written in one form; one of an earlier release is nobody's figure."""

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prompts_app.evidence.summary import (
    SUMMARY_VERSION,
    ModelEvidence,
    Summary,
    VersionEvidence,
    from_json,
    summary_of,
    to_json,
    without_figures,
)
from prompts_app.models import Prompt
from prompts_app.tests.evidence.summaries import a_model, a_summary, a_version

ROOT = Path(__file__).parents[3]
A_SUMMARY = a_summary(a_version(1, passed=2), a_version(2), models=[a_model(), a_model("small", passed=3)])


class TestForm:
    def test_what_was_written_is_read(self) -> None:
        assert from_json(to_json(A_SUMMARY)) == A_SUMMARY
        assert to_json(A_SUMMARY)["form"] == SUMMARY_VERSION

    def test_nothing_that_counts_is_none(self) -> None:
        assert from_json({}) is None
        assert without_figures(Prompt()) == "not tested yet"

    @pytest.mark.parametrize("form", [None, 1, SUMMARY_VERSION - 1, SUMMARY_VERSION + 1])
    def test_another_releases_is_counted_anew_and_says_so(self, form: int | None) -> None:
        prompt = Prompt(evidence={"form": form, "passed": 24, "cases": 25}, deleted_runs=1)
        assert summary_of(prompt) is None
        assert without_figures(prompt) == "figures are being counted anew"

    def test_what_nobody_wrote_is_an_error(self) -> None:
        with pytest.raises(ValidationError, match="cases"):
            from_json({**to_json(A_SUMMARY), "cases": "many"})

    def test_it_is_read_once_and_again_where_the_row_got_another(self) -> None:
        prompt = Prompt(evidence=to_json(A_SUMMARY))
        first = summary_of(prompt)
        assert first is summary_of(prompt)
        prompt.evidence = to_json(a_summary(passed=1))
        now = summary_of(prompt)
        assert now is not None
        assert now.passed == 1


class TestWhatIsCompared:
    def test_before_is_the_version_named_as_baseline(self) -> None:
        assert A_SUMMARY.before == a_version(1, passed=2)
        assert a_summary(a_version(1)).before is None

    def test_lesser_evidence_backs_no_sentence(self) -> None:
        models = [
            a_model(),
            a_model("sealed", level=3),
            a_model("pasted", level=0),
            a_model("open", passed=0, cases=0),
        ]
        assert [model.model for model in a_summary(models=models).backed_models] == ["main", "sealed"]

    def test_two_known_places_are_not_compared(self) -> None:
        shown = a_summary(place="OpenAI")
        assert not a_version(place="Groq").is_comparable(shown)
        assert a_version(place="").is_comparable(shown)


def _read_by_key(source: str) -> list[int]:
    """Lines on which something called evidence is read like a dictionary."""
    names = {field.name for kind in (Summary, ModelEvidence, VersionEvidence) for field in fields(kind)}
    found = []
    for node in ast.walk(ast.parse(source)):
        about: Any = None
        key: object = ""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            about, key = node.value, node.slice.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            about, key = node.func.value, getattr(node.args[0], "value", "") if node.args else ""
        if (
            about is not None
            and key in names
            and ast.unparse(about).split(".")[-1] in ("evidence", "summary")
        ):
            found.append(about.lineno)
    return found


def test_nobody_reads_the_stored_form_but_this_module() -> None:
    files = [
        file for file in (ROOT / "prompts_app").rglob("*.py") if not {"tests", "engine"} & set(file.parts)
    ]
    read = {str(file.relative_to(ROOT)): _read_by_key(file.read_text()) for file in files}
    assert {name: lines for name, lines in read.items() if lines} == {}
    templates = [file for file in (ROOT / "templates").rglob("*.*") if file.is_file()]
    by_column = {str(file.relative_to(ROOT)) for file in templates
                 if re.search(r"prompt\.evidence\b(?!_)", file.read_text())}  # fmt: skip
    assert by_column == set()


def test_the_check_finds_what_it_is_for() -> None:
    assert _read_by_key('prompt.evidence["passed"]\nevidence.get("frames", "")\nother["passed"]') == [1, 2]
