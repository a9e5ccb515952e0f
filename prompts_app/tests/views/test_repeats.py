"""A case asked several times: k of r, how many different outputs, and how far they spread."""

import pytest

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.models import Batch, Result, Run
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.recorded import public_prompt, recorded_run

pytestmark = pytest.mark.django_db


def a_run(repeats: int = 3) -> Run:
    """Case 2 fails in two of three repeats, with two different outputs; it took 1 to 3 seconds."""
    prompt = public_prompt(owner=alice())
    run = recorded_run(VersionFactory(prompt=prompt), cases=3, fails=[2], repeats=repeats)
    if repeats == 3:
        second = Result.objects.filter(run=run, case_index=1)
        second.filter(repeat=0).update(passed=True, output="yes", latency_ms=1000)
        second.filter(repeat=2).update(latency_ms=3000)
    count_run(run)
    rebuild_evidence(prompt)
    return run


def shown(address: str) -> str:
    return read_page(client_of(alice()).get(address))


def test_the_summary_counts_distinct_outputs_of_each_case() -> None:
    run = a_run()
    assert run.distinct == [1, 2, 1]
    assert (run.distinct_of(1), run.distinct_of(9), run.cases_steady) == (2, 0, 2)


def test_a_case_without_any_answer_has_no_distinct_output() -> None:
    run = a_run()
    Result.objects.filter(run=run, case_index=0).update(error_kind="timeout", output="", passed=None)
    count_run(run)
    assert run.distinct == [0, 2, 1]


def test_where_each_case_is_asked_once_nothing_is_said_of_it() -> None:
    run = a_run(repeats=1)
    assert run.distinct == []
    result = run.results.first()
    assert result is not None
    for address in (run.prompt.get_absolute_url(), result.get_absolute_url()):
        assert "distinct output" not in shown(address)
        assert "<dt>Repeats</dt>" not in shown(address)


def test_the_table_of_failures_says_how_many_passed_and_how_many_differ() -> None:
    page = shown(a_run().prompt.get_absolute_url())
    assert "1/3, 2 distinct outputs" in page
    assert "3 of each case; the same output each time in 2 of 3" in page


def test_the_result_says_how_its_repeats_came_out_together() -> None:
    result = a_run().results.get(case_index=1, repeat=1)
    assert "1 of 3 pass, 2 distinct outputs, 1.0 s to 3.0 s" in shown(result.get_absolute_url())


def test_the_page_of_the_run_says_both() -> None:
    run = a_run()
    run.batch = Batch.objects.create(prompt=run.prompt, repeats=3)
    run.save()
    page = shown(run.batch.get_absolute_url())
    assert "1/3, 2 distinct outputs" in page
    assert "the same output in each repeat in 2 of 3 cases" in page
