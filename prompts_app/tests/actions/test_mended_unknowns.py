"""What an earlier release failed because it could not be known counts for neither side."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from prompts_app.actions.runs.counting import count_mended, count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run, sealed_file, verify
from prompts_app.models import Result, Run
from prompts_app.tests.factories import ResultFactory, RunFactory

pytestmark = pytest.mark.django_db
migration = import_module("prompts_app.migrations.0028_unknown_is_not_failed")

COST = "The cost is unknown: no price is known for this model at this endpoint."


def check(passed: bool, reason: str = "It is there.", **more: Any) -> dict[str, Any]:
    score = 1.0 if passed else 0.0
    return {"type": "cost", "value": None, "passed": passed, "score": score, "reason": reason, **more}


# What was stored, and the verdict that is left.
STORED: tuple[tuple[list[dict[str, Any]], bool | None], ...] = (
    ([check(False, COST)], None),
    ([check(False, COST), check(True)], True),
    ([check(False, COST), check(False, "It is not there.")], False),
    ([check(False, "The cost is 0.2, more than 0.1.")], False),
)


def an_earlier_run(*, sealed: bool) -> Run:
    run: Run = RunFactory(suite=[{"name": "c", "variables": {}, "assertions": []}] * len(STORED))
    for index, (checks, _) in enumerate(STORED):
        ResultFactory(run=run, case_index=index, output="x", checks=checks, passed=False)
    count_run(run)
    rebuild_evidence(run.prompt)
    if sealed:
        assert seal_run(run)
    return run


def mend(run: Run) -> Run:
    migration.mend(apps, None)
    assert not count_mended()
    return Run.objects.get(pk=run.pk)


@pytest.mark.parametrize("sealed", [True, False])
def test_the_verdict_comes_from_the_other_assertions(sealed: bool) -> None:
    run = mend(an_earlier_run(sealed=sealed))
    assert [result.passed for result in run.results.order_by("case_index")] == [told for _, told in STORED]
    assert run.frames == "upff"
    first = run.results.get(case_index=0).checks[0]
    assert (first["passed"], first["unknown"], first["reason"]) == (None, True, COST)


def test_a_sealed_record_stays_what_it_was_and_its_check_says_what_counts_no_more() -> None:
    run = an_earlier_run(sealed=True)
    before = sealed_file(run)
    assert sealed_file(mend(run)) == before
    verdict = verify(before)
    assert verdict.holds
    assert any("3 that it sealed as failed" in finding.sentence for finding in verdict.findings)


def test_once_more_changes_nothing() -> None:
    run = mend(an_earlier_run(sealed=True))
    rows = list(Result.objects.values())
    mend(run)
    assert list(Result.objects.values()) == rows
