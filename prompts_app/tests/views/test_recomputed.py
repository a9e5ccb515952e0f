"""Every computed sentence and figure, counted again from raw rows by another route.

Small worlds are written into the database: versions, models, repeats, errors, cases that changed, runs that
were overtaken, practice that must not count. See ``worlds`` for how the rows are counted the second time.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts_app.engine.stats import wilson
from prompts_app.evidence import lineage, profile_figures
from prompts_app.evidence.before_after import before_after_of
from prompts_app.evidence.case_study import ShownCases, Study, study_of
from prompts_app.evidence.concision import curve_of
from prompts_app.evidence.interview_questions import questions
from prompts_app.evidence.model_grid import grid_of
from prompts_app.evidence.origin import Origin
from prompts_app.evidence.picked import latest_runs
from prompts_app.evidence.records import Records
from prompts_app.evidence.same_cases import pairs_of
from prompts_app.evidence.version_history import story_of
from prompts_app.models import Level, Prompt, Run
from prompts_app.tests.evidence.summaries import summarised
from prompts_app.tests.factories import PersonFactory
from prompts_app.tests.views.worlds import (
    Counted,
    PlannedPrompt,
    Recount,
    build,
    middle,
    planned_prompts,
    wilson_by_search,
)
from prompts_app.views.public.interview import _broken, _changes, _failures

pytestmark = pytest.mark.django_db

in_a_database = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class World:
    """A prompt written down, its recount, and what its page is made of."""

    plan: PlannedPrompt
    prompt: Prompt
    recount: Recount
    study: Study


def same(one: float | None, other: float | None) -> bool:
    return one == pytest.approx(other) if other is not None else one is None


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_from_its_definition(case: tuple[int, int]) -> None:
    assert wilson(*case) == pytest.approx(wilson_by_search(*case), abs=1e-9)


@settings(in_a_database, max_examples=40)
@given(planned_prompts())
def test_every_figure_and_sentence_of_a_prompt(plan: PlannedPrompt) -> None:
    prompt = build(plan)
    recount = Recount(prompt)
    assert bool(prompt.evidence) == bool(recount.every)
    _check_pairs(prompt, recount)
    if study := study_of(Records(prompt), ShownCases()):
        world = World(plan, prompt, recount, study)
        _check_summary(world)
        if study.is_judged:
            for check in (_check_headline, _check_page, _check_before_after, _check_interview):
                check(world)
        else:
            outputs = recount.main().answers
            said = "One output" if outputs == 1 else f"{outputs} outputs"
            assert study.headline_text.startswith(f"{said} of v{recount.newest} on ")


def _check_summary(world: World) -> None:
    evidence, recount = world.prompt.evidence, world.recount
    main = recount.main()
    assert (evidence["version"], evidence["main_model"]) == (main.version, main.model)
    assert (evidence["passed"], evidence["cases"], evidence["frames"]) == (*main.score, main.states)
    assert (evidence["low"], evidence["high"]) == pytest.approx(wilson_by_search(*main.score), abs=1e-9)
    assert same(evidence["tokens_in"], main.tokens)
    assert same(evidence["latency_ms"], main.latency)
    assert same(evidence["cost_call"] and float(evidence["cost_call"]), main.cost)
    assert evidence["runs"] == len(recount.every)
    assert [item["version"] for item in evidence["history"]] == [run.version for run in recount.history()]
    of_models = {item["model"]: (item["passed"], item["cases"]) for item in evidence["models"]}
    assert of_models == {model: run.score for model, run in recount.shown().items()}


def _check_headline(world: World) -> None:
    said, recount = world.study.headline_text, world.recount
    main, before = recount.main(), recount.baseline(world.plan.baseline)
    passed, cases, low, high = map(
        int, _found(r"^(\d+) of (\d+) cases? pass(?:es)? on [\w-]+ \((\d+)–(\d+)%\)", said)
    )
    assert (passed, cases) == main.score
    for told, true in zip((low, high), wilson_by_search(*main.score), strict=True):
        assert abs(told - 100 * true) <= 0.5 + 1e-6 or told in {1, 99}
    _check_change(said, main, before)
    _check_saving(said, recount)
    assert _number(
        r"(one|\d+) cases? (?:is|are) not judged|one case is not judged", said
    ) == main.states.count("u")
    assert _number(r"(one|\d+) cases? got no answer", said) == main.states.count("e")
    assert (" only" in said) == (main.rank < Level.RECORDED)
    _check_worst(said, [run for run in recount.shown().values() if run.cases and run.rank >= main.rank])


def _found(pattern: str, text: str) -> tuple[str, ...]:
    found = re.search(pattern, text)
    assert found, (pattern, text)
    return found.groups()


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if not found:
        return 0
    return 1 if found[1] in {None, "one"} else int(found[1])


def _check_change(said: str, main: Counted, before: Counted | None) -> None:
    if before is None:
        assert " for v" not in said
    elif before.suite != main.suite:
        assert f"the cases have changed since v{before.version}" in said
    elif before.rate == main.rate:
        assert f", as for v{before.version}" in said
    else:
        way = "up" if main.rate > before.rate else "down"
        assert f", {way} from {before.passed} of {before.cases} for v{before.version}" in said
    assert ("(imported)" in said or "(pasted)" in said) == bool(
        before and before.suite == main.suite and before.rank < main.rank
    )


def _check_saving(said: str, recount: Recount) -> None:
    saved, other = recount.saved(), recount.longest_no_better()
    if saved is None:
        assert "fewer tokens" not in said
        return
    assert other
    percent, version, how = _found(r"(\d+)% fewer tokens than v(\d+) (at the same|and more)", said)
    assert abs(int(percent) - saved) <= 0.5 + 1e-6
    assert int(version) == other.version
    assert (how == "at the same") == (other.rate == recount.main().rate)


def _check_worst(said: str, on_models: list[Counted]) -> None:
    if found := re.search(r"never below (\d+) of (\d+) on (\d+) models", said):
        assert int(found[3]) == len(on_models)
        assert (int(found[1]), int(found[2])) in [run.score for run in on_models]
        assert min(run.passed for run in on_models) == int(found[1])
    elif found := re.search(r"lowest of (\d+) models is ([\w-]+), (\d+) of (\d+)", said):
        lowest = min(wilson_by_search(*run.score)[0] for run in on_models)
        (named,) = [run for run in on_models if run.model == found[2]]
        assert named.score == (int(found[3]), int(found[4]))
        assert wilson_by_search(*named.score)[0] == pytest.approx(lowest, abs=1e-9)
    else:
        assert len(on_models) == 1


def _check_page(world: World) -> None:
    """Case results by state, the story's changes, the grid, the curve."""
    prompt, recount, study = world.prompt, world.recount, world.study
    states = "".join(run.states for run in recount.shown().values())
    assert (study.failed, study.passed, study.errors) == tuple(states.count(letter) for letter in "fpe")
    assert study.page.paginator.count == states.count("f")
    _check_story(prompt, recount)
    _check_grid(prompt, recount)
    _check_curve(prompt, recount)


