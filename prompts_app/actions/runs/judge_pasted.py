"""A judge asked, at the author's word, about outputs they pasted.

What the judge was asked and said is recorded as ever; the outputs stay pasted ones, level 0. Somebody is
waiting for the page, so only so much is asked at once: what is left can be asked again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from prompts_app.actions.pictures.case_pictures import PictureSpool, digests_of_run
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.judge import LONGEST_MODEL, JudgeChoice, JudgeNeeds, needs_of
from prompts_app.actions.runs.learned import refused_by, remember
from prompts_app.actions.runs.outcomes import as_stored
from prompts_app.engine import types as engine
from prompts_app.engine.assertions import check
from prompts_app.engine.assertions.judging import JudgedOutput
from prompts_app.engine.assertions.stored import calls_of, check_json, verdict_of_stored
from prompts_app.engine.checking import filled
from prompts_app.engine.digests import case_from_json
from prompts_app.engine.endpoints import open_endpoint
from prompts_app.engine.endpoints.cancellation import CUT_SHORT, Cancellation
from prompts_app.engine.endpoints.pacing import Pacing
from prompts_app.engine.errors import JudgeFailed, Refused, RenderError
from prompts_app.engine.grading import Graded, JudgeSetup, grade, is_graded, judged_output_of
from prompts_app.engine.picture_asker import PictureAsker, ReadPicture
from prompts_app.engine.render import values_for
from prompts_app.engine.run import conversation
from prompts_app.engine.types import Assertion, Price, Reply, Request
from prompts_app.models import KeyUnreadable, Result, Run, Source
from prompts_app.models.text import storable_json

ALTOGETHER_S = 45.0
A_CALL_S = 30.0
PACING = Pacing(attempts=2, wait_budget_s=5.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One output with what is to be graded of it: assertions by their places among the checks."""

    result: Result
    judged: JudgedOutput
    open: Mapping[int, Assertion]


@dataclass(frozen=True, slots=True)
class Judged:
    """How many outputs the judge gave its verdicts on, and how many are left; why, where a judge failed."""

    graded: int
    left: int
    why: str = ""


def waiting_for_judge(run: Run) -> list[Asked]:
    """The run's outputs that a judge could still grade, in order."""
    unjudged = run.results.filter(passed=None, error_kind="").order_by("case_index", "repeat")
    version = run.version.as_engine()
    with_text = (result for result in unjudged if not result.picture)
    return [asked for result in with_text if (asked := _asked(result, version, run)) is not None]


def needs_of_waiting(waiting: Iterable[Asked]) -> JudgeNeeds:
    return needs_of(assertion for asked in waiting for assertion in asked.open.values())


def _asked(result: Result, version: engine.PromptContent, run: Run) -> Asked | None:
    """None where there is nothing to grade, or where it cannot be told what it was an answer to."""
    case = case_from_json(run.suite[result.case_index])
    values = values_for(version, case)
    places = {
        place: filled(assertion, values)
        for place, (assertion, check) in enumerate(zip(case.assertions, result.checks, strict=False))
        if check.get("passed") is None and is_graded(assertion)
    }
    if not places:
        return None
    with suppress(RenderError):
        opening, turns = conversation(version, case)
        messages = (*opening, *turns)
        reply = Reply(result.output, None, None, None, None, None, None, 0.0)
        return Asked(result, judged_output_of(Request(run.model, messages), reply, values), places)
    return None


def check_can_ask(run: Run, judge: JudgeChoice, waiting: Sequence[Asked]) -> None:
    """Raises Refused."""
    needs = needs_of_waiting(waiting)
    if run.source != Source.PASTED or judge.endpoint.owner_id != run.prompt.owner_id:
        raise Refused("judging", "These do not belong together. Load the page again and choose anew.")
    if not waiting:
        raise Refused("judging", "There is nothing to grade any more.")
    if judge.endpoint.is_practice:
        raise Refused("judging", "Practice cannot judge what a model said. Choose an endpoint with a model.")
    if needs.asks and not judge.model:
        raise Refused("judging", "Name the judge’s model.")
    if needs.embeds and not judge.embedding_model:
        raise Refused("judging", "Name the judge’s embedding model: some assertions compare meanings.")
    if any(len(name) > LONGEST_MODEL for name in (judge.model, judge.embedding_model)):
        raise Refused("judging", f"A model’s name has at most {LONGEST_MODEL} characters.")


