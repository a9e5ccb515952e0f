"""What a call cost: as its provider billed it, else by the endpoint's own prices, else by a listed table.

Where a price is from stands with it as its ``source``: ``BILLED`` or ``COUNTED``, ``OWN…`` with the
prices that were used, or the table's name and version. The table is the one that genai-prices ships: nothing
here touches the network, and the package's updater is never started. The package takes a third of a second
to import, so it is imported at the first price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from prompts_app.engine.types import Embedded, EndpointConfig, Json, OwnPrice, Price, Reply

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

BILLED = "billed by the provider"
COUNTED = "counted by the gateway (LiteLLM)"
TICKS = Decimal(10) ** 10  # of xAI, in a dollar: docs.x.ai, "Cost Tracking"
_NUMBER = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,3})?")
# Whatever was released last, of no version: where the table counts it to one, that may be another by now.
_MOVES = re.compile(r"[^0-9]*latest")
MOST = Decimal(1_000_000)  # dollars; more for one call is no bill

UNKNOWN = Price(None, "")
CACHED = ", cached tokens at their price"
OWN = "the endpoint’s own prices"
TOGETHER = ("https://api.together.ai", "https://api.together.xyz")  # two names; the table knows the second
MILLION = Decimal(1_000_000)
CHARACTERS_PER_TOKEN = 4
USUAL_OUTPUT_TOKENS = 500  # assumed for an estimate where the author set no limit


def price_of_answer(
    endpoint: EndpointConfig, asked: str, answer: Reply | Embedded, *, is_image: bool = False
) -> Price:
    """What the call to ``endpoint`` cost for which ``asked`` was the model; "unknown" where nothing tells.

    The table is asked for the model that answered, and for the one asked where it does not know that name.
    With ``is_image``, the answer's tokens are those of a picture.
    """
    if answer.billed is not None:
        return answer.billed
    tokens_out, cached = (answer.tokens_out, answer.tokens_cached) if isinstance(answer, Reply) else (0, None)
    named = tuple(dict.fromkeys(name for name in (answer.model, asked) if name))
    for name in named:
        found = price_of(
            name, endpoint.base_url, answer.tokens_in, tokens_out,
            cached=cached, is_image=is_image, own=own_price(endpoint.prices, *reversed(named)),
        )  # fmt: skip
        if found.dollars is not None:
            return found
    return UNKNOWN


def own_price(prices: Iterable[OwnPrice], *models: str) -> OwnPrice | None:
    """The row of the first of these models that has one, else the row for every other model."""
    rows = {_plain(row.model): row for row in prices}
    return next((rows[name] for name in (*map(_plain, models), "") if name in rows), None)


def own_price_from_json(row: Mapping[str, Json]) -> OwnPrice:
    """A row as it is stored: names and money as text, the date in ISO form."""
    cached = row.get("cached")
    return OwnPrice(
        str(row.get("model", "")),
        Decimal(row["tokens_in"]),
        None if cached is None else Decimal(cached),
        Decimal(row["tokens_out"]),
        date.fromisoformat(row["as_of"]),
    )


def _plain(model: str) -> str:
    """Gemini lists its models as "models/gemini-…", and answers to either name."""
    return model.strip().removeprefix("models/")


def together(prices: Iterable[Price]) -> Price:
    """What several calls cost: unknown as soon as one is. The sources are all named, each once."""
    parts = list(prices)
    known = [price.dollars for price in parts if price.dollars is not None]
    if not parts or len(known) < len(parts):
        return UNKNOWN
    sources = list(dict.fromkeys(price.source for price in parts))
    # The longer of two of one table says that there were cached tokens.
    named = [one for one in sources if not any(other != one and other.startswith(one) for other in sources)]
    return Price(sum(known, Decimal(0)), " and ".join(named))


def price_of(
    model: str,
    base_url: str,
    tokens_in: int | None,
    tokens_out: int | None,
    *,
    cached: int | None = None,
    is_image: bool = False,
    own: OwnPrice | None = None,
) -> Price:
    """The call's price in US dollars by ``own``, else by the table, or ``Price(None, "")``.

    Only a base URL of a provider the table knows has a price: the same open model on your own machine,
    or at somebody the table does not list, costs something we do not know. ``cached`` of the tokens that
    went in were not read anew, which most providers bill lower. With ``is_image``, the answer's tokens are
    those of a picture. Never raises.
    """
    if tokens_in is None or tokens_out is None or tokens_in < 0 or tokens_out < 0:
        return UNKNOWN
    of_cache = min(cached or 0, tokens_in)
    if own is not None:
        return _by_own(own, tokens_in, of_cache, tokens_out)
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out, "cache_read_tokens": of_cache}
    if is_image:
        usage["output_image_tokens"] = tokens_out
    found = _calculate(model, base_url, usage)
    return Price(found.total_price, source() + (CACHED if of_cache else "")) if found else UNKNOWN


def _by_own(own: OwnPrice, tokens_in: int, of_cache: int, tokens_out: int) -> Price:
    cached = own.tokens_in if own.cached is None else own.cached
    dollars = (tokens_in - of_cache) * own.tokens_in + of_cache * cached + tokens_out * own.tokens_out
    rates = [f"{own.tokens_in:f} in", f"{own.tokens_out:f} out"]
    if own.cached is not None:
        rates.insert(1, f"{own.cached:f} cached")
    return Price(dollars / MILLION, f"{OWN} of {own.as_of:%-d %b %Y} ({', '.join(rates)} a million)")


def _calculate(model: str, base_url: str, usage: dict[str, int]) -> PriceCalculation | None:
    if not model or not base_url.startswith("https://"):
        return None
    from genai_prices import Usage, calc_price

    name = _plain(model)
    try:
        found = calc_price(Usage(**usage), name, provider_api_url=base_url.replace(*TOGETHER))
    except (LookupError, ValueError):
        return None
    if _MOVES.fullmatch(name) and not found.model.id.endswith(name):
        return None
    # A model listed without prices would come out as free; that is not the same as costing nothing.
    prices = found.model_price
    return None if prices.input_mtok is None and prices.output_mtok is None else found


def source() -> str:
    """The table's name and version, as stored with each price."""
    return f"genai-prices {_version()}"


