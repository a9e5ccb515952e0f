"""The author's own verdict: one more assertion, labelled as such, with counts and seals that follow."""

from typing import Any

import pytest

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run, sealed_file, verify
from prompts_app.actions.runs.verdict import (
    can_judge,
    give_verdict,
    human_places,
    take_back,
    waiting_for_author,
)
from prompts_app.engine.errors import Refused
from prompts_app.models import Level, Prompt, Result, Run, Source
from prompts_app.tests.factories import PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db

HOLDS = {
    "type": "contains",
    "value": "yes",
    "passed": True,
    "score": 1.0,
    "reason": "There.",
    "threshold": None,
}
FAILS = {**HOLDS, "passed": False, "score": 0.0}
ASKS = {
    "type": "human",
    "value": "Is it kind?",
    "passed": None,
    "score": None,
    "reason": "Waiting.",
    "threshold": None,
}


def a_result(*checks: dict[str, Any], passed: bool | None = True, **run: Any) -> Result:
    version = VersionFactory(prompt=PromptFactory(owner=alice()))
    case = {"name": "One", "assertions": [{"type": c["type"], "value": c["value"]} for c in checks]}
    made: Run = RunFactory(version=version, suite=[case], **run)
    result: Result = ResultFactory(run=made, case_index=0, checks=list(checks), passed=passed)
    count_run(made)
    rebuild_evidence(made.prompt)
    return result


def fresh(result: Result) -> Result:
    return Result.objects.select_related("run__prompt").get(pk=result.pk)


class TestUnasked:
    def test_a_verdict_is_one_more_check_with_note_name_and_time(self) -> None:
        result = a_result(HOLDS)
        give_verdict(result, alice(), passed=False, note=" Too blunt. ")
        stored = fresh(result)
        assert stored.checks[0] == HOLDS
        verdict = stored.checks[1]
        assert (verdict["type"], verdict["passed"], verdict["score"]) == ("human", False, 0.0)
        assert (verdict["reason"], verdict["by"]) == ("Too blunt.", "alice")
        assert verdict["at"].endswith("+00:00")

    def test_it_counts_as_an_assertion_of_its_case(self) -> None:
        result = a_result(HOLDS)
        give_verdict(result, alice(), passed=False)
        stored = fresh(result)
        assert stored.passed is False
        assert (stored.run.frames, stored.run.cases_failed) == ("f", 1)
        assert Prompt.objects.get().evidence["passed"] == 0

    def test_it_cannot_pass_what_failed_otherwise(self) -> None:
        result = a_result(FAILS, passed=False)
        give_verdict(result, alice(), passed=True)
        assert fresh(result).passed is False

    @pytest.mark.parametrize("fits", [True, False])
    def test_it_comes_after_the_schema_that_was_asked_for_and_leaves_that(self, fits: bool) -> None:
        result = a_result(HOLDS)
        of_schema = {"type": "response-format", "passed": fits, "score": float(fits), "reason": "So."}
        Result.objects.update(checks=[HOLDS, of_schema])
        for passed in (False, True):
            give_verdict(fresh(result), alice(), passed=passed)
        assert [check["type"] for check in fresh(result).checks] == ["contains", "response-format", "human"]
        assert fresh(result).passed is fits
        take_back(fresh(result))
        assert fresh(result).checks == [HOLDS, of_schema]

    def test_where_nothing_else_is_asserted_it_decides(self) -> None:
        result = a_result(passed=None)
        give_verdict(result, alice(), passed=True)
        assert (fresh(result).passed, fresh(result).run.frames) == (True, "p")
        assert Prompt.objects.get().evidence["cases"] == 1

    def test_another_replaces_it_and_it_can_be_taken_back(self) -> None:
        result = a_result(HOLDS)
        give_verdict(result, alice(), passed=False)
        give_verdict(result, alice(), passed=True)
        assert [check["passed"] for check in fresh(result).checks] == [True, True]
        give_verdict(result, alice(), passed=False)
        take_back(result)
        assert (fresh(result).checks, fresh(result).passed, fresh(result).run.frames) == ([HOLDS], True, "p")


