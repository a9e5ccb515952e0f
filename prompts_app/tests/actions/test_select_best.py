"""``select-best``: the outputs of a batch compared by a judge, once all its runs have ended."""

import json
from decimal import Decimal
from time import sleep
from typing import Any

import pytest

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs import select_best
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.comparing import ALONE, read_best
from prompts_app.engine.errors import JudgeFailed
from prompts_app.engine.types import Price
from prompts_app.models import Batch, KeyUnreadable, Result, Run, Version
from prompts_app.models.evidence import RunQuerySet
from prompts_app.tests.actions.running import at, in_a_thread
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, answering, completion, http
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice
from prompts_app.tests.workers import eventually

pytestmark = pytest.mark.django_db(transaction=True)

BEST = {"type": "select-best", "value": "The shortest for {{word}}."}
YES = {"type": "contains", "value": "yes"}


def a_version(*assertions: dict[str, Any], cases: int = 1) -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice()))
    for _ in range(cases):
        CaseFactory(prompt=version.prompt, assertions=list(assertions))
    return version


def run_all(
    model: OddServer, bench: OddServer, version: Version, names: str = "ab", **more: Any
) -> list[Run]:
    """A batch over some models, executed to its end."""
    judge = JudgeChoice(at(bench), "judge-1")
    batch = runs.start_batch(
        version.prompt, BatchPlan([version], at(model), list(names), judge=judge, **more)
    )
    for run in batch.runs.order_by("pk"):
        assert execute_run(run.pk)
    return list(batch.runs.order_by("pk"))


def outputs(*texts: str) -> Any:
    return answering(*(http(200, completion(text)) for text in texts))


def shown_first(bench: OddServer, call: int = 0) -> str:
    """The output the judge saw as Text 1."""
    asked: str = bench.asked[call].json["messages"][1]["content"]
    said: str = json.loads(asked.split("Text 1:")[1].split("---")[2])
    return said


