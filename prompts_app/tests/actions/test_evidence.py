"""What counts as evidence: which run, which version, which model, and the same k/n by another route."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.actions.runs.counting import (
    case_states,
    cost_of,
    count_run,
    rebuild_evidence,
    rebuild_older,
)
from prompts_app.actions.tasks import catch_up
from prompts_app.engine.stats import wilson
from prompts_app.evidence.summary import SUMMARY_VERSION
from prompts_app.models import Level, Prompt, Result, Run, Source, Version
from prompts_app.tests.factories import ResultFactory, RunFactory, VersionFactory

pytestmark = pytest.mark.django_db

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FACTS: dict[str, dict[str, Any]] = {
    "p": {"passed": True},
    "f": {"passed": False},
    "e": {"passed": None, "error_kind": "timeout", "output": ""},
    "u": {"passed": None},
}


def a_run(version: Version, cases: str, *, model: str = "tiny", day: int = 0, **facts: Any) -> Run:
    """A counted run; ``cases`` has one word a case, one letter a repeat: "p pf e"."""
    words = cases.split()
    run: Run = RunFactory(
        version=version,
        model=model,
        suite=[{"name": f"Case {n}"} for n in range(len(words))],
        repeats=max((len(word) for word in words), default=1),
        finished_at=EPOCH + timedelta(days=day),
        **facts,
    )
    for index, word in enumerate(words):
        for repeat, letter in enumerate(word):
            if letter != "w":
                ResultFactory(run=run, case_index=index, repeat=repeat, **FACTS[letter])
    count_run(run)
    return run


def evidence_of(version: Version) -> dict[str, Any]:
    rebuild_evidence(version.prompt)
    prompt = Prompt.objects.get(pk=version.prompt_id)
    evidence: dict[str, Any] = prompt.evidence
    return evidence


def another(version: Version, number: int) -> Version:
    made: Version = VersionFactory(
        prompt=version.prompt, number=number, messages=[{"role": "user", "content": f"Try {number}"}]
    )
    return made


class TestCountingARun:
    @pytest.mark.parametrize(
        ("cases", "frames"),
        [
            ("p f e u w", "pfeuw"),
            ("pp pf fe pe", "pffe"),
            ("pw fw ew", "wfe"),
            ("uu up", "uu"),
            ("", ""),
        ],
    )
    def test_one_letter_a_case(self, cases: str, frames: str) -> None:
        run = a_run(VersionFactory(), cases)
        assert run.frames == frames
        assert case_states(run, run.results.all()) == frames

    def test_cases_are_counted_and_not_repeats(self) -> None:
        run = a_run(VersionFactory(), "ppp pfp eee uuu")
        assert (run.cases_passed, run.cases_failed, run.cases_error) == (1, 1, 1)

    def test_counting_twice_changes_nothing(self) -> None:
        run = a_run(VersionFactory(), "p f e")
        before = Run.objects.values().get()
        count_run(run)
        assert Run.objects.values().get() == before

    def test_medians_are_over_answers_alone(self) -> None:
        run = a_run(VersionFactory(), "")
        run.suite = [{}] * 4
        for index, (latency, kind) in enumerate([(100, ""), (300, ""), (200, ""), (9000, "timeout")]):
            ResultFactory(run=run, case_index=index, latency_ms=latency, tokens_in=index, error_kind=kind)
        count_run(run)
        assert (run.latency_median_ms, run.tokens_in_median, run.tokens_out_median) == (200, 1, None)

    def test_the_answering_models_name_is_the_one_most_answers_gave(self) -> None:
        run = a_run(VersionFactory(), "")
        for index, name in enumerate(["tiny-2", "tiny-1", "tiny-1", ""]):
            ResultFactory(run=run, case_index=index, model=name)
        count_run(run)
        assert run.model_answered == "tiny-1"

    @pytest.mark.parametrize(
        ("costs", "total"),
        [
            ([("0.01", ""), ("0.02", "")], Decimal("0.03")),
            ([("0.01", ""), (None, "")], None),
            ([("0.01", ""), (None, "timeout")], Decimal("0.01")),
            ([("0.01", ""), ("0.02", "internal")], Decimal("0.03")),
            ([(None, "timeout")], None),
            ([], None),
            ([("0", "")], Decimal(0)),
        ],
    )
    def test_one_unknown_cost_makes_the_sum_unknown(
        self, costs: list[tuple[str | None, str]], total: Decimal | None
    ) -> None:
        results = [
            Result(cost=None if cost is None else Decimal(cost), error_kind=error) for cost, error in costs
        ]
        assert cost_of(results) == total


class TestWhichRunCounts:
    def test_nothing_run_is_no_evidence(self) -> None:
        version = VersionFactory()
        assert evidence_of(version) == {}
        prompt = Prompt.objects.get()
        assert (prompt.evidence_level, prompt.evidence_cases, prompt.last_tested_at) == (None, 0, None)

    def test_the_latest_counts_and_never_the_best(self) -> None:
        version = VersionFactory()
        a_run(version, "p p p", day=1)
        a_run(version, "p f f", day=2)
        evidence = evidence_of(version)
        assert (evidence["passed"], evidence["cases"], evidence["runs"]) == (1, 3, 2)

    @pytest.mark.parametrize(
        "state", sorted(set(Run.State) - {Run.State.FINISHED})
    )  # fmt: skip
    def test_partial_runs_never_count(self, state: str) -> None:
        version = VersionFactory()
        a_run(version, "p p", day=1)
        a_run(version, "f f", day=2, state=state)
        assert evidence_of(version)["passed"] == 2

    def test_practice_never_counts(self) -> None:
        version = VersionFactory()
        a_run(version, "p p", source=Source.PRACTICE)
        assert evidence_of(version) == {}

    def test_a_run_in_which_nothing_was_judged_takes_the_place_of_none_that_was(self) -> None:
        version = VersionFactory()
        a_run(version, "p f", day=1)
        a_run(version, "e u", day=2)
        assert (evidence_of(version)["cases"], evidence_of(version)["runs"]) == (2, 2)

    def test_recorded_comes_before_imported_before_pasted_whatever_is_newer(self) -> None:
        version = VersionFactory()
        a_run(version, "p p", day=3, source=Source.PASTED)
        a_run(version, "p f", day=2, source=Source.IMPORTED)
        assert (evidence_of(version)["level"], evidence_of(version)["passed"]) == (Level.IMPORTED, 1)
        a_run(version, "f f", day=1, source=Source.RECORDED)
        assert (evidence_of(version)["level"], evidence_of(version)["passed"]) == (Level.RECORDED, 0)

    def test_a_newer_recorded_run_counts_before_an_older_sealed_one(self) -> None:
        version = VersionFactory()
        a_run(version, "p p", day=1, sealed_at=EPOCH)
        a_run(version, "f f", day=2)
        assert evidence_of(version)["passed"] == 0

    def test_the_newest_version_that_was_tested_is_shown(self) -> None:
        first = VersionFactory()
        second, _third = another(first, 2), another(first, 3)
        a_run(first, "p p", day=9)
        a_run(second, "p f", day=1)
        evidence = evidence_of(first)
        assert (evidence["version"], evidence["is_current"], evidence["passed"]) == (2, False, 1)
        assert [(h["version"], h["passed"]) for h in evidence["history"]] == [(1, 2), (2, 1)]

    def test_a_recorded_model_is_the_main_one_before_a_pasted_one_with_more_cases(self) -> None:
        version = VersionFactory()
        a_run(version, "p p p", model="a", source=Source.PASTED)
        a_run(version, "f", model="b")
        assert evidence_of(version)["main_model"] == "b"

    def test_the_columns_lists_sort_by_say_the_same(self) -> None:
        version = VersionFactory()
        a_run(version, "p p f e", day=4)
        evidence, prompt = evidence_of(version), Prompt.objects.get()
        low, high = wilson(2, 3)
        assert (evidence["low"], evidence["high"], evidence["errors"]) == (low, high, 1)
        assert evidence["frames"] == "ppfe"
        assert evidence["tested"] == "2026-01-05T00:00:00+00:00"
        assert (prompt.evidence_passed, prompt.evidence_cases, prompt.evidence_low) == (2, 3, low)
        assert (prompt.evidence_level, prompt.last_tested_at) == (2, EPOCH + timedelta(days=4))

    def test_the_middle_cost_of_a_call_is_exact_or_unknown(self) -> None:
        version = VersionFactory()
        run = a_run(version, "p p p")
        for result, cost in zip(run.results.all(), ["0.00000003", "0.00000001", "0.00000002"], strict=True):
            result.cost = Decimal(cost)
            result.save()
        assert evidence_of(version)["cost_call"] == "0.00000002"
        Result.objects.filter(case_index=1).update(cost=None)
        assert evidence_of(version)["cost_call"] is None

    def test_deleted_runs_are_said(self) -> None:
        version = VersionFactory()
        a_run(version, "p")
        Prompt.objects.update(deleted_runs=3)
        assert evidence_of(version)["deleted_runs"] == 3

    def test_twice_the_runs_cost_no_more_queries(self, django_assert_num_queries: Any) -> None:
        version = VersionFactory()
        for number in range(2):
            for model in "abcd":
                a_run(version, "p f", model=model, day=number)
            with django_assert_num_queries(15):
                rebuild_evidence(version.prompt)


letters = st.lists(st.lists(st.sampled_from("pfeu"), min_size=2, max_size=2), min_size=1, max_size=5)


class TestOlderSummaries:
    """An upgrade says more in a summary: what is stored is written anew when a worker starts."""

    def written_by_an_earlier_release(self) -> Prompt:
        version: Version = VersionFactory()
        a_run(version, "p f")
        rebuild_evidence(version.prompt)
        older = {key: value for key, value in version.prompt.evidence.items() if key != "form"}
        older["history"] = [{key: item[key] for key in item if key != "level"} for item in older["history"]]
        Prompt.objects.filter(pk=version.prompt_id).update(evidence=older)
        return Prompt.objects.get(pk=version.prompt_id)

    def test_they_are_written_anew_and_others_are_not_looked_at(self, django_assert_num_queries: Any) -> None:
        older = self.written_by_an_earlier_release()
        VersionFactory()  # nothing counts of it: there is nothing to write
        assert not rebuild_older()
        now = Prompt.objects.get(pk=older.pk).evidence
        assert (now["form"], now["history"][0]["level"]) == (SUMMARY_VERSION, Level.RECORDED)
        with django_assert_num_queries(1):
            assert not rebuild_older()

    def test_many_take_several_goes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("prompts_app.actions.runs.counting.MOST_AT_ONCE", 2)
        for _ in range(5):
            self.written_by_an_earlier_release()
        assert [rebuild_older() for _ in range(4)] == [True, True, False, False]

    def test_a_worker_that_starts_asks_for_it_until_none_is_left(
        self, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
        monkeypatch.setattr("prompts_app.actions.runs.counting.MOST_AT_ONCE", 1)
        made = [self.written_by_an_earlier_release() for _ in range(3)]
        catch_up()
        now = Prompt.objects.filter(pk__in=[prompt.pk for prompt in made])
        assert [prompt.evidence["form"] for prompt in now] == [SUMMARY_VERSION] * 3


runs = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 3),
        st.sampled_from([Run.State.FINISHED, Run.State.CANCELLED]),
        st.sampled_from([Source.RECORDED, Source.PRACTICE, Source.PASTED]),
        letters,
    ),
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(runs)
def test_every_figure_is_what_its_rows_say(made: list[Any]) -> None:
    """k/n again from the results alone, by plain counting over values."""
    with transaction.atomic():
        first: Version = VersionFactory()
        versions = {1: first, 2: another(first, 2)}
        for number, model, day, state, source, cases in made:
            words = " ".join("".join(case) for case in cases)
            a_run(versions[number], words, model=model, day=day, state=state, source=source)
        evidence = evidence_of(first)
        counted = {
            run.public_id: k_and_n(run)
            for run in Run.objects.filter(state="finished").exclude(source="practice")
            if run.results.filter(error_kind="").exists()
        }
        assert bool(evidence) == bool(counted)
        if evidence:
            assert evidence["runs"] == len(counted)
            for said in [*evidence["models"], *evidence["history"]]:
                assert (said["passed"], said["cases"]) == counted[said["run"]]
            assert evidence["passed"] == evidence["models"][0]["passed"]
            assert evidence["frames"].count("p") == evidence["passed"]
        transaction.set_rollback(True)


def k_and_n(run: Run) -> tuple[int, int]:
    verdicts: dict[int, list[tuple[bool | None, str]]] = defaultdict(list)
    rows = Result.objects.filter(run=run).values_list("case_index", "passed", "error_kind")
    for index, verdict, error in rows:
        verdicts[index].append((verdict, error))
    passed = failed = 0
    for case in verdicts.values():
        if (False, "") in case:
            failed += 1
        elif case == [(True, "")] * run.repeats:
            passed += 1
    return passed, passed + failed
