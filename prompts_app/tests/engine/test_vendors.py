"""Who made a model, from its name, by a table; unknown stays unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.vendors import MAKERS, maker_of


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("gpt-4o-mini", "OpenAI"),
        ("gpt4all-falcon", "Nomic AI"),
        ("o1", "OpenAI"),
        ("o3-mini-2025-01-31", "OpenAI"),
        ("o1x", ""),
        ("chatgpt-4o-latest", "OpenAI"),
        ("claude-sonnet-4", "Anthropic"),
        ("anthropic/claude-3.5-haiku", "Anthropic"),
        ("models/gemini-2.0-flash", "Google"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Meta"),
        ("llama3.2:1b", "Meta"),
        ("Qwen/Qwen2.5-7B", "Alibaba"),
        ("qwq:32b", "Alibaba"),
        ("phi4", "Microsoft"),
        ("philosopher-7b", ""),
        ("mistral-small-latest", "Mistral AI"),
        ("smollm2-135m-instruct", "Hugging Face"),
        ("nova-lite", "Amazon"),
        ("novice", ""),
        ("birch-large", ""),
        ("my-gpt-4o", ""),
        ("", ""),
        ("  ", ""),
    ],
)
def test_by_the_table(model: str, maker: str) -> None:
    assert maker_of(model) == maker


@given(st.text(max_size=40))
def test_a_name_has_a_maker_of_the_table_or_none(model: str) -> None:
    assert maker_of(model) in {"", *MAKERS}


@given(st.sampled_from(sorted(start for starts in MAKERS.values() for start in starts)), st.text(max_size=9))
def test_who_serves_it_makes_no_difference(start: str, host: str) -> None:
    assert maker_of(f"{host}/{start}-7b") == maker_of(start) != ""
