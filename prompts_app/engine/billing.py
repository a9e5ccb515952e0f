"""What a provider says it billed for a call, in US dollars."""

import re
from collections.abc import Mapping
from decimal import Decimal

from prompts_app.engine.types import Json, Price

BILLED = "billed by the provider"
COUNTED = "counted by the gateway (LiteLLM)"
TICKS = Decimal(10) ** 10  # of xAI, in a dollar: docs.x.ai, "Cost Tracking"
_NUMBER = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,3})?")
MOST = Decimal(1_000_000)  # dollars; more for one call is no bill


def bill_of(usage: Json, headers: Mapping[str, str]) -> Price | None:
    """As ``usage`` says it (OpenRouter's, Perplexity's, xAI's or DeepInfra's way), else LiteLLM's header.

    ``None`` where nothing is said. LiteLLM says 0 of a model it has no price of, so there 0 says nothing.
    """
    usage = usage if isinstance(usage, dict) else {}
    if (dollars := _in_usage(usage)) is not None:
        return Price(dollars, BILLED)
    counted = _dollars(headers.get("x-litellm-response-cost"))
    return Price(counted, COUNTED) if counted else None


def _in_usage(usage: Mapping[str, Json]) -> Decimal | None:
    cost = usage.get("cost")
    if isinstance(cost, dict):  # Perplexity: parts, and their sum
        return _dollars(cost.get("total_cost"))
    billed = _dollars(cost)
    if billed is not None and usage.get("is_byok") is True:
        # OpenRouter with the author's own key: its fee, and what the provider takes beside it.
        details = usage.get("cost_details")
        upstream = _dollars(details.get("upstream_inference_cost")) if isinstance(details, dict) else None
        return None if upstream is None else billed + upstream
    if billed is None and (ticks := _dollars(usage.get("cost_in_usd_ticks"), most=MOST * TICKS)) is not None:
        return ticks / TICKS
    return _dollars(usage.get("estimated_cost")) if billed is None else billed


def _dollars(value: Json, most: Decimal = MOST) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not _NUMBER.fullmatch(text := str(value).strip()):
        return None
    return dollars if (dollars := Decimal(text)) < most else None
