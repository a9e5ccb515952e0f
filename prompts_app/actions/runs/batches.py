"""Batches: what one may be, and an author's as lists show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from prompts_app.actions.runs.judge import LONGEST_MODEL, JudgeChoice, what_is_wrong_with
from prompts_app.engine.errors import Refused, RenderError
from prompts_app.engine.render import render_messages
from prompts_app.engine.run import conversation
from prompts_app.engine.types import CaseContent
from prompts_app.models import Batch, Endpoint, Prompt, Run, User, Version
from prompts_app.models.endpoints import CHAT, IMAGES

MOST_RUNS = 20  # in one batch
MOST_CALLS = 10_000  # in one batch
MOST_REPEATS = 20
HIGHEST_CAP = Decimal(100_000)  # US dollars
SMALLEST_CAP = Decimal("0.0001")  # that the column holds


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What to ask, where: one run for each version × model × setting.

    ``settings`` are parameters in place of a version's own; {} for those alone. With
    ``judges_after_thinking`` assertions look at what follows ``</think>``.

    ``cost_cap`` is in US dollars for the whole batch, the judge's calls included. ``judge`` grades what a
    model has to grade; it is forgotten where the suite has nothing of the kind. With the
    ``api`` IMAGES the outputs are pictures; texts are asked for where the endpoint says. ``stream``: texts
    are asked for in pieces.
    """

    versions: Sequence[Version]
    endpoint: Endpoint
    models: Sequence[str]
    repeats: int = 1
    cost_cap: Decimal | None = None
    judge: JudgeChoice | None = None
    api: str = CHAT
    settings: Sequence[Mapping[str, str]] = ({},)
    judges_after_thinking: bool = False
    stream: bool = False

    @property
    def asks_at(self) -> str:
        """The API that the calls go to."""
        return self.endpoint.api if self.api == CHAT else self.api

    @property
    def runs(self) -> int:
        return len(self.versions) * len(self.models) * len(self.settings)


def check_can_run(prompt: Prompt, plan: BatchPlan) -> None:
    """Raises Refused where starting it would make no sense."""
    suite = prompt.suite()
    reasons = (
        _what_is_missing(plan, suite),
        _what_is_too_much(plan, len(suite)),
        _what_is_wrong(prompt, plan),
        _value_missing(plan.versions, suite),
        _turns_left(plan.versions, suite) if plan.api == IMAGES else "",
        what_is_wrong_with(plan.judge, plan.endpoint, suite) if plan.judge else "",
    )
    for reason in reasons:
        if reason:
            raise Refused("run", reason)


def _what_is_missing(plan: BatchPlan, suite: Sequence[CaseContent]) -> str:
    if not plan.versions:
        return "Choose at least one version. A prompt without one has nothing to send yet: save it first."
    if not plan.models or not all(model.strip() for model in plan.models):
        return "Name at least one model."
    if not suite:
        return "This prompt has no test case yet. Add one, then run."
    return ""


def _what_is_too_much(plan: BatchPlan, cases: int) -> str:
    if not 1 <= plan.repeats <= MOST_REPEATS:
        return f"Repeats are between 1 and {MOST_REPEATS}."
    if plan.runs > MOST_RUNS:
        return (
            f"That is {plan.runs} runs; {MOST_RUNS} at a time is the most. Choose fewer versions or models."
        )
    calls = plan.runs * cases * plan.repeats
    if calls > MOST_CALLS:
        return (
            f"That is {calls:,} calls; {MOST_CALLS:,} at a time is the most. Choose fewer, or fewer repeats."
        )
    return ""


def _what_is_wrong(prompt: Prompt, plan: BatchPlan) -> str:
    is_own = plan.endpoint.owner_id == prompt.owner_id
    if not is_own or any(version.prompt_id != prompt.pk for version in plan.versions):
        return "These do not belong together. Load the page again and choose anew."
    if len(set(plan.models)) < len(plan.models):
        return "A model is named twice. Name each once; to ask more often, use repeats."
    if any(len(model) > LONGEST_MODEL for model in plan.models):
        return f"A model's name has at most {LONGEST_MODEL} characters."
    return "" if plan.cost_cap is None else _cap_problem(plan.cost_cap)


def _cap_problem(cost_cap: Decimal) -> str:
    """A Decimal may be NaN, infinite, or more than the column holds."""
    if not cost_cap.is_finite() or cost_cap > HIGHEST_CAP:
        return f"The cost cap is a number of US dollars up to {HIGHEST_CAP:,}. Leave it empty for none."
    return "" if cost_cap >= SMALLEST_CAP else "The cost cap is more than 0. Leave it empty for none."


def _value_missing(versions: Sequence[Version], suite: Sequence[CaseContent]) -> str:
    for version in versions:
        prompt = version.as_engine()
        for case in suite:
            try:
                render_messages(prompt, case)
            except RenderError as error:
                return (
                    f"The case “{case.name}” has no value for {{{{{error.name}}}}}, which {version} uses. "
                    "Give it one in the case, or a default in the prompt."
                )
    return ""


def _turns_left(versions: Sequence[Version], suite: Sequence[CaseContent]) -> str:
    """The images API takes one text: a first turn may be that text, a further one has no place."""
    for version in versions:
        for case in suite:
            if conversation(version.as_engine(), case)[1]:
                return (
                    f"The case “{case.name}” has further turns, and the images API takes one text. Take the "
                    "turns out, or ask for texts."
                )
    return ""


def batches_of(author: User) -> QuerySet[Batch, Any]:
    """Newest first, each with its runs, without their suites, and ``under_way``: how many have not ended."""
    lines = Run.objects.select_related("version").defer("suite").order_by("pk")
    batches = Batch.objects.filter(prompt__owner=author, prompt__deleted_at=None).select_related(
        "prompt__owner"
    )
    under_way = Q(runs__state__in=Run.UNDER_WAY)
    counted = batches.annotate(under_way=Count("runs", filter=under_way))
    return counted.prefetch_related(Prefetch("runs", lines)).order_by("-created_at", "-pk")