def _check_story(prompt: Prompt, recount: Recount) -> None:
    before: Counted | None = None
    records = Records(prompt)
    steps = {step.version.number: step for step in story_of(records, records.versions)}
    for run in recount.history():
        step = steps[run.version]
        if not run.cases:  # outputs that nothing judged fixed and broke nothing
            assert (step.tested_before, step.effect) == (None, None)
            continue
        assert (step.tested_before, bool(step.effect)) == (before and before.version, bool(before))
        if before and step.effect:
            effect = step.effect
            assert (effect.fixed, effect.broke, effect.both) == _compared(before, run)
            assert effect.is_partial == (before.suite != run.suite)
        before = run


def _check_grid(prompt: Prompt, recount: Recount) -> None:
    grid = grid_of(latest_runs(prompt), summarised(prompt))
    versions = {run.version for run in recount.every}
    assert bool(grid) == (len(versions) > 1)
    if not grid:
        return
    assert grid.versions == sorted(versions, reverse=True)
    suites: list[Any] = []
    for row in grid.rows:
        for number, cell in zip(grid.versions, row.cells, strict=True):
            run = recount.run(number, row.model)
            assert bool(run) == bool(cell)
            if run and cell:
                assert (cell.cases_passed, cell.cases_counted, cell.cases_error) == (
                    *run.score,
                    run.states.count("e"),
                )
                assert cell.low == pytest.approx(wilson_by_search(*run.score)[0], abs=1e-9)
                suites.append(run.suite)
    assert grid.same_cases == all(one == suites[0] for one in suites)


