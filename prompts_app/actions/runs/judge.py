"""Who grades a run: what a suite needs of a judge, and which judges make sense."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prompts_app.actions.runs.learned import refused_by
from prompts_app.engine import types as engine
from prompts_app.engine.assertions import kind_of, not_run
from prompts_app.engine.assertions.sets import each_of
from prompts_app.engine.types import Assertion, CaseContent, Json
from prompts_app.models import Batch, Endpoint, Run

LONGEST_MODEL = 200  # characters of its name


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """A judge as the author chose it. Either model may be "" where the suite has no use for it."""

    endpoint: Endpoint
    model: str = ""
    embedding_model: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)  # sent with each question to the model


@dataclass(frozen=True, slots=True)
class JudgeNeeds:
    """What a suite wants of a judge: ``asks`` to grade, ``embeds`` to compare meanings; how many times."""

    asks: bool
    embeds: bool
    gradings: int  # graded assertions in the suite: each at least one call an output

    def __bool__(self) -> bool:
        return self.asks or self.embeds


def needs_of_suite(suite: Iterable[CaseContent]) -> JudgeNeeds:
    return needs_of(assertion for case in suite for assertion in case.assertions)


def needs_of(assertions: Iterable[Assertion]) -> JudgeNeeds:
    kinds = [
        kind
        for assertion in each_of(assertions)
        if (kind := kind_of(assertion.type)) and kind.needs_judge and not not_run(assertion)
    ]
    return JudgeNeeds(any(kind.asks for kind in kinds), any(kind.embeds for kind in kinds), len(kinds))


def what_is_wrong_with(judge: JudgeChoice, asked: Endpoint, suite: Sequence[CaseContent]) -> str:
    """Why this judge makes no sense for a run on ``asked``, as a sentence; "" where it does."""
    needs = needs_of_suite(suite)
    if judge.endpoint.owner_id != asked.owner_id:
        return "These do not belong together. Load the page again and choose anew."
    if judge.endpoint.is_practice and not asked.is_practice:
        return "Practice cannot judge what a model said. Choose an endpoint with a model that can."
    if needs.asks and not judge.model:
        return "Name the judge’s model: this suite has assertions that a model grades."
    if needs.embeds and not judge.embedding_model:
        return "Name the judge’s embedding model: this suite has assertions that compare meanings."
    if any(len(name) > LONGEST_MODEL for name in (judge.model, judge.embedding_model)):
        return f"A model’s name has at most {LONGEST_MODEL} characters."
    return ""


def columns_of(judge: JudgeChoice | None, model: type[Batch | Run]) -> dict[str, object]:
    """The choice as a batch's or a run's columns hold it."""
    if judge is None:
        return {}
    names: dict[str, object] = {
        "judge_model": judge.model,
        "judge_embedding_model": judge.embedding_model,
        "judge_parameters": dict(judge.parameters),
    }
    if model is Batch:
        return {"judge_endpoint": judge.endpoint, **names}
    names |= {"judge_endpoint_name": judge.endpoint.name, "judge_endpoint_url": judge.endpoint.base_url}
    return names


class JudgeGone(Exception):
    """The judge's endpoint was deleted meanwhile."""


def judge_of(batch: Batch | None) -> engine.Judge | None:
    """The batch's judge with its key in clear, for the moment of asking; ``None`` where none was chosen.

    Raises JudgeGone, KeyUnreadable.
    """
    if batch is None or not (batch.judge_model or batch.judge_embedding_model):
        return None
    if batch.judge_endpoint is None:
        raise JudgeGone
    return engine.Judge(
        batch.judge_endpoint.as_engine(),
        batch.judge_model,
        batch.judge_embedding_model,
        batch.judge_parameters,
        refused_by(batch.judge_endpoint, batch.judge_model),
    )
