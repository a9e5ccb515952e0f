"""A prompt of many versions, models and cases: as many queries, and a page that stays light."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.engine.digests import case_from_json, suite_digest
from prompts_app.models import Prompt, Result, Run, Source, Version
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

pytestmark = pytest.mark.django_db

type Count = Callable[[Callable[[], Any]], int]

PAGES = ["", "?show=all", "?show=passes", "?case=2", "results/", "results/?state=failed", "v2/", "interview/"]
A_CELL = 900  # bytes of HTML that one more case on one more model may take, its row and its frame together
HEAVIEST = 150_000  # bytes of HTML before compression


def of_size(versions: int, models: int, cases: int) -> Prompt:
    prompt = public_prompt(owner=alice())
    for number in range(1, versions + 1):
        version = Version.objects.create(prompt=prompt, number=number, messages=[], note="Better.")
        for model in range(models):
            recorded_run(version, f"model-{model}", cases, fails=range(1, cases // 2 + 1), errors=[cases])
    return prompt


def html_of(address: str) -> bytes:
    response = Client().get(address)
    assert response.status_code == 200
    return bytes(response.content)


@pytest.fixture
def two_sizes() -> tuple[str, str]:
    return of_size(2, 2, 5).get_absolute_url(), of_size(3, 4, 20).get_absolute_url()


def test_more_of_everything_takes_no_more_queries(two_sizes: tuple[str, str], count_queries: Count) -> None:
    for rest in PAGES:
        small, large = (count_queries(lambda to=address + rest: html_of(to)) for address in two_sizes)  # type: ignore[misc]
        assert large <= small, rest


def test_a_case_more_costs_little_html(two_sizes: tuple[str, str]) -> None:
    more = 3 * 4 * 20 - 2 * 2 * 5
    for rest in PAGES:
        small, large = (len(html_of(address + rest)) for address in two_sizes)
        assert (large - small) / more < A_CELL, rest


def _with_results(prompt: Prompt) -> None:
    """The newest run gets its results: of the others none is read on a page."""
    run = prompt.runs.select_related("version").latest("pk")
    Result.objects.bulk_create(
        Result(
            run=run,
            case_index=index,
            output="It was PAID, a summary of the letter in some words. " * 5,
            passed=letter == "p",
            tokens_in=200,
            latency_ms=900.0,
            checks=[{"type": "not-contains", "value": "PAID", "passed": False, "reason": "“PAID” is there"}],
        )
        for index, letter in enumerate(run.frames)
    )


def full_size(versions: int = 12, models: int = 8, cases: int = 200) -> Prompt:
    """Runs as they are when they have been counted, the results of one of them: 19,200 would take long."""
    prompt, suite = (
        public_prompt(owner=alice(), slug="full-size"),
        suite_of(cases, "A letter of a customer, number"),
    )
    digest = suite_digest(map(case_from_json, suite))
    message = {"role": "user", "content": "Sum up {{letter}} in one line.\n" * 60}
    for number in range(1, versions + 1):
        version = Version.objects.create(
            prompt=prompt, number=number, messages=[message], note="Better.\nMuch."
        )
        failed = cases - cases * number // (versions + 1)
        Run.objects.bulk_create(
            Run(
                prompt=prompt, version=version, model=f"vendor/model-{model}-large-instruct",
                source=Source.RECORDED, state=Run.State.FINISHED, suite=suite, suite_digest=digest,
                finished_at=timezone.now(), frames="f" * failed + "p" * (cases - failed),
                cases_failed=failed, cases_passed=cases - failed, answers=cases,
                tokens_in_median=300.0 - number, latency_median_ms=900.0,
            )
            for model in range(models)
        )  # fmt: skip
    _with_results(prompt)
    rebuild_evidence(prompt)
    return prompt


def test_twelve_versions_on_eight_models_with_two_hundred_cases_stay_light() -> None:
    prompt = full_size()
    for rest in PAGES:
        assert len(html_of(prompt.get_absolute_url() + rest)) < HEAVIEST, rest
    page = html_of(prompt.get_absolute_url()).decode()
    assert "8 models" in page
    assert "The first 100 of 200 cases are drawn." in page