@cache
def _version() -> str:
    return version("genai-prices")


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` is (four characters each), for estimates only."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate(
    model: str,
    base_url: str,
    tokens_in: int,
    tokens_out: int = USUAL_OUTPUT_TOKENS,
    calls: int = 1,
    *,
    prices: Iterable[OwnPrice] = (),
) -> Decimal | None:
    """About what ``calls`` calls of these sizes cost in US dollars; ``None`` where no price is known."""
    dollars = price_of(model, base_url, tokens_in, tokens_out, own=own_price(prices, model)).dollars
    return None if dollars is None else dollars * calls


def sources_told(counts: Mapping[str, int]) -> str:
    """Where the costs of a run are from: "as billed by the provider"; where they are from several, how many
    are from each: "8 as billed by the provider, 2 by the table …"."""
    by_name: dict[str, int] = {}
    for source, count in counts.items():
        name = told_by(source.removesuffix(CACHED))
        by_name[name] = by_name.get(name, 0) + count
    if len(by_name) < 2:
        return next(iter(by_name), "")
    return ", ".join(
        f"{count} {name}" for name, count in sorted(by_name.items(), key=lambda one: (-one[1], one[0]))
    )


def told_by(source: str) -> str:
    """Where a cost is from, to stand after it: "as billed by the provider", "by the table genai-prices …".

    What came in a file names the tool it came from.
    """
    if not source:
        return ""
    if BILLED in source or COUNTED in source:
        return f"as {source}"
    return f"by the table {source}" if source.startswith("genai-prices") else f"by {source}"


# --- what a provider says it billed -----------------------------------------------------------------------


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
