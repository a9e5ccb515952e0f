"""The failure shelf: only recorded failures stand on it, and what became of each is read from the rows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts_app.actions.prompts.known_failures import (
    MOST_FAILURES,
    change_failure,
    move_failure,
    remove_failure,
    shelve,
)
from prompts_app.actions.prompts.save import StaleEdit, delete_version
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.engine.errors import Refused
from prompts_app.evidence.known_failures import Item, fixes_of, items_of, shelf_of, suggestions
from prompts_app.evidence.records import Records, keys_of
from prompts_app.models import KnownFailure, Prompt, Result, Run, Source, Version
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt() -> Prompt:
    """v1 fails cases 1 to 3, v2 fails 3, v3 fails 3 and 4; each on the main model, v2 on another too."""
    made = public_prompt()
    for number, fails in ((1, [1, 2, 3]), (2, [3]), (3, [3, 4])):
        recorded_run(VersionFactory(prompt=made, number=number), "main", 5, fails, days_ago=5 - number)
    recorded_run(made.versions.get(number=2), "other", 5, [1])
    return made


def run_of(prompt: Prompt, number: int, model: str = "main") -> Run:
    return prompt.runs.get(version__number=number, model=model)


def version(prompt: Prompt, number: int) -> Version:
    return prompt.versions.get(number=number)


def only(prompt: Prompt) -> Item:
    (item,) = shelf_of(Records(prompt))
    return item


def said(prompt: Prompt) -> str:
    item = only(prompt)
    assert item.fix
    return item.fix.words


# --- what the records say ----------------------------------------------------------------------------------


def test_a_fix_that_holds(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    item = only(prompt)
    assert (item.name, item.before.passing, item.before.repeats) == ("Case 1", 0, 1)
    assert said(prompt) == "passes this case, 1/1"


def test_a_fix_that_does_not_hold_is_not_taken_on_the_authors_word(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 2, "Why.", version(prompt, 2))
    assert said(prompt) == "fails this case, 0/1"


def test_a_fix_that_never_ran_on_the_model(prompt: Prompt) -> None:
    shelve(run_of(prompt, 2, "other"), 0, "Why.", version(prompt, 3))
    assert said(prompt) == "not run on this model"


def test_a_fix_whose_latest_run_did_not_ask_the_case(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    recorded_run(version(prompt, 2), "main", suite=suite_of(5, "Other"), days_ago=0)
    assert said(prompt) == "did not run this case on this model"


def test_the_latest_run_of_the_fix_counts_not_the_best(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    recorded_run(version(prompt, 2), "main", 5, [1], days_ago=0)
    assert said(prompt) == "fails this case, 0/1"


def test_a_fix_without_an_answer_says_nothing(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    recorded_run(version(prompt, 2), "main", 5, errors=[1], days_ago=0)
    assert said(prompt) == "no answer on this case, 0/1"


def test_the_same_case_is_found_where_the_suite_has_changed_around_it(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    moved = [*suite_of(2, "New"), *suite_of(5)]
    run = recorded_run(version(prompt, 2), "main", suite=moved, days_ago=0)
    item = only(prompt)
    assert item.fix
    assert item.fix.outcome
    assert (item.fix.outcome.run, item.fix.outcome.case_index, item.fix.state) == (run, 2, "passes")


def test_repeats_are_counted_before_and_after(prompt: Prompt) -> None:
    before = recorded_run(version(prompt, 1), "slow", 2, repeats=4)
    after = recorded_run(version(prompt, 2), "slow", 2, repeats=3)
    Result.objects.filter(run=before, case_index=1, repeat__in=[1, 3]).update(passed=False)
    Result.objects.filter(run=after, case_index=1, repeat=0).update(passed=False)
    for run in (before, after):
        count_run(run)
    shelve(before, 1, "Flaky.", version(prompt, 2))
    item = only(prompt)
    assert item.fix
    assert item.fix.outcome
    assert (item.before.passing, item.before.repeats) == (2, 4)
    assert (item.fix.outcome.passing, item.fix.outcome.repeats, item.fix.state) == (2, 3, "fails")


def test_every_later_version_is_offered_with_what_is_known_of_it(prompt: Prompt) -> None:
    VersionFactory(prompt=prompt, number=4)
    found = [(str(fix.version), fix.words) for fix in fixes_of(run_of(prompt, 1), 2)]
    assert found == [
        ("v2", "fails this case, 0/1"),
        ("v3", "fails this case, 0/1"),
        ("v4", "not run on this model"),
    ]


outcomes = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(outcomes, outcomes), min_size=1, max_size=4), st.integers(0, 3), st.booleans())
def test_before_and_after_are_what_the_rows_say(
    cases: list[tuple[list[bool | None], list[bool | None]]], dropped: int, reversed_: bool
) -> None:
    """By another route: from the results alone, the second suite being the first with one case less."""
    made = public_prompt()
    names = [f"Case {place}" for place in range(len(cases))]
    suite = [one | {"name": name} for one, name in zip(suite_of(len(cases)), names, strict=True)]
    later = [at for at in range(len(cases)) if at != dropped]
    later = later[::-1] if reversed_ else later
    before = _run(made, 1, suite, [was for was, _ in cases])
    after = _run(made, 2, [suite[at] for at in later], [cases[at][1] for at in later])
    for place in range(len(cases)):
        if before.frames[place] == "f":
            shelve(before, place, "Why.", after.version)
    shown = {item.failure.case_index: item for item in shelf_of(Records(made))}
    failed = {at for at, (was, _) in enumerate(cases) if False in was}
    assert set(shown) == failed
    counted = any(passed is not None for at in later for passed in cases[at][1])  # a run with an answer does
    for at in failed:
        item = shown[at]
        assert (item.before.passing, item.before.repeats) == (cases[at][0].count(True), before.repeats)
        assert item.fix
        if at not in later or not counted:
            assert item.fix.state == "not tested"
            continue
        rows = Result.objects.filter(run=after, case_index=later.index(at))
        passing = [row.passed for row in rows].count(True)
        assert item.fix.outcome
        assert item.fix.outcome.passing == passing == cases[at][1].count(True)
        state = "fails" if False in cases[at][1] else "no answer" if None in cases[at][1] else "passes"
        assert item.fix.state == state


def _run(prompt: Prompt, number: int, suite: list[dict[str, Any]], outcomes: list[list[bool | None]]) -> Run:
    """Repeats are as many as the case with most of them; what is short is filled up with its last."""
    repeats = max((len(one) for one in outcomes), default=1)
    run = recorded_run(VersionFactory(prompt=prompt, number=number), "main", suite=suite, repeats=repeats)
    for place, one in enumerate(outcomes):
        one += one[-1:] * (repeats - len(one))
        for repeat, passed in enumerate(one):
            error = "" if passed is not None else "timeout"
            cell = Result.objects.filter(run=run, case_index=place, repeat=repeat)
            cell.update(passed=passed, error_kind=error)
    count_run(run)
    rebuild_evidence(prompt)
    return run


def test_two_cases_that_are_the_same_are_told_apart_by_their_order() -> None:
    one, two = suite_of(2)
    assert len(set(keys_of([one, two, one, one]))) == 4
    assert keys_of([one, two, one])[2] == keys_of([two, one, one])[2]


# --- what may stand there ----------------------------------------------------------------------------------


def test_what_passed_cannot_be_put_there(prompt: Prompt) -> None:
    with pytest.raises(Refused, match="did not fail"):
        shelve(run_of(prompt, 1), 4, "Why.", None)
    with pytest.raises(Refused, match="did not fail"):
        shelve(run_of(prompt, 1), 99, "Why.", None)


@pytest.mark.parametrize("fields", [{"source": Source.PRACTICE}, {"state": Run.State.CANCELLED}])
def test_practice_and_unfinished_runs_have_no_place_there(prompt: Prompt, fields: dict[str, str]) -> None:
    run = recorded_run(version(prompt, 1), "m", 5, [1])
    Run.objects.filter(pk=run.pk).update(**fields)
    with pytest.raises(Refused, match="Only a finished run counts"):
        shelve(run, 0, "Why.", None)


def test_once_is_enough(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", None)
    with pytest.raises(Refused, match="already"):
        shelve(run_of(prompt, 1), 0, "Again.", None)


def test_the_shelf_has_an_end(prompt: Prompt) -> None:
    run = recorded_run(version(prompt, 1), "long", 20, range(1, 21))
    for place in range(MOST_FAILURES):
        shelve(run, place, "Why.", None)
    with pytest.raises(Refused, match="Take one off"):
        shelve(run, MOST_FAILURES, "Why.", None)


def test_the_fix_comes_after_the_failure_and_is_of_the_same_prompt(prompt: Prompt) -> None:
    for fix in (version(prompt, 1), version(prompt, 2), VersionFactory(number=9)):
        with pytest.raises(Refused, match="a version after v2"):
            shelve(run_of(prompt, 2), 2, "Why.", fix)


def test_a_stale_edit_is_refused_and_changes_nothing(prompt: Prompt) -> None:
    failure = shelve(run_of(prompt, 1), 0, "First.", None)
    change_failure(failure, "Second.", version(prompt, 2), seen_revision=1)
    with pytest.raises(StaleEdit):
        change_failure(failure, "Third.", None, seen_revision=1)
    stored = KnownFailure.objects.get()
    assert (stored.diagnosis, stored.fixed_in, stored.revision) == ("Second.", version(prompt, 2), 2)


def test_the_author_orders_them(prompt: Prompt) -> None:
    first, second, third = (shelve(run_of(prompt, 1), place, "Why.", None) for place in range(3))
    move_failure(third, -1)
    move_failure(first, -1)
    assert [item.failure for item in shelf_of(Records(prompt))] == [first, third, second]
    remove_failure(third)
    assert [item.failure for item in shelf_of(Records(prompt))] == [first, second]
    assert Result.objects.filter(run=run_of(prompt, 1)).count() == 5


# --- nothing fake is kept ----------------------------------------------------------------------------------


def test_it_goes_with_its_run_whose_deletion_is_counted(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    delete_runs(prompt, [run_of(prompt, 1)])
    assert not KnownFailure.objects.exists()
    prompt.refresh_from_db()
    assert prompt.deleted_runs == 1


def test_without_the_version_that_fixed_it_it_is_open_again(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    delete_version(version(prompt, 2))
    assert only(prompt).fix is None


def test_a_failure_whose_verdict_has_changed_is_not_shown(prompt: Prompt) -> None:
    run = run_of(prompt, 1)
    shelve(run, 0, "Why.", None)
    Result.objects.filter(run=run, case_index=0).update(passed=True)
    count_run(run)
    assert shelf_of(Records(prompt)) == []
    assert [item.still_counts for item in items_of(Records(prompt))] == [False]


@pytest.mark.parametrize("state", [Run.State.QUEUED, Run.State.RUNNING, Run.State.STOPPED])
def test_a_failure_of_a_run_that_no_longer_counts_is_not_shown(prompt: Prompt, state: str) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", None)
    Run.objects.update(state=state)
    assert shelf_of(Records(prompt)) == []


# --- what could stand there --------------------------------------------------------------------------------


def test_what_a_later_version_mended_is_suggested_first(prompt: Prompt) -> None:
    found = [
        (one.name, str(one.cell.run.version), one.cell.run.model, one.fixed_by and str(one.fixed_by))
        for one in suggestions(prompt)
    ]
    assert found == [
        ("Case 1", "v1", "main", "v2"),
        ("Case 2", "v1", "main", "v2"),
        ("Case 1", "v2", "other", None),
        ("Case 3", "v3", "main", None),
        ("Case 4", "v3", "main", None),
    ]


def test_what_stands_there_is_not_suggested_again(prompt: Prompt) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", None)
    assert ("Case 1", "main") not in [(one.name, one.cell.run.model) for one in suggestions(prompt)]


def test_what_happens_on_most_models_comes_before(prompt: Prompt) -> None:
    recorded_run(version(prompt, 3), "third", 5, [4])
    assert [one.name for one in suggestions(prompt)][2:4] == ["Case 4", "Case 4"]


def test_queries_do_not_grow(prompt: Prompt, count_queries: Callable[[Callable[[], Any]], int]) -> None:
    shelve(run_of(prompt, 1), 0, "Why.", version(prompt, 2))
    one = count_queries(lambda: shelf_of(Records(prompt)))
    some = count_queries(lambda: suggestions(prompt))
    for number in (4, 5):
        VersionFactory(prompt=prompt, number=number)
    for number in (4, 5):
        run = recorded_run(version(prompt, number), "main", 20, range(1, 21))
        shelve(run, number, "Why.", version(prompt, 5) if number == 4 else None)
    assert count_queries(lambda: shelf_of(Records(prompt))) == one <= 4
    assert count_queries(lambda: suggestions(prompt)) == some <= 3
