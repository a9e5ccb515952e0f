"""Results and bundles brought in: level 1, counted, joined to the prompt they are of, and never twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.importing.apply import ImportOptions, import_prompts, preview
from prompts_app.actions.importing.plan import BundleRefused
from prompts_app.actions.importing.report import ImportReport
from prompts_app.engine.formats import ImportedPrompt, Parsed, bundle, parse, parse_files
from prompts_app.engine.formats.files import Files, Folder
from prompts_app.models import Case, Level, Prompt, Result, Run, User, Version
from prompts_app.models.prompts import MOST_CASES
from prompts_app.tests.engine.formats.test_promptfoo_writing import PROMPTS
from prompts_app.tests.people import alice, bob
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[1] / "data" / "promptfoo"
TWO = (DATA / "results" / "two-prompts-two-providers.json").read_bytes()


def results(name: str = "out.json", **changes: Any) -> Parsed:
    data = json.loads(TWO)
    data["results"].update(changes)
    return parse(name, json.dumps(data).encode())


def config() -> bytes:
    return json.dumps(json.loads(TWO)["config"]).encode()


def bring(parsed: Parsed, owner: User | None = None, **options: Any) -> ImportReport:
    return import_prompts(owner or alice(), parsed, **options)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Prompt, Version, Case, Run, Result)}


class TestResults:
    def test_a_file_becomes_a_private_prompt_with_its_runs(self) -> None:
        report = bring(results()).as_json()
        assert {key: report[key] for key in ("prompts", "versions", "cases", "assertions", "results")} == {
            "prompts": 1, "versions": 2, "cases": 2, "assertions": 5, "results": 16,
        }  # fmt: skip
        assert counts() == {"Prompt": 1, "Version": 2, "Case": 2, "Run": 4, "Result": 16}
        assert Prompt.objects.get().is_private

    def test_runs_are_level_1_say_where_they_are_from_and_keep_their_suite(self) -> None:
        bring(results("out.json"))
        prompt = Prompt.objects.get()
        for run in Run.objects.all():
            assert (run.level, run.state) == (Level.IMPORTED, Run.State.FINISHED)
            assert run.source_note == "promptfoo results out.json; times include promptfoo’s own queue"
            assert [case["name"] for case in run.suite] == [case.name for case in prompt.cases.in_order()]
            assert run.repeats == 2

    def test_what_overtook_each_other_is_stored_in_the_files_order_and_judged_as_there(self) -> None:
        data = (DATA / "results" / "completed-in-another-order.json").read_bytes()
        bring(parse("order.json", data))
        prompt = Prompt.objects.get()
        versions = prompt.versions.order_by("number")
        assert [one.note.partition("“")[2].partition("”")[0] for one in versions] == [
            "last letter", "first letter", "the same again", "braces",
        ]  # fmt: skip
        assert [(case.name, case.threshold) for case in prompt.cases.in_order()] == [
            ("only two prompts", None), ("half is enough", 0.5), ("a set", None), ("no answer", None),
        ]  # fmt: skip
        rows = {row["id"]: row for row in json.loads(data)["results"]["results"]}
        there = sorted(
            (row["promptIdx"] % 4 + 1, row["provider"]["label"], row["response"].get("output") or "",
             None if row["failureReason"] == 2 else row["success"])
            for row in rows.values()
        )  # fmt: skip
        stored = Result.objects.values_list("run__version__number", "run__model", "output", "passed")
        assert sorted(stored, key=str) == sorted(there, key=str)
        assert "threshold: 0.5" in as_promptfoo(prompt)

    def test_what_is_dated_after_today_is_refused(self) -> None:
        ahead = (datetime.now(tz=UTC) + timedelta(days=1)).isoformat()
        with pytest.raises(BundleRefused, match="still to come"):
            bring(results(timestamp=ahead))

    def test_a_verdict_that_is_neither_true_nor_false_is_none(self) -> None:
        rows = json.loads(TWO)["results"]["results"]
        bring(results(results=[{**row, "success": "false"} for row in rows]))
        assert not Result.objects.exclude(passed=None).exists()

    def test_they_are_counted_as_evidence_with_errors_apart(self) -> None:
        bring(results())
        prompt = Prompt.objects.get()
        frames = {(run.version.number, run.model): run.frames for run in Run.objects.all()}
        assert frames == {
            (1, "echo"): "pe", (2, "echo"): "pp",
            (1, "echo (second echo)"): "pe", (2, "echo (second echo)"): "pp",
        }  # fmt: skip
        assert (prompt.evidence_level, prompt.evidence_passed, prompt.evidence_cases) == (1, 2, 2)
        assert Result.objects.exclude(error_kind="").count() == 4
        assert not Result.objects.exclude(error_kind="").exclude(passed=None).exists()

    def test_importing_it_again_changes_nothing(self) -> None:
        bring(results())
        before = counts()
        again = bring(results("another-name.json"))
        assert counts() == before
        assert [skip.why for skip in again.skipped] == [
            "It is already there: your prompt “Two prompts, two providers”."
        ]
        assert (again.as_json()["results"], again.added_to) == (0, ())

    def test_later_results_join_the_same_prompt(self) -> None:
        bring(results())
        report = bring(results("later.json", timestamp="2026-11-23T08:00:00.000Z"))
        assert (len(report.prompts), report.results) == (0, 16)
        assert [added.prompt.title for added in report.added_to] == ["Two prompts, two providers"]
        assert (Prompt.objects.count(), Run.objects.count()) == (1, 8)
        assert Prompt.objects.get().evidence["runs"] == 8

    def test_later_results_do_not_join_where_others_would_read_what_looks_like_a_secret(self) -> None:
        bring(results())
        Prompt.objects.update(visibility="public")
        data = TWO.replace(b'"output": "', b'"output": "Ring +49 30 901820: ')
        assert data != TWO
        later = json.loads(data)
        later["results"]["timestamp"] = "2026-11-23T08:00:00.000Z"
        report = bring(parse("later.json", json.dumps(later).encode()))
        assert [skip.why for skip in report.skipped] == [
            "Others can see this prompt, and the file would show: phone number +4…1820. "
            "Make it private first."
        ]
        assert Run.objects.count() == 4

    def test_results_join_the_prompt_of_their_configuration(self) -> None:
        bring(parse("promptfooconfig.json", config()))
        report = bring(results())
        assert (len(report.prompts), report.results) == (0, 16)
        assert Prompt.objects.get().evidence_cases == 2

    def test_also_where_neither_says_what_it_is_called(self) -> None:
        data = json.loads(TWO)
        del data["config"]["description"]
        bring(parse("promptfooconfig.json", json.dumps(data["config"]).encode()))
        report = bring(parse("out.json", json.dumps(data).encode()))
        assert (len(report.prompts), report.results) == (0, 16)

    def test_results_of_other_cases_do_not_join_a_prompt_of_the_same_text(self) -> None:
        data = json.loads(config())
        data["tests"] = [{"vars": {"elsewhere": "x"}}]
        bring(parse("promptfooconfig.json", json.dumps(data).encode()))
        report = bring(results())
        assert (len(report.prompts), report.results) == (1, 16)

    def test_also_where_both_come_in_one_zip_or_folder(self) -> None:
        both = Files({"promptfooconfig.json": config(), "out/1.json": TWO, "out/2.json": TWO})
        report = bring(parse_files(both))
        assert (len(report.prompts), report.results) == (1, 16)
        assert [(skip.what.partition(":")[0], skip.why) for skip in report.skipped] == [
            ("out/2.json", "It is the same as number 1 of this file.")
        ]
        assert counts() == {"Prompt": 1, "Version": 2, "Case": 2, "Run": 4, "Result": 16}

    def test_results_of_a_text_that_is_not_here_any_more_make_a_prompt_of_their_own(self) -> None:
        bring(results())
        Prompt.objects.update(source_key="")
        Version.objects.update(digest="another text")
        assert len(bring(results()).prompts) == 1

    def test_a_prompt_that_was_renamed_is_known_by_its_text_and_cases(self) -> None:
        bring(results())
        Prompt.objects.update(title="Renamed", source_key="")
        report = bring(results("later.json", timestamp="2026-11-23T08:00:00.000Z"))
        assert (len(report.prompts), report.results) == (0, 16)

    def test_somebody_elses_prompt_gets_nothing(self) -> None:
        bring(results())
        bring(results(), owner=bob())
        assert Prompt.objects.owned_by(bob()).count() == 1
        assert Run.objects.filter(prompt__owner=alice()).count() == 4

    def test_a_dry_run_reports_the_same_and_saves_nothing(self) -> None:
        dry = bring(results(), dry_run=True).as_json()
        assert sum(counts().values()) == 0
        assert bring(results()).as_json() == dry

    def test_variants_apart_keep_their_own_runs(self) -> None:
        bring(results(), options=ImportOptions(separate=True))
        first, second = Prompt.objects.order_by("pk")
        assert (first.title, second.title) == (
            "Two prompts, two providers (1 of 2)", "Two prompts, two providers (2 of 2)",
        )  # fmt: skip
        assert [first.runs.count(), second.runs.count()] == [2, 2]
        assert [(p.evidence_passed, p.evidence_cases) for p in (first, second)] == [(1, 1), (2, 2)]

    def test_more_cases_than_a_suite_holds_are_left_out_with_their_results_and_told(self) -> None:
        data = json.loads(TWO)
        row = next(row for row in data["results"]["results"] if row["promptIdx"] == 1)
        tests = [{**row["testCase"], "vars": {"name": str(n)}} for n in range(MOST_CASES + 2)]
        data["results"]["results"] = [{**row, "testCase": test, "vars": test["vars"]} for test in tests]
        report = bring(parse("many.json", json.dumps(data).encode()))
        assert (report.cases, report.results) == (MOST_CASES, MOST_CASES)
        assert report.unsupported[-1].what == "cases 1,001 to 1,002: a suite has at most 1,000"

    def test_the_preview_shows_runs_and_versions_and_saves_nothing(self) -> None:
        shown = preview([results()], alice())
        assert [(row.versions, row.cases, row.runs) for row in shown.rows] == [(2, 2, 4)]
        assert (shown.variants, shown.report.results, sum(counts().values())) == (2, 16, 0)


class TestExamples:
    @pytest.mark.parametrize(
        "name", sorted(path.name for path in (DATA / "examples").iterdir() if path.is_dir())
    )
    def test_each_is_imported_once(self, name: str) -> None:
        parsed = parse_files(Folder(DATA / "examples" / name))
        report = bring(parsed)
        assert len(report.prompts) == 1
        assert [skip.why for skip in bring(parsed).skipped] == [
            f"It is already there: your prompt “{report.prompts[0].title}”."
        ]

    def test_one_that_is_exported_and_imported_elsewhere_is_the_same(self) -> None:
        bring(parse_files(Folder(DATA / "everything")))
        mine = Prompt.objects.get()
        bring(parse("x.promptfoo.yaml", as_promptfoo(mine).encode()), owner=bob())
        theirs = Prompt.objects.owned_by(bob()).get()
        assert content(theirs) == content(mine)


def content(prompt: Prompt) -> Any:
    """What is carried of a prompt by promptfoo's format."""
    versions = prompt.versions.order_by("number")
    return (
        prompt.title, prompt.summary, prompt.task, prompt.licence,
        sorted(tag.name for tag in prompt.tags.all()),
        list(versions.values_list("number", "messages", "variables", "parameters", "note")),
        prompt.suite(),
    )  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PROMPTS)
