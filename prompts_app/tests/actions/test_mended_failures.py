"""What an earlier release took for answers, though the finish reason says that the provider failed."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from prompts_app.actions.runs.counting import count_mended, count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run, sealed_file, verify
from prompts_app.models import Result, Run
from prompts_app.tests.factories import ResultFactory, RunFactory

pytestmark = pytest.mark.django_db
migration = import_module("prompts_app.migrations.0026_failures_told_by_finish_reasons")

REASONS = ("stop", "network_error", "content_filter", "SAFETY", "length")


def an_earlier_run(*, sealed: bool) -> Run:
    """One case a reason, all judged and passed."""
    case = {"name": "c", "variables": {}, "assertions": []}
    run: Run = RunFactory(suite=[case] * len(REASONS))
    for index, reason in enumerate(REASONS):
        ResultFactory(run=run, case_index=index, finish_reason=reason, output="A part", passed=True)
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
def test_they_become_no_answers_and_the_text_stays(sealed: bool) -> None:
    run = mend(an_earlier_run(sealed=sealed))
    assert run.frames == "peeep"
    assert (run.cases_passed, run.cases_error) == (2, 3)
    kinds = list(run.results.order_by("case_index").values_list("error_kind", flat=True))
    assert kinds == ["", "server_error", "content_filter", "content_filter", ""]
    assert {result.output for result in run.results.all()} == {"A part"}
    run.prompt.refresh_from_db()
    assert run.prompt.evidence["passed"] == 2


def test_a_sealed_record_stays_what_it_was_and_its_check_says_what_counts_no_more() -> None:
    run = an_earlier_run(sealed=True)
    before = sealed_file(run)
    run = mend(run)
    assert sealed_file(run) == before
    verdict = verify(before)
    assert verdict.holds
    assert any("3 that it sealed as answered" in finding.sentence for finding in verdict.findings)


def test_once_more_changes_nothing() -> None:
    run = mend(an_earlier_run(sealed=True))
    rows = list(Result.objects.values())
    mend(run)
    assert list(Result.objects.values()) == rows


def test_each_run_is_told_where_its_costs_are_from() -> None:
    run = an_earlier_run(sealed=False)
    run.results.update(cost="0.1", cost_source="genai-prices 0.1")
    Run.objects.filter(pk=run.pk).update(cost="0.5", cost_sources={})
    migration.tell_sources(apps, None)
    assert Run.objects.get(pk=run.pk).cost_told == "by the table genai-prices 0.1"
