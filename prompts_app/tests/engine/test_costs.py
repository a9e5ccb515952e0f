"""A cost is as billed, else by the endpoint's own prices, else by the listed table; and it says which."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prompts_app.engine.prices import own_price, price_of_answer, sources_told, together, told_by
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    EndpointConfig,
    Message,
    Outcome,
    OwnPrice,
    Price,
    PromptContent,
    Reply,
)
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import QUICK, OddServer, answering, completion, http

USED = {"prompt_tokens": 1000, "completion_tokens": 100}
OWN = OwnPrice("", Decimal("1"), Decimal("0.25"), Decimal("10"), date(2026, 11, 29))


def run(
    server: OddServer,
    *assertions: Assertion,
    on_price: Callable[[Price], None] = lambda price: None,
    **endpoint: Any,
) -> Outcome:
    found: list[Outcome] = []
    case = Cell(0, 0, CaseContent("one", assertions=assertions))
    asyncio.run(
        run_cells(
            RunConfig(
                PromptContent((Message("user", "Hi"),)), "tiny-1", server.endpoint(**endpoint),
                concurrency=1, pacing=QUICK,
            ),
            [case], on_outcome=found.append, stop_reason=lambda: None, on_price=on_price,
        )
    )  # fmt: skip
    return found[0]


def cost_of(usage: dict[str, Any], headers: dict[str, str] | None = None, **endpoint: Any) -> Price:
    with answering(http(200, completion(usage={**USED, **usage}), headers)) as server:
        return run(server, **endpoint).price


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({"cost": 0.00413}, "0.00413"),
        ({"cost": 0}, "0"),
        ({"cost": "0.002"}, "0.002"),
        ({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.5}}, "0.5"),
        ({"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": 1}}, "1.05"),
        ({"cost": 0.05, "is_byok": False, "cost_details": {"upstream_inference_cost": 1}}, "0.05"),
        ({"cost_in_usd_ticks": 37756000}, "0.0037756"),
        ({"estimated_cost": 0.0001}, "0.0001"),
    ],
)
def test_what_the_provider_billed_counts_first(usage: dict[str, Any], dollars: str) -> None:
    price = cost_of(usage, {"x-litellm-response-cost": "9"}, prices=(OWN,))
    assert (price.dollars, told_by(price.source)) == (Decimal(dollars), "as billed by the provider")


@pytest.mark.parametrize(
    "cost", [None, True, -1, "free", "1_000", "１２", "-0", [], {}, 1e400, {"total_cost": None}]
)
def test_a_bill_that_is_none_is_not_read(cost: Any) -> None:
    assert cost_of({"cost": cost if cost != 1e400 else "1e400"}) == Price(None, "")


def test_what_a_failed_attempt_was_billed_counts_for_the_cap_and_not_for_the_answer() -> None:
    prices: list[Price] = []
    failed = completion("Half", usage={**USED, "cost": 0.3}, error={"message": "lost the node"})
    with answering(http(200, failed), http(200, completion(usage={**USED, "cost": 0.5}))) as server:
        outcome = run(server, on_price=prices.append)
    assert [price.dollars for price in prices] == [Decimal("0.3"), Decimal("0.5")]
    assert outcome.price.dollars == Decimal("0.5")


def test_litellm_tells_it_in_a_header_and_zero_there_says_nothing() -> None:
    price = cost_of({}, {"x-litellm-response-cost": "0.00021"}, prices=(OWN,))
    assert (price.dollars, told_by(price.source)) == (
        Decimal("0.00021"),
        "as counted by the gateway (LiteLLM)",
    )
    assert cost_of({}, {"x-litellm-response-cost": "0.0"}).dollars is None
    assert cost_of({}, {"x-litellm-response-cost": "None"}).dollars is None


def test_the_endpoints_own_prices_come_next_and_are_told_with_their_day() -> None:
    price = cost_of({"prompt_tokens_details": {"cached_tokens": 400}}, prices=(OWN,))
    assert price.dollars == Decimal("0.0017")  # 600 at 1, 400 at 0.25, 100 at 10
    assert told_by(price.source) == (
        "by the endpoint’s own prices of 29 Nov 2026 (1 in, 0.25 cached, 10 out a million)"
    )


def test_a_row_for_the_model_asked_comes_before_the_one_for_all() -> None:
    rows = (OWN, OwnPrice("models/tiny-1", Decimal(0), None, Decimal(0), date(2026, 1, 1)))
    assert cost_of({}, prices=rows).dollars == 0
    assert own_price(rows[1:], "other") is None


def test_the_table_knows_a_model_by_its_long_name_too() -> None:
    gemini = EndpointConfig("openai-compatible", "https://generativelanguage.googleapis.com/v1beta/openai")
    reply = Reply("x", "stop", "models/gemini-2.5-flash", None, None, 1000, 100, 1.0)
    price = price_of_answer(gemini, "gemini-2.5-flash", reply)
    assert price.dollars
    assert told_by(price.source).startswith("by the table genai-prices ")


def test_the_part_of_a_failure_costs_what_it_costs() -> None:
    body = completion(
        usage={**USED, "cost": 0.5}, choices=[{"message": {"content": "Ham"}, "finish_reason": "error"}]
    )
    with answering(http(200, body)) as server:
        outcome = run(server, Assertion("contains", "Hamburg"))
    assert outcome.fault
    assert (outcome.price.dollars, outcome.passed, outcome.checks) == (Decimal("0.5"), None, ())


def test_a_cost_assertion_sees_the_bill() -> None:
    with answering(http(200, completion(usage={**USED, "cost": 0.5}))) as server:
        outcome = run(server, Assertion("cost", threshold=0.4))
    assert outcome.passed is False


def test_several_sources_are_all_named() -> None:
    billed, listed = Price(Decimal(1), "billed by the provider"), Price(Decimal(2), "genai-prices 1")
    assert together([billed, listed]).dollars == 3
    assert together([billed, Price(None, "")]) == Price(None, "")
    cached = "genai-prices 1, cached tokens at their price"
    told = sources_told({"billed by the provider": 3, "genai-prices 1": 4, cached: 1})
    assert told == "5 by the table genai-prices 1, 3 as billed by the provider"
    assert sources_told({cached: 1}) == "by the table genai-prices 1"
    assert sources_told({}) == ""


# --- thinking ---------------------------------------------------------------------------------------------


def thinking(usage: dict[str, Any], reason: str = "length", content: Any = None, **message: Any) -> Any:
    message = {"role": "assistant", "content": content, **message}
    return completion(usage=usage, choices=[{"message": message, "finish_reason": reason}])


ALL = {"prompt_tokens": 11, "completion_tokens": 300, "completion_tokens_details": {"reasoning_tokens": 299}}


def test_an_answer_that_is_empty_because_thinking_used_the_limit_says_so() -> None:
    body = thinking(ALL, reasoning_content="First I look at the address. ")
    with answering(http(200, body)) as server:
        outcome = run(server, Assertion("contains", "Hamburg"), Assertion("latency", threshold=0.0))
    assert outcome.reply
    assert (outcome.reply.output, outcome.reply.tokens_reasoning, outcome.passed) == ("", 299, False)
    told = "No text: 299 of 300 tokens went into reasoning, and the token limit ended it."
    assert told in outcome.checks[0].reason
    assert "reasoning" not in outcome.checks[1].reason


def test_where_its_tokens_are_not_counted_its_characters_tell_of_it() -> None:
    body = thinking(USED, reasoning="Hm. Hm.")
    with answering(http(200, body)) as server:
        outcome = run(server, Assertion("contains", "Hamburg"))
    assert "all that came was reasoning, 7 characters of it" in outcome.checks[0].reason


def test_a_text_that_was_cut_off_is_judged_and_says_so() -> None:
    with answering(http(200, thinking(USED, content="Ham"))) as server:
        outcome = run(server, Assertion("contains", "Hamburg"), Assertion("contains", "Ham"))
    assert "Cut off: the token limit ended it." in outcome.checks[0].reason
    assert "Cut off" not in outcome.checks[1].reason


@pytest.mark.parametrize(
    ("usage", "model", "out", "reasoning"),
    [
        (ALL, "o3", 300, 299),
        ({**USED, "reasoning_tokens": 7}, "sonar", 100, 7),
        ({**USED, "output_tokens_details": {"reasoning_tokens": 8}}, "m", 100, 8),
        (
            {**USED, "total_tokens": 1150, "completion_tokens_details": {"reasoning_tokens": 50}},
            "grok",
            150,
            50,
        ),
        ({**USED, "total_tokens": 1967}, "gemini-2.5-pro", 967, 867),
        ({**USED, "total_tokens": 1967}, "other", 100, None),
        ({**USED, "total_tokens": 1100}, "gemini-2.5-pro", 100, None),
        (USED, "m", 100, None),
    ],
)
def test_thinking_is_counted_as_its_provider_does(
    usage: dict[str, Any], model: str, out: int, reasoning: int | None
) -> None:
    """xAI tells it beside the answer's tokens, Gemini only in the sum; both bill it as output."""
    with answering(http(200, completion("Hi", usage=usage, model=model))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.tokens_out, reply.tokens_reasoning) == (out, reasoning)


def test_a_limit_of_the_endpoint_ends_a_call() -> None:
    with answering([5.0]) as server:
        outcome = run(server, time_limit_s=0.1)
    assert outcome.fault
    assert (outcome.fault.kind, outcome.fault.message) == ("timeout", "No whole answer came within 0.1 s.")
