"""What a call cost, from the price table that genai-prices ships. Nothing here touches the network."""

from __future__ import annotations

from decimal import Decimal

from prompts_app.engine.types import Price

UNKNOWN = Price(None, "")


def price_of(model: str, base_url: str, tokens_in: int | None, tokens_out: int | None) -> Price:
    """The call's price in US dollars, or ``Price(None, "")`` where the table has no such model.

    Only a base URL of a provider the table knows has a price: the same open model on your own machine,
    or at somebody the table does not list, costs something we do not know. Never raises.
    """
    raise NotImplementedError


def table_label() -> str:
    """The table's name and date, for example ``genai-prices 0.2.3, prices of 12 Nov 2026``."""
    raise NotImplementedError


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` is (four characters each), for estimates only."""
    raise NotImplementedError


def estimate(model: str, base_url: str, tokens_in: int, tokens_out: int, calls: int) -> Decimal | None:
    """About what ``calls`` calls of these sizes cost in US dollars; ``None`` where no price is known."""
    raise NotImplementedError