def _check_curve(prompt: Prompt, recount: Recount) -> None:
    known = [run for run in recount.history() if run.tokens and run.cases]
    curve = curve_of(summarised(prompt))
    if len(known) < 2 or known[-1].version != recount.newest:
        assert curve is None
        return
    assert curve
    assert [(point.version, point.passed, point.cases) for point in curve.points] == [
        (run.version, *run.score) for run in known
    ]
    assert all(same(point.tokens, run.tokens) for point, run in zip(curve.points, known, strict=True))
    costs = [None if point.cost is None else float(point.cost) for point in curve.points]
    assert all(same(cost, run.cost) for cost, run in zip(costs, known, strict=True))
    saved = recount.saved()
    assert bool(curve.gain) == (saved is not None)
    if curve.gain and saved is not None:
        assert abs(curve.gain.percent - saved) <= 0.5 + 1e-6


def _check_before_after(world: World) -> None:
    recount = world.recount
    found, before = before_after_of(world.study.records, None), recount.baseline(world.plan.baseline)
    assert bool(found) == bool(before)
    if found is None or before is None:
        return
    fixed, broken, common = _compared(before, recount.main())
    counts = len(found.fixed), len(found.broken), len(found.pairs)
    assert counts == (fixed, broken, common)
    assert found.is_partial == (common < len(before.suite))


def _compared(before: Counted, after: Counted) -> tuple[int, int, int]:
    """(fixed, broken, cases both ran), by looking at every pair of cases."""
    both = [
        (was, now)
        for was, one in zip(before.states, before.suite, strict=True)
        for now, other in zip(after.states, after.suite, strict=True)
        if one == other
    ]
    return both.count(("f", "p")), both.count(("p", "f")), len(both)


def _check_pairs(prompt: Prompt, recount: Recount) -> None:
    """Any two runs, as the page that compares two versions puts them side by side."""
    counted = {run.pk: run for run in recount.every}
    runs = list(Run.objects.filter(pk__in=counted))[:3]
    for old in runs:
        for new in runs:
            pairs = pairs_of(Records(prompt), old, new)
            told = [pair.outcome for pair in pairs]
            fixed, broken, common = _compared(counted[old.pk], counted[new.pk])
            assert (told.count("fixed"), told.count("broken"), len(told)) == (fixed, broken, common)


def _check_interview(world: World) -> None:
    prompt, recount = world.prompt, world.recount
    evidence, main = summarised(prompt), recount.main()
    asked = questions(evidence, _changes(prompt), _failures(Records(prompt), evidence), curve_of(evidence))
    known = {run.score for run in [*recount.history(), *recount.shown().values()]}
    for question in asked:
        _check_failure(question.ask, main, recount)
        if "interval" not in question.ask and "models:" not in question.ask:
            assert {
                (int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+)(?! models)", question.ask)
            } <= known
    low, high = wilson_by_search(*main.score)
    assert any("may be anything" in question.ask for question in asked) == (high - low > 0.25)
    assert any("got no answer" in question.ask for question in asked) == ("e" in main.states)
    more = [question.ask for question in asked if "more tokens" in question.ask]
    if more:
        known_tokens = [run for run in recount.history() if run.tokens and run.cases]
        first, last = known_tokens[0].tokens, known_tokens[-1].tokens
        assert first
        assert last
        told = int(_found(r"(\d+)% more", more[0])[0])
        assert abs(told - 100 * (last / first - 1)) <= 0.5 + 1e-6
    last_two = [run for run in recount.history() if run.cases][-2:]
    found = _broken(Records(prompt))
    broken = _compared(*last_two)[1] if len(last_two) == 2 else 0
    assert len(found.cases if found else ()) == broken