def test_one_wins_the_others_fail_and_all_say_why(settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    with outputs("yes, one", "yes, two", "yes, three") as model:
        with answering(says({"reason": "It is short.", "best": 1})) as bench:
            made = run_all(model, bench, a_version(YES, BEST), "abc")
        winner = Result.objects.get(output=shown_first(bench))
    assert sorted(run.frames for run in made) == ["f", "f", "p"]
    assert (winner.passed, winner.checks[1]["score"]) == (True, 1.0)
    assert winner.checks[1]["reason"] == "Chosen as the best of 3. It is short."
    for loser in Result.objects.exclude(pk=winner.pk):
        assert (loser.passed, loser.checks[0]["passed"], loser.checks[1]["passed"]) == (False, True, False)
        assert f"the best of 3 is that of v1 on {winner.run.model}" in loser.checks[1]["reason"]


def test_the_judge_is_told_the_criterion_and_not_whose_outputs_they_are() -> None:
    with outputs("yes, one", "yes, two") as model, answering(says({"reason": "r", "best": 2})) as bench:
        run_all(model, bench, a_version(BEST))
    asked = json.dumps(bench.asked[0].json["messages"])
    assert "The shortest for yes." in asked
    assert "v1 on" not in asked
    kept = Result.objects.all()[0].checks[0]["judge"]["calls"][0]["asked"]
    assert "the output of v1 on a" in kept  # what is kept says it, instead of repeating the outputs
    assert "yes, one" not in kept


def test_each_case_is_compared_once_all_runs_have_ended() -> None:
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        version = a_version(BEST, cases=3)
        judge = JudgeChoice(at(bench), "judge-1")
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"], judge=judge))
        first, second = batch.runs.order_by("pk")
        execute_run(first.pk)
        assert (bench.asked, Run.objects.get(pk=first.pk).frames) == ([], "uuu")
        execute_run(second.pk)
        assert len(bench.asked) == 3
    counted = [Run.objects.get(pk=run.pk) for run in (first, second)]
    assert sum(run.cases_passed for run in counted) == 3
    assert sum(run.cases_failed for run in counted) == 3
    for run in counted:
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds


def test_nothing_more_is_asked_while_what_was_said_is_not_stored(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Else a kill while the database is slow would have more asked, and billed, again than was in flight."""
    settings.ENDPOINT_CONCURRENCY = 1
    asked_at_storing: list[int] = []
    store = select_best._store

    def store_slowly(group: select_best.Group) -> None:
        sleep(0.3)
        asked_at_storing.append(len(bench.asked))
        store(group)

    monkeypatch.setattr(select_best, "_store", store_slowly)
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        run_all(model, bench, a_version(BEST, cases=3))
    assert asked_at_storing == [1, 2, 3]


def test_its_cost_counts_once_and_the_cap_holds_for_it_too(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    prices = {"tiny-1": Decimal("0.1"), "judge-1-2026": Decimal("0.2")}
    monkeypatch.setattr(
        "prompts_app.engine.prices.price_of", lambda model, *_, **__: Price(prices[model], "a table")
    )
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        made = run_all(model, bench, a_version(BEST, cases=3), cost_cap=Decimal(1))
        assert len(bench.asked) == 2  # 0.6 for the answers, then 0.2 twice
    assert sum(run.judge_cost or 0 for run in made) == Decimal("0.4")
    assert [run.judge_cost for run in made if run.judge_cost is None] == [None]
    assert {run.frames[2] for run in made} == {"u"}


def test_a_judge_that_answers_nonsense_is_an_error_for_all_of_them() -> None:
    with outputs("yes") as model, answering(says({"best": 9})) as bench:
        made = run_all(model, bench, a_version(YES, BEST))
    assert [run.frames for run in made] == ["e", "e"]
    for result in Result.objects.all():
        assert (result.error_kind, result.passed, result.output) == ("judge_error", None, "yes")


def test_what_failed_otherwise_stays_failed_whatever_the_judge_says() -> None:
    with outputs("no") as model, answering(says("?")) as bench:
        made = run_all(model, bench, a_version(YES, BEST))
    assert [run.frames for run in made] == ["f", "f"]
    assert {result.error_kind for result in Result.objects.all()} == {""}


def test_an_output_that_is_alone_is_not_judged_and_says_so() -> None:
    with outputs("yes") as model, answering(says({"best": 1})) as bench:
        [run] = run_all(model, bench, a_version(BEST), "a")
        assert not bench.asked
    assert run.frames == "u"
    assert Result.objects.get().checks[0]["reason"] == ALONE


def test_without_a_judge_nothing_is_compared() -> None:
    with outputs("yes") as model:
        version = a_version(BEST)
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"]))
        for run in batch.runs.order_by("pk"):
            execute_run(run.pk)
    assert {run.frames for run in batch.runs.all()} == {"u"}


def test_a_cancelled_batch_is_not_compared_further() -> None:
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        version = a_version(BEST)
        judge = JudgeChoice(at(bench), "judge-1")
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"], judge=judge))
        first, second = batch.runs.order_by("pk")
        execute_run(first.pk)
        Batch.objects.filter(pk=batch.pk).update(cancel_requested=True)
        execute_run(second.pk)
    assert Run.objects.get(pk=first.pk).frames == "u"


def test_a_comparison_that_a_cancel_cuts_short_is_noted_and_still_open() -> None:
    verdict = says({"reason": "r", "best": 1})
    with outputs("yes") as model, answering([30.0, *verdict], verdict) as bench:
        version = a_version(YES, BEST)
        judge = JudgeChoice(at(bench), "judge-1")
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"], judge=judge))
        first, second = batch.runs.order_by("pk")
        execute_run(first.pk)
        thread = in_a_thread(lambda: execute_run(second.pk))
        eventually(lambda: bool(bench.asked))
        runs.request_cancel(batch)
        thread.join(10)
        assert not thread.is_alive()
    for result in Result.objects.all():
        assert (result.passed, result.error_kind) == (None, "")  # it did not fail
        assert "may bill it" in result.checks[1]["reason"]
    for run in batch.runs.all():  # each was answered to the end
        assert (run.state, run.frames) == (Run.State.FINISHED, "u")
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds


def test_runs_that_cannot_be_sealed_are_compared_and_finished_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(run: Run) -> None:
        raise KeyUnreadable("The key cannot be read.")

    monkeypatch.setattr("prompts_app.actions.runs.seal.seal_run", unreadable)
    with outputs("yes", "yes too") as model, answering(says({"reason": "r", "best": 1})) as bench:
        made = run_all(model, bench, a_version(BEST))
    assert [(run.state, run.sealed_at) for run in made] == [(Run.State.FINISHED, None)] * 2
    assert sorted(run.frames for run in made) == ["f", "p"]


def test_repeats_are_compared_with_their_like() -> None:
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        run_all(model, bench, a_version(BEST), repeats=2)
        assert len(bench.asked) == 2
    for repeat in (0, 1):
        assert Result.objects.filter(repeat=repeat, passed=True).count() == 1


def test_a_worker_that_lost_the_run_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        version = a_version(BEST)
        judge = JudgeChoice(at(bench), "judge-1")
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"], judge=judge))
        first, second = batch.runs.order_by("pk")
        execute_run(first.pk)
        monkeypatch.setattr(RunQuerySet, "renew", lambda *_: False)
        execute_run(second.pk)
    assert Run.objects.get(pk=second.pk).state == Run.State.RUNNING  # somebody else's now
    assert not Result.objects.exclude(passed=None).exists()


def test_a_worker_that_vanishes_before_it_has_counted_leaves_no_run_with_a_seal_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def killed(run: Run) -> None:
        raise Killed

    with outputs("yes") as model, answering(says({"reason": "r", "best": 1})) as bench:
        version = a_version(YES, BEST, cases=2)
        judge = JudgeChoice(at(bench), "judge-1")
        batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), ["a", "b"], judge=judge))
        first, second = batch.runs.order_by("pk")
        execute_run(first.pk)
        with monkeypatch.context() as patched:
            patched.setattr(select_best, "_count_anew", killed)
            with pytest.raises(Killed):
                execute_run(second.pk)
        assert Run.objects.get(pk=first.pk).sealed_at is None  # its seal is about less than there is now
        Run.objects.update(lease_until=None)
        assert execute_run(second.pk)
        assert len(bench.asked) == 2
    for run in batch.runs.all():
        assert "u" not in run.frames
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds


@pytest.mark.parametrize(
    "said", ['{"best": 0}', '{"best": 4}', '{"best": 1.5}', '{"best": "first"}', "2", ""]
)
def test_a_choice_is_one_of_the_numbers(said: str) -> None:
    assert read_best('{"best": "2", "reason": "r"}', 3) == (2, "r")
    with pytest.raises(JudgeFailed):
        read_best(said, 3)


# --- max-score --------------------------------------------------------------------------------------------

HIGHEST = {"type": "max-score"}
WORDS = {"type": "rouge-n", "value": "yes one two", "threshold": 0.1}


def run_unjudged(model: OddServer, version: Version, names: str = "ab") -> list[Run]:
    batch = runs.start_batch(version.prompt, BatchPlan([version], at(model), list(names)))
    for run in batch.runs.order_by("pk"):
        assert execute_run(run.pk)
    return list(batch.runs.order_by("pk"))


def test_the_highest_score_wins_without_any_judge(settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    with outputs("yes one", "yes one two", "yes") as model:
        made = run_unjudged(model, a_version(YES, WORDS, HIGHEST), "abc")
    assert [run.frames for run in made] == ["f", "p", "f"]
    results = Result.objects.order_by("run_id")
    assert [result.checks[2]["passed"] for result in results] == [False, True, False]
    assert results[1].checks[2]["reason"] == "Scores highest of 3, with 1.00."
    assert results[0].checks[2]["reason"].startswith("Scores 0.90; the highest of 3 is 1.00, of v1 on ")
    assert all(verify(sealed_file(run)).holds for run in made)


def test_alone_there_is_nothing_to_compare_with_and_the_others_decide() -> None:
    with outputs("yes") as model:
        (run,) = run_unjudged(model, a_version(YES, HIGHEST), "a")
    assert run.frames == "p"
    check = Result.objects.get().checks[1]
    assert (check["passed"], check["unknown"], check["reason"]) == (None, True, ALONE)
