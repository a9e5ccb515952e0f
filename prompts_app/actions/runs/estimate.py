"""What a run would come to, said before anything is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from prompts_app.actions.runs.judge import JudgeChoice, needs_of_suite
from prompts_app.engine.assertions import kind_of, not_run
from prompts_app.engine.assertions.graded import rubric_of
from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.assertions.sets import each_of
from prompts_app.engine.case_pictures import digest_of
from prompts_app.engine.comparing import SELECT_BEST
from prompts_app.engine.errors import RenderError
from prompts_app.engine.prices import USUAL_OUTPUT_TOKENS, estimate, estimate_tokens
from prompts_app.engine.render import render_messages
from prompts_app.engine.tool_steps import USUAL_STEPS
from prompts_app.engine.types import Assertion, CaseContent, PicturedMessage, Sent
from prompts_app.models import Endpoint, Version

_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
# Tokens of what a judge is told beside the material, and of its answer; both are guesses.
JUDGE_TOLD, JUDGE_SAYS = 250, 100
PICTURE_TOKENS = 1_100  # a page as OpenAI counts it in tiles; others count otherwise


@dataclass(frozen=True, slots=True)
class Estimate:
    """``dollars`` is None where a price is not known; ``bounded`` when every answer's length is limited, and
    it is known how many there are: nobody knows how often a model will call tools."""

    versions: int
    models: int
    cases: int
    repeats: int
    settings: int
    dollars: Decimal | None
    bounded: bool
    unpriced: tuple[str, ...]
    gradings: int  # by a judge, if one is chosen: each at least one call more, whose price is not in dollars
    judge_dollars: Decimal | None = None  # for all gradings; None without a judge or a price

    @property
    def calls(self) -> int:
        return self.versions * self.models * self.settings * self.cases * self.repeats


def estimate_of(
    versions: Sequence[Version],
    endpoint: Endpoint,
    models: Sequence[str],
    suite: Sequence[CaseContent],
    repeats: int,
    *,
    is_image: bool = False,
    judge: JudgeChoice | None = None,
    settings: int = 1,
) -> Estimate:
    """Prices from the endpoint or the table, lengths from the messages and the limits the author set.

    Of a picture nobody can say beforehand: with ``is_image``, no price is known. What ``judge`` costs is
    apart. ``settings``: how many columns each model has; what more thinking costs is in no estimate.
    """
    limits = [_output_limit(version) for version in versions]
    sizes = [
        (_tokens_in(version, suite), (limit or USUAL_OUTPUT_TOKENS) * sum(map(_answers, suite)))
        for version, limit in zip(versions, limits, strict=True)
    ]
    sums = {
        model: [
            estimate(model, endpoint.base_url, tokens_in, tokens_out, prices=endpoint.own_prices)
            for tokens_in, tokens_out in sizes
        ]
        for model in models
    }
    unpriced = tuple(model for model, prices in sums.items() if is_image or None in prices)
    known = [price for prices in sums.values() for price in prices if price is not None]
    return Estimate(
        versions=len(versions),
        models=len(models),
        cases=len(suite),
        repeats=repeats,
        dollars=sum(known, Decimal(0)) * repeats * settings if known and not unpriced else None,
        bounded=all(limit is not None for limit in limits) and not any(case.tool_results for case in suite),
        unpriced=unpriced,
        settings=settings,
        gradings=len(versions) * len(models) * settings * needs_of_suite(suite).gradings * repeats,
        judge_dollars=_judging(versions, len(models) * settings, suite, repeats, judge) if judge else None,
    )


def _judging(
    versions: Sequence[Version], models: int, suite: Sequence[CaseContent], repeats: int, judge: JudgeChoice
) -> Decimal | None:
    """About what grading all outputs costs; None where a price is not known, or nothing is graded."""
    sizes = [_grading(version, case, one) for version in versions for case in suite for one in _graded(case)]
    told, said, embedded = (sum(part) for part in zip(*sizes, strict=True)) if sizes else (0, 0, 0)
    url, own, prices = judge.endpoint.base_url, judge.endpoint.own_prices, list[Decimal | None]()
    if told:
        prices.append(estimate(judge.model, url, told, said, prices=own))
    if embedded:
        prices.append(estimate(judge.embedding_model or judge.model, url, embedded, 0, prices=own))
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) * models * repeats if prices and len(known) == len(prices) else None


def _graded(case: CaseContent) -> list[tuple[AssertionKind, Assertion]]:
    run_here = (one for one in each_of(case.assertions) if not not_run(one))
    kinds = [(kind_of(assertion.type), assertion) for assertion in run_here]
    return [(kind, assertion) for kind, assertion in kinds if kind is not None and kind.needs_judge]


def _grading(
    version: Version, case: CaseContent, graded: tuple[AssertionKind, Assertion]
) -> tuple[int, int, int]:
    """Tokens to the judge, from it, and to its embedding model, for one output. In ``select-best``, an
    output's share of the comparison."""
    kind, assertion = graded
    output = _output_limit(version) or USUAL_OUTPUT_TOKENS
    rubric = 0 if assertion.value is None else estimate_tokens(rubric_of(assertion.value))
    question = 0 if kind.name == SELECT_BEST else _tokens_in(version, [case])
    # g-eval asks twice for each criterion: for its steps, and for the score.
    calls = 2 * len(assertion.value) if kind.name == "g-eval" and isinstance(assertion.value, list) else 1
    told = (JUDGE_TOLD + rubric + question + output) * calls
    asked = (told, JUDGE_SAYS * calls) if kind.asks else (0, 0)
    return (*asked, output + rubric if kind.embeds else 0)


def _output_limit(version: Version) -> int | None:
    limits = [version.parameters.get(name) for name in _OUTPUT_LIMITS]
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)


def _tokens_in(version: Version, suite: Sequence[CaseContent]) -> int:
    prompt = version.as_engine()
    total = 0
    for case in suite:
        try:
            messages = render_messages(prompt, case)
        except RenderError:
            messages = prompt.messages
        total += sum(map(_tokens_of, messages)) * _answers(case)
        total += sum(estimate_tokens(one.result) for one in case.tool_results)
        total += sum(estimate_tokens(turn) for turn in case.turns)
    return total


def _tokens_of(message: Sent) -> int:
    pictures = sum(map(bool, map(digest_of, message.parts))) if isinstance(message, PicturedMessage) else 0
    return estimate_tokens(message.content) + PICTURE_TOKENS * pictures


def _answers(case: CaseContent) -> int:
    """How many are asked for it, turns apart: one more for each tool that has a canned result."""
    most = USUAL_STEPS if case.most_steps is None else case.most_steps
    return 1 + min(len({one.tool for one in case.tool_results}), most)
