"""Prices come from the table or are unknown; never zero for want of knowing."""

import socket
from decimal import Decimal

import pytest

from prompts_app.engine.prices import UNKNOWN, estimate, estimate_tokens, price_of

OPENAI = "https://api.openai.com/v1"


def test_a_known_model_has_a_price_and_names_its_table() -> None:
    price = price_of("gpt-4o-mini", OPENAI, 1_000_000, 0)
    assert price.dollars == Decimal("0.15")
    assert price.source.startswith("genai-prices ")


def test_tokens_the_provider_had_kept_cost_what_those_cost() -> None:
    whole, cached = (price_of("gpt-4o", OPENAI, 1000, 10, cached=cached) for cached in (0, 800))
    assert (whole.dollars, cached.dollars) == (Decimal("0.0026"), Decimal("0.0016"))
    assert "cached" in cached.source
    assert "cached" not in whole.source
    assert len(cached.source) <= 60  # as the column holds it


def test_more_cached_than_was_sent_is_all_of_it() -> None:
    assert price_of("gpt-4o", OPENAI, 10, 0, cached=50) == price_of("gpt-4o", OPENAI, 10, 0, cached=10)


def test_no_network_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("a price was looked up on the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert price_of("gpt-4o-mini", OPENAI, 1, 1) != UNKNOWN


@pytest.mark.parametrize(
    ("model", "base_url", "tokens_in", "tokens_out"),
    [
        ("gpt-4o-mini", "http://localhost:11434/v1", 1, 1),
        ("gpt-4o-mini", "https://llm.example.org/v1", 1, 1),
        ("practice-1", "", 1, 1),
        ("no-such-model", OPENAI, 1, 1),
        ("gpt-4o-mini", OPENAI, None, 1),
        ("gpt-4o-mini", OPENAI, 1, None),
        ("gpt-4o-mini", OPENAI, -1, 1),
        ("", OPENAI, 1, 1),
        ("gpt-4.1", "https://api.githubcopilot.com", 1, 1),  # listed without prices
    ],
)
def test_what_is_not_known_is_unknown_and_not_free(
    model: str, base_url: str, tokens_in: int | None, tokens_out: int | None
) -> None:
    assert price_of(model, base_url, tokens_in, tokens_out) == UNKNOWN


# Names of 2026 as their vendors give them; what they cost changes, that they cost something does not.
KNOWN = [
    (OPENAI, "gpt-5.5 gpt-5.4-mini gpt-5-nano gpt-4.1 o3 gpt-5-chat-latest"),
    ("https://me.openai.azure.com/openai/v1", "gpt-5.4 gpt-4o-2024-11-20"),
    ("https://me.services.ai.azure.com/openai/v1", "gpt-5"),
    ("https://api.anthropic.com/v1",
     "claude-opus-4-8 claude-sonnet-5 claude-haiku-4-5 claude-sonnet-4-5-20250929"),
    ("https://generativelanguage.googleapis.com/v1beta/openai",
     "gemini-3.1-pro-preview gemini-3.5-flash models/gemini-2.5-flash gemini-2.5-flash-lite"),
    ("https://openrouter.ai/api/v1", "openai/gpt-5 anthropic/claude-sonnet-4.5 deepseek/deepseek-chat"),
    ("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile openai/gpt-oss-120b"),
    ("https://api.mistral.ai/v1", "mistral-large-2512 mistral-small-2603 mistral-small-latest"),
    ("https://api.deepseek.com/v1", "deepseek-chat deepseek-v4-pro"),
    ("https://api.x.ai/v1", "grok-4.6 grok-4-1-fast-non-reasoning"),
    ("https://api.together.xyz/v1", "openai/gpt-oss-120b meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ("https://api.together.ai/v1", "openai/gpt-oss-120b"),
]  # fmt: skip
NOT_KNOWN = [
    ("https://me.openai.azure.com/openai/v1", "our-own-deployment"),
    ("https://api.mistral.ai/v1", "mistral-large-latest codestral-latest devstral-latest"),
    ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-flash-latest"),
    ("https://api.together.xyz/v1", "moonshotai/Kimi-K2-Instruct"),
    ("http://localhost:4000/v1", "gpt-5"),
]


def each(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(url, name) for url, names in rows for name in names.split()]


@pytest.mark.parametrize(("url", "name"), each(KNOWN))
def test_the_names_people_ask_for_have_a_price(url: str, name: str) -> None:
    assert (price_of(name, url, 1_000, 1_000).dollars or 0) > 0


@pytest.mark.parametrize(("url", "name"), each(NOT_KNOWN))
def test_a_name_that_tells_no_price_has_none(url: str, name: str) -> None:
    """A deployment somebody named, "-latest" of whatever version, and what the table does not list."""
    assert price_of(name, url, 1_000, 1_000) == UNKNOWN


def test_an_estimate_grows_with_the_calls() -> None:
    one = estimate("gpt-4o-mini", OPENAI, 1000, 100)
    assert one
    assert estimate("gpt-4o-mini", OPENAI, 1000, 100, calls=5) == 5 * one
    assert estimate("gpt-4o-mini", "http://localhost/v1", 1000, 100) is None


def test_tokens_are_estimated_at_four_characters() -> None:
    assert [estimate_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
