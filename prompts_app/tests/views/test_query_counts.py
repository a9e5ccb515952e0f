"""Public lists take as many queries for twenty rows as for ten."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from prompts_app.evidence.listings import refresh
from prompts_app.models import Prompt, Tag
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run

pytestmark = pytest.mark.django_db

type Count = Callable[[Callable[[], Any]], int]


def fetch(address: str) -> Callable[[], None]:
    def act() -> None:
        for cache in caches.all():
            cache.clear()  # what another address has filled
        assert Client().get(address).status_code == 200

    return act


def more_prompts(count: int) -> None:
    for _ in range(count):
        prompt = improved_prompt(owner=alice(), task="code", pin_position=1)
        prompt.tags.set([Tag.objects.get_or_create(name="json")[0]])
        refresh([prompt])


LISTS = {
    "/": 6,
    "/prompts/": 8,
    "/prompts/?q=prompt&task=code&tag=json&model=main-model&level=2": 8,
    "/prompts/?q=nothing+here&task=code&tag=json&model=main-model&level=2": 16,
    "/@alice/": 16,
}
PAGES_OF_A_PROMPT = {
    "": 12,
    "?show=all": 12,
    "?show=passes": 12,
    "v1/": 12,
    "results/": 8,
    "compare/v1...v2/": 10,
    "interview/": 8,
    ".md": 8,
    ".json": 16,
}


def test_lists(count_queries: Count) -> None:
    more_prompts(10)
    ten = {address: count_queries(fetch(address)) for address in LISTS}
    more_prompts(10)
    for address, most in LISTS.items():
        assert count_queries(fetch(address)) == ten[address] <= most, address


def test_a_prompts_pages_with_more_versions_models_cases_and_forks(count_queries: Count) -> None:
    small, large = a_prompt(10), a_prompt(20)
    for rest, most in PAGES_OF_A_PROMPT.items():
        few, many = (count_queries(fetch(page(prompt, rest))) for prompt in (small, large))
        assert many <= few <= most, rest


def a_prompt(size: int) -> Prompt:
    prompt = public_prompt(owner=alice())
    for number in range(1, size // 5 + 1):
        version = VersionFactory(prompt=prompt, number=number)
        for model in range(size // 5):
            recorded_run(version, f"model-{model}", size, fails=[1, 2, size], errors=[3], repeats=2)
    for _ in range(size // 5):
        public_prompt(forked_from=prompt.versions.first())
    prompt.tags.set([Tag.objects.get_or_create(name=f"tag{n}")[0] for n in range(size // 5)])
    return prompt


def page(prompt: Prompt, rest: str) -> str:
    return (prompt.stem if rest.startswith(".") else prompt.get_absolute_url()) + rest