class TestAskedFor:
    def test_until_then_the_case_is_not_judged(self) -> None:
        result = a_result(HOLDS, ASKS, passed=None)
        assert result.run.frames == "u"
        assert human_places(result) == [1]
        assert waiting_for_author(result.run) == [result.public_id]

    @pytest.mark.parametrize(("passed", "frames"), [(True, "p"), (False, "f")])
    def test_the_verdict_takes_its_place(self, passed: bool, frames: str) -> None:
        result = a_result(HOLDS, ASKS, passed=None)
        give_verdict(result, alice(), passed=passed, note="Seen.", place=1)
        stored = fresh(result)
        assert (stored.run.frames, len(stored.checks), stored.checks[1]["value"]) == (
            frames,
            2,
            "Is it kind?",
        )
        assert waiting_for_author(stored.run) == []
        take_back(result, place=1)
        assert (fresh(result).passed, fresh(result).run.frames) == (None, "u")
        assert "by" not in fresh(result).checks[1]

    def test_the_weight_of_the_assertion_holds(self) -> None:
        result = a_result(HOLDS, {**ASKS, "weight": 0.0})
        give_verdict(result, alice(), passed=False, place=1)
        assert fresh(result).passed is True

    @pytest.mark.parametrize("place", [0, 2, 9])
    def test_only_its_own_place(self, place: int) -> None:
        result = a_result(HOLDS, ASKS, passed=None)
        with pytest.raises(Refused):
            give_verdict(result, alice(), passed=True, place=place)


class TestRefused:
    def test_not_while_the_run_is_under_way_nor_without_an_answer_nor_for_what_was_imported(self) -> None:
        running = a_result(HOLDS, state=Run.State.RUNNING)
        error = a_result(HOLDS)
        Result.objects.filter(pk=error.pk).update(error_kind="timeout", passed=None)
        imported = a_result(HOLDS, source=Source.IMPORTED)
        for result in (running, error, imported):
            assert not can_judge(fresh(result))
            with pytest.raises(Refused):
                give_verdict(result, alice(), passed=True)
            assert fresh(result).checks == [HOLDS]


class TestImported:
    """Somebody else's file: what it says stays; where it says nothing, the author may."""

    def test_an_output_without_a_verdict_takes_the_authors_which_says_that_it_was_given_here(self) -> None:
        result = a_result({**HOLDS, "passed": None, "weight": 0}, source=Source.IMPORTED, passed=None)
        give_verdict(result, alice(), passed=True, note="Right.")
        result = fresh(result)
        assert (result.passed, result.run.level) == (True, Level.IMPORTED)
        assert (result.checks[-1]["by"], result.checks[-1]["after_import"]) == (alice().handle, True)
        give_verdict(result, alice(), passed=False)
        assert fresh(result).passed is False
        take_back(fresh(result))
        assert fresh(result).passed is None

    def test_a_verdict_of_the_files_own_author_stays_as_it_is(self) -> None:
        theirs = {
            **ASKS,
            "passed": True,
            "score": 1.0,
            "by": alice().handle,
            "at": "2026-01-01T00:00:00+00:00",
        }
        result = a_result(theirs, source=Source.IMPORTED)
        with pytest.raises(Refused, match="imported with its verdicts"):
            give_verdict(result, alice(), passed=False, place=0)


def test_a_sealed_run_is_sealed_anew() -> None:
    result = a_result(HOLDS)
    first = seal_run(result.run)
    assert first is not None
    before = sealed_file(fresh(result).run)
    give_verdict(result, alice(), passed=False, note="No.")
    run = fresh(result).run
    assert [seal.sequence for seal in run.seals.all()] == [1, 2]
    after = sealed_file(run)
    assert after is not None
    assert verify(after).holds
    assert after["record"]["results"][0]["checks"][1]["by"] == "alice"
    assert {finding.name: finding.holds for finding in verify(before).findings}["kept"] is None  # a newer one


def test_a_run_that_is_not_sealed_stays_so() -> None:
    result = a_result(HOLDS)
    give_verdict(result, alice(), passed=True)
    assert not fresh(result).run.seals.exists()
