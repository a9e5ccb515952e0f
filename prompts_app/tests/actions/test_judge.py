"""Runs with a judge: who may judge, what is kept of it, what it costs, and what happens when it fails."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from prompts_app.actions.runs import judge as judges
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.errors import Refused
from prompts_app.engine.types import Assertion, CaseContent, Price
from prompts_app.models import Endpoint, Result, Run, Version
from prompts_app.tests.actions.running import at, fresh
from prompts_app.tests.engine.judges import says, vectors
from prompts_app.tests.engine.servers import OddServer, answering, completion, http
from prompts_app.tests.factories import CaseFactory, EndpointFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db
over_threads = pytest.mark.django_db(transaction=True)

POLITE = {"type": "llm-rubric", "value": "Is polite."}
CLOSE = {"type": "similar", "value": ["yes"]}
YES = {"reason": "It is.", "pass": True, "score": 1}
NO = {"reason": "It is rude.", "pass": False, "score": 0}


def a_version(*assertions: dict[str, Any], cases: int = 1) -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice()))
    for _ in range(cases):
        CaseFactory(prompt=version.prompt, assertions=list(assertions))
    return version


def judged_run(yes: OddServer, bench: OddServer, version: Version, **more: Any) -> Run:
    choice = JudgeChoice(at(bench), "judge-1", more.pop("embedding_model", ""))
    return runs.start_batch(
        version.prompt, BatchPlan([version], at(yes), ["tiny"], judge=choice, **more)
    ).runs.get()


class TestNeeds:
    def test_a_suite_says_what_it_wants_of_a_judge(self) -> None:
        plain = CaseContent(
            "c", assertions=(Assertion("contains", "x"), Assertion("human"), Assertion("javascript", "1"))
        )
        assert not judges.needs_of_suite([plain])
        both = CaseContent("c", assertions=(Assertion("not-closedqa", "x"), Assertion("similar", "x")))
        assert judges.needs_of_suite([plain, both, both]) == judges.JudgeNeeds(True, True, 4)
        assert not judges.needs_of_suite([CaseContent("c", assertions=(Assertion("similar", "x"),))]).asks

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"model": ""}, "Name the judge’s model"),
            ({"embedding_model": ""}, "Name the judge’s embedding model"),
            ({"model": "m" * 201}, "at most 200 characters"),
        ],
    )
    def test_a_judge_that_lacks_something_is_refused(self, changed: dict[str, Any], why: str) -> None:
        version, endpoint = a_version(POLITE, CLOSE), EndpointFactory(owner=alice())
        choice = replace(JudgeChoice(endpoint, "j", "e"), **changed)
        with pytest.raises(Refused, match=why):
            runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], judge=choice))

    def test_nobody_elses_endpoint_judges(self) -> None:
        version, endpoint = a_version(POLITE), EndpointFactory(owner=alice())
        choice = JudgeChoice(EndpointFactory(owner=dana()), "j")
        with pytest.raises(Refused, match="do not belong together"):
            runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], judge=choice))

    def test_practice_judges_only_practice(self) -> None:
        version, endpoint = a_version(POLITE), EndpointFactory(owner=alice())
        choice = JudgeChoice(runs.practice_endpoint(alice()), "practice-1")
        with pytest.raises(Refused, match="Practice cannot judge"):
            runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], judge=choice))
        batch = runs.start_batch(
            version.prompt, BatchPlan([version], choice.endpoint, ["practice-1"], judge=choice)
        )
        assert batch.judge_endpoint == choice.endpoint

    def test_a_judge_the_suite_has_no_use_for_is_forgotten(self) -> None:
        version, endpoint = a_version({"type": "contains", "value": "yes"}), EndpointFactory(owner=alice())
        choice = JudgeChoice(endpoint, "j")
        batch = runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"], judge=choice))
        assert (batch.judge_endpoint, batch.judge_model, batch.runs.get().has_judge) == (None, "", False)


@over_threads
class TestExecute:
    def test_the_judges_verdict_counts_and_all_of_it_is_kept(self, yes: OddServer) -> None:
        with answering(says(NO)) as bench:
            run = judged_run(yes, bench, a_version({"type": "contains", "value": "yes"}, POLITE))
            assert execute_run(run.pk)
        run = fresh(run)
        assert (run.state, run.cases_failed, run.frames) == (Run.State.FINISHED, 1, "f")
        assert run.judge_model == "judge-1"
        result = run.results.get()
        assert (result.passed, result.judge_calls, result.judge_cost, result.error_kind) == (
            False,
            1,
            None,
            "",
        )
        kept = result.checks[1]["judge"]
        assert kept["rubric"] == "Is polite."
        assert kept["calls"][0]["model"] == "judge-1-2026"
        assert kept["calls"][0]["asked_at"] == bench.base_url.removesuffix("/v1")
        assert "It is rude." in kept["calls"][0]["answer"]

    def test_without_a_judge_the_case_is_not_judged_and_counts_neither_way(self, yes: OddServer) -> None:
        version = a_version({"type": "contains", "value": "yes"}, POLITE)
        run = runs.start_batch(version.prompt, BatchPlan([version], at(yes), ["tiny"])).runs.get()
        execute_run(run.pk)
        run = fresh(run)
        assert (run.frames, run.cases_counted, run.cases_error) == ("u", 0, 0)
        assert run.results.get().checks[1]["reason"] == "Not judged: no judge model was chosen."

    def test_a_judge_that_answers_nonsense_is_an_error_and_the_answer_is_kept(self, yes: OddServer) -> None:
        with answering(says("Nice!")) as bench:
            run = judged_run(yes, bench, a_version(POLITE))
            execute_run(run.pk)
        run, result = fresh(run), run.results.get()
        assert (run.state, run.frames, run.cases_error) == (Run.State.FINISHED, "e", 1)
        assert (result.passed, result.error_kind, result.output) == (None, "judge_error", "yes, indeed")
        assert "no verdict in the form asked for" in result.error_message

    def test_a_key_the_judge_does_not_accept_stops_the_run(self, yes: OddServer) -> None:
        with answering(http(401, {"error": {"message": "bad key"}})) as bench:
            run = judged_run(yes, bench, a_version(POLITE, cases=40))
            execute_run(run.pk)
            asked = len(bench.asked)
        run = fresh(run)
        assert run.state == Run.State.STOPPED
        assert "judge" in run.stop_reason
        assert asked <= 8 + 8  # no more than were under way

    def test_embeddings_come_from_their_own_model(self, yes: OddServer) -> None:
        with answering(vectors((1, 0), (1, 0))) as bench:
            run = judged_run(yes, bench, a_version(CLOSE), embedding_model="embed-x")
            execute_run(run.pk)
        assert fresh(run).frames == "p"
        assert bench.asked[0].json["model"] == "embed-x"

    def test_a_judge_whose_endpoint_was_deleted_stops_the_run(self, yes: OddServer) -> None:
        with answering(says(YES)) as bench:
            run = judged_run(yes, bench, a_version(POLITE))
            Endpoint.objects.filter(judged_batches__runs=run).delete()
            execute_run(run.pk)
        assert fresh(run).state == Run.State.STOPPED
        assert "The endpoint of the judge was deleted." in fresh(run).stop_reason
        assert not yes.asked


@over_threads
class TestAskAgain:
    def test_only_the_judge_is_asked_again_and_the_answer_stays(self, yes: OddServer) -> None:
        with answering(says("Nice!"), says(YES)) as bench:
            run = judged_run(yes, bench, a_version({"type": "contains", "value": "yes"}, POLITE))
            execute_run(run.pk)
            before = run.results.get()
            runs.ask_again(fresh(run))
            assert run.results.get().error_kind == "judge_again"
            assert execute_run(run.pk)
        after = run.results.get()
        assert (len(yes.asked), len(bench.asked)) == (1, 2)
        assert (after.public_id, after.output, after.latency_ms) == (
            before.public_id, before.output, before.latency_ms
        )  # fmt: skip
        assert (after.passed, after.error_kind, after.error_message, after.judge_calls) == (True, "", "", 2)
        assert (fresh(run).frames, fresh(run).state) == ("p", Run.State.FINISHED)

    def test_a_judge_that_fails_again_is_an_error_again(self, yes: OddServer) -> None:
        with answering(says("Nice!")) as bench:
            run = judged_run(yes, bench, a_version(POLITE))
            execute_run(run.pk)
            runs.ask_again(fresh(run))
            execute_run(run.pk)
        assert (run.results.get().error_kind, fresh(run).state) == ("judge_error", Run.State.FINISHED)

    def test_what_got_no_answer_is_asked_in_full(self, yes: OddServer) -> None:
        with answering(says("Nice!"), says(YES)) as bench:
            run = judged_run(yes, bench, a_version(POLITE))
            execute_run(run.pk)
            run.results.update(error_kind="timeout", output="")
            runs.ask_again(fresh(run))
            execute_run(run.pk)
        assert (len(yes.asked), fresh(run).frames) == (2, "p")


@over_threads
class TestCost:
    @pytest.fixture
    def priced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        prices = {"tiny-1": Decimal("0.5"), "judge-1-2026": Decimal("0.25")}
        monkeypatch.setattr(
            "prompts_app.engine.prices.price_of", lambda model, *_, **__: Price(prices[model], "a table")
        )

    def test_the_judges_cost_stands_beside_the_models(self, yes: OddServer, priced: None) -> None:
        with answering(says(YES)) as bench:
            run = judged_run(yes, bench, a_version(POLITE, cases=2))
            execute_run(run.pk)
        run, result = fresh(run), run.results.first()
        assert result is not None
        assert (run.cost, run.judge_cost) == (Decimal(1), Decimal("0.5"))
        assert (result.cost, result.judge_cost) == (Decimal("0.5"), Decimal("0.25"))
        assert result.checks[0]["judge"]["cost"] == "0.25"

    def test_the_cap_counts_the_judge_too(self, yes: OddServer, priced: None, settings: Any) -> None:
        settings.ENDPOINT_CONCURRENCY = 1
        with answering(says(YES)) as bench:
            run = judged_run(yes, bench, a_version(POLITE, cases=4), cost_cap=Decimal("1.5"))
            execute_run(run.pk)
        assert (fresh(run).state, len(yes.asked), len(bench.asked)) == (Run.State.CAPPED, 2, 2)

    def test_one_unknown_price_makes_the_judges_cost_unknown(self, yes: OddServer) -> None:
        with answering(says(YES)) as bench:
            run = judged_run(yes, bench, a_version(POLITE))
            execute_run(run.pk)
        assert fresh(run).judge_cost is None


@over_threads
def test_a_seal_covers_the_judge(yes: OddServer) -> None:
    with answering(says(YES)) as bench:
        run = judged_run(yes, bench, a_version(POLITE))
        execute_run(run.pk)
    file = sealed_file(fresh(run))
    assert file is not None
    assert file["record"]["judge"] == {"model": "judge-1"}
    assert "It is." in file["record"]["results"][0]["checks"][0]["judge"]["calls"][0]["answer"]
    assert verify(file).holds
    result = Result.objects.get()
    result.checks[0]["judge"]["calls"][0]["answer"] = "No."
    result.save()
    assert not verify(sealed_file(fresh(run))).holds


@over_threads
def test_a_system_message_of_the_case_is_what_was_sent(yes: OddServer) -> None:
    version = a_version()
    CaseFactory(prompt=version.prompt, system="Shout {{word}}.", variables={"word": "no"})
    run = runs.start_batch(version.prompt, BatchPlan([version], at(yes), ["tiny"])).runs.get()
    execute_run(run.pk)
    sent = [asked.json["messages"][0]["content"] for asked in yes.asked]
    assert sorted(sent) == ["Say yes.", "Shout no."]


@over_threads
def test_distinct_outputs_are_counted_for_each_case(settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    script = [http(200, completion(text)) for text in ("a", "a", "b", "c", "c", "c")]
    version = a_version(cases=2)
    with answering(*script) as server:
        run = runs.start_batch(
            version.prompt, BatchPlan([version], at(server), ["tiny"], repeats=3)
        ).runs.get()
        execute_run(run.pk)
    assert fresh(run).distinct == [2, 1]
