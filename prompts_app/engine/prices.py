"""What a call cost, from the price table that genai-prices ships.

Nothing here touches the network: the table is the installed package's own, and its updater is never
started. The package takes a third of a second to import, so it is imported at the first price.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from prompts_app.engine.types import Price

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

UNKNOWN = Price(None, "")
CACHED = ", cached tokens at their price"
CHARACTERS_PER_TOKEN = 4
USUAL_OUTPUT_TOKENS = 500  # assumed for an estimate where the author set no limit


def price_of(
    model: str,
    base_url: str,
    tokens_in: int | None,
    tokens_out: int | None,
    *,
    cached: int | None = None,
    drawn: bool = False,
) -> Price:
    """The call's price in US dollars, or ``Price(None, "")`` where the table has no such model.

    Only a base URL of a provider the table knows has a price: the same open model on your own machine,
    or at somebody the table does not list, costs something we do not know. ``cached`` of the tokens that
    went in were not read anew, which most providers bill lower. With ``drawn``, the answer's tokens are those
    of a picture. Never raises.
    """
    if tokens_in is None or tokens_out is None or tokens_in < 0 or tokens_out < 0:
        return UNKNOWN
    of_cache = min(cached or 0, tokens_in)
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out, "cache_read_tokens": of_cache}
    if drawn:
        usage["output_image_tokens"] = tokens_out
    found = _calculate(model, base_url, usage)
    return Price(found.total_price, source() + (CACHED if of_cache else "")) if found else UNKNOWN


def _calculate(model: str, base_url: str, usage: dict[str, int]) -> PriceCalculation | None:
    if not model or not base_url.startswith("https://"):
        return None
    from genai_prices import Usage, calc_price

    try:
        found = calc_price(Usage(**usage), model, provider_api_url=base_url)
    except (LookupError, ValueError):
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


@cache
def table_label() -> str:
    """The table's version and how recent it is: "genai-prices 0.2.3, latest dated price 28 Sep 2026".

    The package carries no date of its own, so the newest date a price in it starts at has to do.
    """
    today = datetime.now(tz=UTC).date()
    newest = max((day for day in _starting_dates() if day <= today), default=None)
    return f"{source()}, latest dated price {newest:%-d %b %Y}" if newest else source()


def _starting_dates() -> Iterator[date]:
    from genai_prices.data import providers

    for provider in providers:
        for model in provider.models:
            for price in model.prices if isinstance(model.prices, list) else ():
                start = getattr(price.constraint, "start_date", None)
                if isinstance(start, date):
                    yield start


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` is (four characters each), for estimates only."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate(
    model: str, base_url: str, tokens_in: int, tokens_out: int = USUAL_OUTPUT_TOKENS, calls: int = 1
) -> Decimal | None:
    """About what ``calls`` calls of these sizes cost in US dollars; ``None`` where no price is known."""
    dollars = price_of(model, base_url, tokens_in, tokens_out).dollars
    return None if dollars is None else dollars * calls
