"""What a run would come to, said before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from prompts_app.actions.judge import needs_of_suite
from prompts_app.engine.prices import USUAL_OUTPUT_TOKENS, estimate, estimate_tokens
from prompts_app.engine.render import RenderError, render_messages
from prompts_app.engine.types import Case
from prompts_app.models import Endpoint, Version

_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Estimate:
    """``dollars`` is None where a price is not known; ``bounded`` when every answer's length is limited."""

    versions: int
    models: int
    cases: int
    repeats: int
    dollars: Decimal | None
    bounded: bool
    unpriced: tuple[str, ...]
    gradings: int  # by a judge, if one is chosen: each at least one call more, whose price is not in it

    @property
    def calls(self) -> int:
        return self.versions * self.models * self.cases * self.repeats


def estimate_of(
    versions: Sequence[Version],
    endpoint: Endpoint,
    models: Sequence[str],
    suite: Sequence[Case],
    repeats: int,
    *,
    drawn: bool = False,
) -> Estimate:
    """Prices from the table, lengths from the messages and the limits the author set. Of a picture nobody
    can say beforehand: with ``drawn``, no price is known."""
    limits = [_output_limit(version) for version in versions]
    sizes = [
        (_tokens_in(version, suite), (limit or USUAL_OUTPUT_TOKENS) * len(suite))
        for version, limit in zip(versions, limits, strict=True)
    ]
    sums = {
        model: [estimate(model, endpoint.base_url, tokens_in, tokens_out) for tokens_in, tokens_out in sizes]
        for model in models
    }
    unpriced = tuple(model for model, prices in sums.items() if drawn or None in prices)
    known = [price for prices in sums.values() for price in prices if price is not None]
    return Estimate(
        versions=len(versions),
        models=len(models),
        cases=len(suite),
        repeats=repeats,
        dollars=sum(known, Decimal(0)) * repeats if known and not unpriced else None,
        bounded=all(limit is not None for limit in limits),
        unpriced=unpriced,
        gradings=len(versions) * len(models) * needs_of_suite(suite).gradings * repeats,
    )


def _output_limit(version: Version) -> int | None:
    limits = [version.parameters.get(name) for name in _OUTPUT_LIMITS]
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)


def _tokens_in(version: Version, suite: Sequence[Case]) -> int:
    prompt = version.as_engine()
    total = 0
    for case in suite:
        try:
            messages = render_messages(prompt, case)
        except RenderError:
            messages = prompt.messages
        total += sum(estimate_tokens(message.content) for message in messages)
        total += sum(estimate_tokens(turn) for turn in case.turns)
    return total
