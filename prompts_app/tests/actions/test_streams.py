"""Runs whose answers are asked for in pieces: kept, judged and sealed whole, with the time to the first."""

import re

import pytest

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.seal import record_of
from prompts_app.engine.formats import bundle as bundles
from prompts_app.models import Prompt, Run
from prompts_app.tests.actions.running import a_run, fresh
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.engine.streaming import END, FINISHED, says, streamed
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db

SAYS_YES = streamed(
    says(role="assistant", content=""), 0.05, says(content="yes, "), 0.1, says(content="indeed"), *FINISHED
)


def executed(server: OddServer, *, stream: bool = True) -> Run:
    run = a_run(server, cases=1, stream=stream)
    execute_run(run.pk)
    return fresh(run)


def test_the_answer_is_kept_and_judged_whole_and_its_first_token_timed() -> None:
    with answering(SAYS_YES) as server:
        run = executed(server)
    result = run.results.get()
    assert (run.state, run.frames, result.output, result.tokens_out) == ("finished", "p", "yes, indeed", 2)
    assert result.request["stream"] is True
    assert result.first_token_ms is not None
    assert result.latency_ms is not None
    assert 40 <= result.first_token_ms < result.latency_ms - 80
    assert (run.first_token_median_ms, run.latency_median_ms) == (result.first_token_ms, result.latency_ms)


def test_half_a_stream_is_no_answer_and_what_came_is_kept_beside_the_fault() -> None:
    with answering(streamed(says(content="yes, "), END)) as server:
        run = executed(server)
    result = run.results.get()
    assert (run.cases_error, result.error_kind, result.output, result.passed) == (
        1,
        "stream_cut",
        "yes, ",
        None,
    )
    assert run.cases_passed == 0


def test_a_run_that_was_not_told_to_asks_for_none_and_its_record_is_as_ever(yes: OddServer) -> None:
    run = executed(yes, stream=False)
    assert "stream" not in run.results.get().request
    assert "first_token_ms" not in record_of(run, {})["results"][0]


def test_the_time_is_sealed_and_goes_into_bundles_and_out_again() -> None:
    with answering(SAYS_YES) as server:
        run = executed(server)
    first = run.results.get().first_token_ms
    assert record_of(run, {})["results"][0]["first_token_ms"] == repr(first)
    bundle = export_bundle(alice(), Prompt.objects.all(), everything=True)
    again = bundles.parse(bundles.emit(bundle))
    assert again.prompts[0].runs[0].results[0].first_token_ms == first


def test_a_results_page_says_it_and_the_next_run_is_offered_the_same() -> None:
    with answering(SAYS_YES) as server:
        run = executed(server)
    client = client_of(alice())
    assert "to the first token" in read_page(client.get(run.results.get().get_absolute_url()))
    page = read_page(client.get(f"/studio/prompts/{run.prompt.slug}/run/"))
    assert re.search(r'<input type="checkbox" name="stream"[^>]* checked', page)
