"""What a reader can't find yet: each line comes and goes with what is there, and none of it blocks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.models import Prompt, Source
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import recorded_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt() -> Prompt:
    prompt: Prompt = PromptFactory(owner=alice(), title="Words", slug="words", summary="Sum.")
    VersionFactory(prompt=prompt)
    return prompt


def missing(prompt: Prompt, **typed: str) -> str:
    prompt.refresh_from_db()
    return " ".join(one.sentence for one in guide_for(prompt, typed).missing)


def found(prompt: Prompt, **typed: str) -> list[str]:
    prompt.refresh_from_db()
    return list(guide_for(prompt, typed).found)


def test_an_untested_prompt(prompt: Prompt) -> None:
    assert "It has no cases" in missing(prompt)
    assert "It was never run" in missing(prompt)


def test_few_cases_and_practice_only(prompt: Prompt) -> None:
    CaseFactory.create_batch(4, prompt=prompt)
    recorded_run(prompt.versions.get(), source=Source.PRACTICE)
    assert "It has 4 of the 5 cases" in missing(prompt)
    assert "only run for practice" in missing(prompt)


def test_one_model_an_old_run_and_an_untested_version(prompt: Prompt) -> None:
    recorded_run(prompt.versions.get(), days_ago=91)
    assert "one model only" in missing(prompt)
    assert "older than 90 days" in missing(prompt)
    VersionFactory(prompt=prompt, number=2)
    rebuild_evidence(prompt)
    assert "newest version is not tested; the figures are those of v1" in missing(prompt)


def test_a_story_without_baseline_situation_and_limits(prompt: Prompt) -> None:
    assert "It has one version" in missing(prompt)
    recorded_run(VersionFactory(prompt=prompt, number=2), "one")
    for words in (
        "No earlier version was tested on one",
        "The situation is not told",
        "Its limits are not told",
    ):
        assert words in missing(prompt)


def test_versions_that_say_nothing_of_why_are_named_the_first_apart(prompt: Prompt) -> None:
    assert "no note" not in missing(prompt)
    VersionFactory(prompt=prompt, number=2)
    assert "v2 has no note on what changed and why" in missing(prompt)
    VersionFactory(prompt=prompt, number=3, note="Shorter.")
    VersionFactory(prompt=prompt, number=4)
    assert "v2, v4 have no note" in missing(prompt)
    assert "a note on each version" not in found(prompt)


def test_a_failure_on_record_asks_to_be_told(prompt: Prompt) -> None:
    run = recorded_run(prompt.versions.get(), fails=[2])
    assert "No failure is disclosed" in missing(prompt)
    shelve(run, 1, "It took the footer for the amount.", None)
    assert "failure" not in missing(prompt)
    assert "1 known failure" in found(prompt)


def test_where_nothing_ever_failed_there_is_nothing_to_disclose(prompt: Prompt) -> None:
    recorded_run(prompt.versions.get())
    assert "No case ever failed" in missing(prompt)


def test_a_complete_one_misses_nothing(prompt: Prompt) -> None:
    CaseFactory.create_batch(5, prompt=prompt)
    first, second = prompt.versions.get(), VersionFactory(prompt=prompt, number=2, note="Shorter.")
    for model in ("one", "two"):
        recorded_run(first, model)
        run = recorded_run(second, model, fails=[1], days_ago=0)
    shelve(run, 0, "Why.", None)
    Prompt.objects.update(situation="S", limits="L", visibility="public")
    assert missing(prompt) == ""
    assert found(prompt) == [
        "5 cases", "v2 tested", "2 models", "1 known failure", "v1 as the baseline (the first tested)",
        "the summary", "the situation", "the limits",
    ]  # fmt: skip
    Prompt.objects.update(baseline=first)
    assert (missing(prompt), "v1 as the baseline" in found(prompt)) == ("", True)


def test_the_baseline_it_speaks_of_is_the_one_the_page_compares_with(prompt: Prompt) -> None:
    """One rule: the chosen version where it was tested on the main model, else the first that was."""
    Prompt.objects.update(visibility="public")
    first = prompt.versions.get()
    second, third = (VersionFactory(prompt=prompt, number=number) for number in (2, 3))
    for version in (first, third):
        recorded_run(version)
    for chosen, said in ((None, ""), (first, ""), (second, "compares with v1"), (third, "compares with v1")):
        Prompt.objects.update(baseline=chosen)
        rebuild_evidence(Prompt.objects.get())
        assert ("baseline" in missing(prompt), said in missing(prompt)) == (bool(said), True)
        html = read_page(Client().get(f"{prompt.get_absolute_url()}?case=1"))
        assert "asked of v1 and of v3" in html


def test_what_is_typed_stands_in_for_what_is_saved(prompt: Prompt) -> None:
    assert "The situation is not told" not in missing(prompt, situation="Whose task it is.")
    assert "It has no summary" in missing(prompt, summary="  ")
    prompt.refresh_from_db()
    assert (prompt.situation, prompt.summary) == ("", "Sum.")


def test_it_takes_as_many_queries_for_a_large_prompt(
    prompt: Prompt, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    version = prompt.versions.get()
    run = recorded_run(version, fails=[1, 2])
    shelve(run, 0, "Why.", None)
    prompt.refresh_from_db()
    small = count_queries(lambda: guide_for(prompt))
    for number in (2, 3, 4):
        recorded_run(VersionFactory(prompt=prompt, number=number), cases=20, fails=range(1, 21))
    shelve(run, 1, "Why.", None)
    prompt.refresh_from_db()
    assert count_queries(lambda: guide_for(prompt)) == small <= 6
    assert prompt.last_tested_at
    assert prompt.last_tested_at > timezone.now() - timedelta(days=2)