def test_whatever_is_imported_comes_back_from_an_export_the_same(imported: ImportedPrompt) -> None:
    Prompt.objects.all().delete()
    bring(Parsed((imported,)))
    mine = Prompt.objects.get()
    bring(parse("x.promptfoo.yaml", as_promptfoo(mine).encode()), owner=bob())
    assert content(Prompt.objects.owned_by(bob()).get()) == content(mine)


class TestBundles:
    def exported(self, title: str = "Reader") -> bytes:
        prompt = recorded_prompt(slug="reader", title=title)
        whole = export_bundle(prompt.owner, Prompt.objects.filter(pk=prompt.pk), everything=True)
        return bundle.emit(whole).encode()

    def test_a_bundle_is_a_file_like_any_other_and_its_runs_are_level_1(self) -> None:
        parsed = parse("mine.json", self.exported())
        assert (parsed.format, len(parsed.bundled)) == ("bundle", 1)
        report = bring(parsed, owner=bob())
        kept = Prompt.objects.owned_by(bob()).get()
        assert report.prompts == (kept,)
        assert report.results == Result.objects.filter(run__prompt=kept).count() > 0
        assert {run.level for run in kept.runs.all()} == {Level.IMPORTED}

    def test_twice_makes_no_doubles(self) -> None:
        parsed = parse("mine.json", self.exported())
        bring(parsed, owner=bob())
        again = bring(parsed, owner=bob())
        assert (len(again.prompts), again.results) == (0, 0)
        assert [skip.why for skip in again.skipped] == [
            f"It is already there: your prompt “{Prompt.objects.owned_by(bob()).get().title}”."
        ]
        assert Prompt.objects.owned_by(bob()).count() == 1

    def test_a_dry_run_and_a_preview_report_the_same_and_save_nothing(self) -> None:
        parsed = parse("mine.json", self.exported())
        dry = bring(parsed, owner=bob(), dry_run=True).as_json()
        shown = preview([parsed], bob())
        assert not Prompt.objects.owned_by(bob()).exists()
        assert dry == shown.report.as_json() == bring(parsed, owner=bob()).as_json()
        assert [row.title for row in shown.rows] == ["Reader"]

    def test_one_that_cannot_be_kept_is_refused_in_the_preview_already(self) -> None:
        data = json.loads(self.exported())
        data["prompts"][0]["title"] = "x" * 121
        parsed = parse("mine.json", json.dumps(data).encode())
        with pytest.raises(BundleRefused, match="cannot be kept: title"):
            preview([parsed], bob())
        with pytest.raises(BundleRefused):
            bring(parsed, owner=bob())
        assert not Prompt.objects.owned_by(bob()).exists()

    def test_bundles_and_other_files_come_in_one_zip(self) -> None:
        files = Files({"bundle.json": self.exported(), "p.md": b"# Poet\n\nWrite."})
        report = bring(parse_files(files), owner=bob())
        assert {prompt.title for prompt in report.prompts} == {"Reader", "Poet"}