def _check_failure(ask: str, main: Counted, recount: Recount) -> None:
    if not (found := re.match(r"Case (\d+) .*still fails(?: on (\d+) of (\d+) models)?:", ask)):
        return
    on = [run for run in recount.shown().values() if run.suite == main.suite]
    failing_on = sum(run.states[int(found[1]) - 1] == "f" for run in on)
    assert failing_on
    if found[2]:
        assert (int(found[2]), int(found[3])) == (failing_on, len(recount.shown()))


@in_a_database
@given(st.lists(planned_prompts(), min_size=1, max_size=3))
def test_the_profile(plans: list[PlannedPrompt]) -> None:
    owner = PersonFactory()
    prompts = [build(plan, owner) for plan in plans]
    counts = [(Recount(prompt), plan) for prompt, plan in zip(prompts, plans, strict=True)]
    counts = [
        (c, plan) for c, plan in counts if c.every and c.main().cases and c.main().rank == Level.RECORDED
    ]
    told = profile_figures.figures_of(
        [line for line in profile_figures.lines_of(owner.pk) if line.is_recorded]
    )
    assert bool(told) == bool(counts)
    if told is None:
        return
    mains = [count.main() for count, _ in counts]
    assert (told.passed, told.cases) == (sum(run.passed for run in mains), sum(run.cases for run in mains))
    assert told.prompts == len(mains)
    runs = [run for count, _ in counts for run in count.shown().values()]
    recorded = [run for run in runs if run.rank == Level.RECORDED and run.cases]
    assert told.models == len({run.model for run in recorded})
    assert same(
        None if told.cost is None else float(told.cost),
        middle(run.cost for run in mains if run.cost is not None),
    )
    assert same(told.latency_ms, middle(run.latency for run in mains if run.latency is not None))
    assert (told.first_tested, told.last_tested) == (min(r.when for r in mains), max(r.when for r in mains))
    assert told.makers == (["OpenAI"] if any(run.model == "gpt-oak" for run in recorded) else [])
    assert told.models_without_maker == len({run.model for run in recorded} - {"gpt-oak"})
    changes = [_change(count, plan) for count, plan in counts]
    _check_median(told.improvement, [change for change in changes if change is not None], len(mains))
    _check_median(
        told.saving, [saved for count, _ in counts if (saved := count.saved()) is not None], len(mains)
    )


def _change(count: Recount, plan: PlannedPrompt) -> float | None:
    before, main = count.baseline(plan.baseline), count.main()
    if before is None or before.suite != main.suite or before.rank < main.rank:
        return None
    return 100 * main.rate - 100 * before.rate


def _check_median(told: profile_figures.Median | None, values: list[float], among: int) -> None:
    assert bool(told) == bool(values)
    if told:
        assert (told.count, told.among) == (len(values), among)
        assert told.value == pytest.approx(middle(values), abs=1e-9)


@in_a_database
@given(planned_prompts(), planned_prompts())
def test_what_a_fork_gained(original: PlannedPrompt, made: PlannedPrompt) -> None:
    mother, daughter = build(original), build(made)
    version = mother.versions.get(number=1)
    told = lineage._compared(Records(daughter), Origin(version, "MIT"))
    here, there = Recount(daughter), Recount(mother)
    both = [
        (mine, theirs)
        for model, mine in here.shown().items()
        if (theirs := there.run(1, model)) and mine.suite == theirs.suite and mine.cases and theirs.cases
    ]
    assert bool(told.gain) == bool(both)
    if told.gain:
        gain = told.gain
        scores = (
            (gain.here.cases_passed, gain.here.cases_counted),
            (gain.there.cases_passed, gain.there.cases_counted),
        )
        assert scores in [(mine.score, theirs.score) for mine, theirs in both]
    elif told.why_not:
        assert here.every
        assert any(run.version == 1 for run in there.every)
