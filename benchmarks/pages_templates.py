"""The prompts of which all others of a measured site are copies, made by the product itself."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from benchmarks.pages_words import Words
from prompts_app.actions.prompts.save import set_tags
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.evidence.listings import refresh
from prompts_app.models import Case, Prompt, Result, Run, User, Version, Visibility
from prompts_app.tests.views.recorded import recorded_run, suite_of

CASES = 10  # and as many results of each run
MODELS = ("gpt-4.1-mini", "claude-sonnet-4", "mistral-small", "qwen3-8b", "gemma-3-12b", "llama-3.3-70b")
TASKS = ("extraction", "classification", "summarising", "rewriting", "writing", "code", "agent", "other")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Template:
    prompt: Prompt
    text: str
    is_public: bool


def templates_of(count: int, words: Words, chance: random.Random) -> Iterator[Template]:
    owner = User.objects.create(username="author-first", email="first@example.com")
    for number in range(count):
        with transaction.atomic():
            yield _template(number, owner, words, chance)


def _template(number: int, owner: User, words: Words, chance: random.Random) -> Template:
    text, public = words.text(latin=True), number % 20 != 19
    prompt = Prompt.objects.create(
        owner=owner,
        slug=f"template-{number}",
        title=words.title(latin=True),
        summary=words.summary(latin=True),
        task=TASKS[number % len(TASKS)],
        visibility=Visibility.PUBLIC if public else Visibility.PRIVATE,
        published_at=NOW - timedelta(days=number) if public else None,
    )
    set_tags(prompt, words.tags())
    # The first has what a page can have; versions of the others are 1 to 8, and one in four has three runs.
    versions = [
        Version.objects.create(
            prompt=prompt,
            number=n,
            note=f"Change {n}: {words.summary(latin=True)}",
            messages=[
                {"role": "system", "content": f"You are version {n}. {text}"},
                {"role": "user", "content": "Answer for {{word}}."},
            ],
            variables=[{"name": "word", "default": "", "description": "what is asked about"}],
            parameters={"temperature": 0},
        )
        for n in range(1, (4 if number == 0 else chance.choice((1, 1, 1, 2, 2, 3, 4, 5, 6, 8))) + 1)
    ]
    Case.objects.bulk_create(
        Case(
            prompt=prompt,
            position=place,
            **{name: case[name] for name in ("name", "variables", "assertions")},
        )
        for place, case in enumerate(suite_of(CASES))
    )
    first, second = chance.sample(MODELS, 2)
    asked = [(versions[-1], first)]
    if number % 4 == 0:
        asked = [(versions[0], first), (versions[-1], first), (versions[-1], second)]
    if number % 10 == 9:
        asked = []  # not tested yet
    for version, model in dict.fromkeys(asked):
        fails = chance.sample(range(1, CASES + 1), chance.randrange(0, 7))
        recorded_run(version, model, CASES, fails, days_ago=number % 300 + 1)
    _number_anew(number, prompt, words)
    return Template(prompt, text, public)


def public_key(number: int, letter: str, rank: int) -> str:
    """Public ids by the prompt's number, so that those of a clone are made by replacing one string."""
    return f"{number:08d}{letter}{rank:03d}"


def _number_anew(number: int, prompt: Prompt, words: Words) -> None:
    """Gives the rows public ids that tell whose they are, outputs of some length, and counts them."""
    for rank, case in enumerate(prompt.cases.in_order()):
        Case.objects.filter(pk=case.pk).update(public_id=public_key(number, "c", rank))
    for rank, run in enumerate(prompt.runs.order_by("pk")):
        # Sealed or not decides about the level: a third each is sealed, recorded, imported.
        sealed = run.finished_at if number % 3 == 0 else None
        source = "imported" if number % 3 == 2 else run.source
        columns = {"public_id": public_key(number, "r", rank), "sealed_at": sealed, "source": source}
        Run.objects.filter(pk=run.pk).update(**columns)
        for place, result in enumerate(run.results.order_by("pk")):
            Result.objects.filter(pk=result.pk).update(
                public_id=public_key(number, "o", rank * CASES + place),
                output=f"{result.output}\n{words.text(latin=True)[:300]}",
            )
    rebuild_evidence(prompt)
    refresh([prompt])