def judge_pasted(run: Run, judge: JudgeChoice, *, cost_cap: Decimal | None = None) -> Judged:
    """Have what waits graded, for at most about ALTOGETHER_S, and count the run anew.

    Once the known cost of the calls has come to ``cost_cap`` US dollars, no further call is begun. Raises
    Refused.
    """
    waiting = waiting_for_judge(run)
    check_can_ask(run, judge, waiting)
    try:
        engine_judge = engine.Judge(
            judge.endpoint.as_engine(),
            judge.model,
            judge.embedding_model,
            judge.parameters,
            refused_by(judge.endpoint, judge.model),
        )
    except KeyUnreadable as unreadable:
        raise Refused("judging", str(unreadable)) from None
    limits = _Limits(cost_cap)
    with closing(PictureSpool(run.prompt_id, digests_of_run(run.pk))) as pictures:
        found = asyncio.run(_all_graded(waiting, engine_judge, limits, pictures.read))
    remember(judge.endpoint, judge.model, engine_judge.learned)
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(
            judge_endpoint_name=judge.endpoint.name,
            judge_endpoint_url=judge.endpoint.base_url,
            judge_model=judge.model,
            judge_embedding_model=judge.embedding_model,
            judge_parameters=dict(judge.parameters),
        )
        done = sum(_keep(asked, graded) for asked, graded in found)
        run = Run.objects.select_related("prompt").get(pk=run.pk)
        count_run(run)
        rebuild_evidence(run.prompt)
    failures = (graded.failure for _, graded in found if graded.failure)
    failed = next((fault.message for fault in failures if fault.cause != CUT_SHORT), "")
    return Judged(done, len(waiting) - done, failed or limits.why)


class _Limits:
    """When nothing further is asked: the time is up, or the cost cap was reached."""

    def __init__(self, cap: Decimal | None) -> None:
        self._cap, self._spent = cap, Decimal(0)
        self.why = ""  # in a sentence, where it was the cap

    def add(self, price: Price) -> None:
        self._spent += price.dollars or 0

    def check(self) -> None:
        """Raises ``JudgeFailed`` where no further call is to be made."""
        if self._cap is not None and self._spent >= self._cap:
            self.why = f"The cost cap of ${self._cap.normalize():f} was reached."
            raise JudgeFailed("The cost cap was reached before the judge was asked.", CUT_SHORT)


async def _all_graded(
    waiting: Sequence[Asked], judge: engine.Judge, limits: _Limits, read_picture: ReadPicture
) -> list[tuple[Asked, Graded]]:
    """Those the judge was asked about, in their order. Where the time is up, calls in flight are ended, and
    what was paid for before is kept all the same."""
    at_once, cancellation = asyncio.Semaphore(settings.ENDPOINT_CONCURRENCY), Cancellation()
    async with open_endpoint(judge.endpoint, settings.ENDPOINT_CONCURRENCY, PACING) as asker:
        setup = JudgeSetup(
            judge,
            PictureAsker(cancellation.hold(asker), read_picture),
            min(A_CALL_S, judge.endpoint.time_limit_s),
            limits.check,
            limits.add,
        )

        async def one(asked: Asked) -> tuple[Asked, Graded]:
            async with at_once:
                return asked, await grade(*_unjudged(asked), asked.judged, setup)

        tasks = [asyncio.create_task(one(asked)) for asked in waiting]
        await asyncio.wait(tasks, timeout=ALTOGETHER_S)
        cancellation.end()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        if failed := next((one for one in found if isinstance(one, Exception)), None):
            raise failed
        # Where this process ends meanwhile, what came before is kept.
        return [one for one in found if not isinstance(one, BaseException) and _was_asked(one[1])]


def _was_asked(graded: Graded) -> bool:
    """Not where the time, or the money, was up before the first call: then there is nothing to tell."""
    told = graded.failure is None or graded.failure.cause != CUT_SHORT
    return told or bool(calls_of(graded.checks))


def _unjudged(asked: Asked) -> tuple[list[engine.Check], list[Assertion]]:
    assertions = list(asked.open.values())
    checks = [check(one, engine.Answer(asked.result.output)) for one in assertions]
    return checks, assertions


def _keep(asked: Asked, graded: Graded) -> bool:
    """Store the verdicts, unless another output was pasted meanwhile; whether there is one on each."""
    stored = Result.objects.select_for_update().filter(pk=asked.result.pk).first()
    if stored is None or stored.output != asked.result.output:
        return False
    checks: list[dict[str, Any]] = list(stored.checks)
    for place, one in zip(asked.open, graded.checks, strict=True):
        if one.passed is not None or calls_of([one]):
            checks[place] = storable_json(check_json(one))
    stored.checks, stored.passed = checks, verdict_of_stored(checks, stored.case_threshold)
    if graded.price is not None:
        stored.judge_cost = as_stored(_sum(stored, graded.price))
        stored.judge_calls += len(calls_of(graded.checks))
    stored.save(update_fields=["checks", "passed", "judge_cost", "judge_calls"])
    return graded.failure is None


def _sum(stored: Result, price: Price) -> Decimal | None:
    before = stored.judge_cost if stored.judge_calls else Decimal(0)
    return None if before is None or price.dollars is None else before + price.dollars
