"""Public prompts with recorded evidence, as short to write as what matters about them."""

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.digests import case_from_json, suite_digest
from prompts_app.evidence.listings import refresh
from prompts_app.models import Prompt, Result, Run, Source, Version, Visibility
from prompts_app.tests.factories import PromptFactory, RunFactory, VersionFactory

OUTPUT = "yes, output of case {number}"
WRONG = "PAID, wrong output of case {number}"


def public_prompt(**fields: Any) -> Prompt:
    fields = {"visibility": Visibility.PUBLIC, "published_at": timezone.now()} | fields
    prompt: Prompt = PromptFactory(**fields)
    refresh([prompt])
    return prompt


def suite_of(cases: int, name: str = "Case") -> list[dict[str, Any]]:
    return [
        {
            "name": f"{name} {number}",
            "variables": {"word": f"value {number}"},
            "turns": [],
            "assertions": [{"type": "contains", "value": "yes"}, {"type": "not-contains", "value": "PAID"}],
        }
        for number in range(1, cases + 1)
    ]


def recorded_run(
    version: Version,
    model: str = "test-model",
    cases: int = 10,
    fails: Collection[int] = (),
    errors: Collection[int] = (),
    days_ago: int = 1,
    source: str = Source.RECORDED,
    **fields: Any,
) -> Run:
    """A finished run; ``fails`` and ``errors`` are case numbers from 1, ``asked_at`` where it asked."""
    suite = fields.pop("suite", suite_of(cases))
    cost, asked_at = fields.pop("cost", Decimal("0.0011")), fields.pop("asked_at", "")
    when = timezone.now() - timedelta(days=days_ago)
    run: Run = RunFactory(
        version=version,
        model=model,
        source=source,
        suite=suite,
        suite_digest=suite_digest(map(case_from_json, suite)),
        created_at=when,
        finished_at=when,
        **fields,
    )
    Result.objects.bulk_create(
        _result(run, number, repeat, cost, fails, errors)
        for number in range(1, len(suite) + 1)
        for repeat in range(run.repeats)
    )
    run.results.update(asked_at=asked_at)
    count_run(run)
    rebuild_evidence(version.prompt)
    return run


def _result(
    run: Run, number: int, repeat: int, cost: Decimal | None, fails: Collection[int], errors: Collection[int]
) -> Result:
    where = {"run": run, "case_index": number - 1, "repeat": repeat, "created_at": run.finished_at}
    if number in errors:
        return Result(error_kind="rate_limited", error_message="slow down", **where)
    failed = number in fails
    return Result(
        output=(WRONG if failed else OUTPUT).format(number=number),
        finish_reason="stop",
        model=f"{run.model}-2026",
        response_id=f"resp-{number}-{repeat}",
        tokens_in=100,
        tokens_out=20,
        latency_ms=1900.0,
        cost=cost,
        cost_source="genai-prices 0.2.3" if cost is not None else "",
        checks=[
            {"type": "contains", "value": "yes", "passed": not failed, "score": float(not failed),
             "reason": "“yes” is missing" if failed else "“yes” is there", "threshold": None},
            {"type": "not-contains", "value": "PAID", "passed": not failed, "score": float(not failed),
             "reason": "“PAID” is there" if failed else "“PAID” is not there", "threshold": None},
        ],
        passed=not failed,
        request={"model": run.model, "messages": [{"role": "user", "content": f"Say {number}."}]},
        **where,
    )  # fmt: skip


def recorded_prompt(
    cases: int = 10, fails: Collection[int] = (), model: str = "test-model", **fields: Any
) -> Prompt:
    """A public prompt with one version and one recorded run."""
    prompt = public_prompt(**fields)
    recorded_run(VersionFactory(prompt=prompt, number=1), model, cases, fails)
    return prompt


def improved_prompt(**fields: Any) -> Prompt:
    """Three versions on the same ten cases: 2, 6, then 9 pass; v3 on a second model, with an error."""
    prompt = public_prompt(**fields)
    notes = ["The one-liner.", "One JSON object.", "Examples became rules.\nThey were half of the tokens."]
    for number, note in enumerate(notes, 1):
        version = VersionFactory(prompt=prompt, number=number, note=note)
        fails = {1: range(1, 9), 2: range(1, 5), 3: [4]}[number]
        recorded_run(version, "main-model", 10, fails, days_ago=5 - number)
        if number == 3:
            recorded_run(version, "small-model", 10, [4, 7], errors=[9], cost=None)
    return prompt


def unjudged_run(version: Version, model: str = "test-model", cases: int = 3, **fields: Any) -> Run:
    """A finished run whose outputs were held to nothing."""
    suite = [{**case, "assertions": []} for case in suite_of(cases)]
    run = recorded_run(version, model, suite=suite, **fields)
    run.results.filter(error_kind="").update(passed=None, checks=[])
    count_run(run)
    rebuild_evidence(version.prompt)
    return run


def practice_run(version: Version) -> Run:
    return recorded_run(version, "practice", 10, [1, 2, 3], source=Source.PRACTICE)
