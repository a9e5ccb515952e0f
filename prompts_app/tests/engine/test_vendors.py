"""Who made a model, from its name, by a table; unknown stays unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.vendors import MAKERS, claim_of, claim_of_host, maker_of, shortened


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


@given(
    st.sampled_from(sorted(start for maker in MAKERS.values() for start in maker.starts)), st.text(max_size=9)
)
def test_who_serves_it_makes_no_difference(start: str, host: str) -> None:
    assert maker_of(f"{host}/{start}-7b") == maker_of(start) != ""


# --- who may be named for an answer, from where it was asked ---------------------------------------------

OPENAI, OPENROUTER, AZURE = "https://api.openai.com", "https://openrouter.ai", "https://mine.openai.azure.com"


@pytest.mark.parametrize(
    ("model", "origin", "answered", "maker"),
    [
        ("gpt-4.1", OPENAI, "gpt-4.1-2025-04-14", "OpenAI"),
        ("gpt-4.1", "https://eu.api.openai.com:8443", "", "OpenAI"),
        ("models/gemini-2.0-flash", "https://generativelanguage.googleapis.com", "", "Google"),
        ("meta-llama/llama-3.3-70b-instruct:free", OPENROUTER, "", "Meta"),
        ("llama-3.3-70b-versatile", "https://api.groq.com", "", "Meta"),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", "https://api.fireworks.ai", "", "Meta"),
        ("Qwen/Qwen3-32B:groq", "https://router.huggingface.co", "", "Alibaba"),
        ("us.anthropic.claude-sonnet-4", "https://bedrock-runtime.us-east-1.amazonaws.com", "", "Anthropic"),
        ("google/gemini-2.0-flash-001", "https://us-central1-aiplatform.googleapis.com", "", "Google"),
        ("gpt-4.1", AZURE, "gpt-4.1-2025-04-14", "OpenAI"),
        ("my-deployment", AZURE, "gpt-4o-2024-11-20", "OpenAI"),
    ],
)
def test_a_host_that_vouches_for_the_maker(model: str, origin: str, answered: str, maker: str) -> None:
    claim = claim_of(model, [origin], answered=answered)
    assert (claim.maker, claim.named) == (maker, model)


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8111", "http://localhost:11434", "https://127.0.0.1", "http://[::1]:80",
        "http://10.0.0.7:8080", "https://192.168.1.2", "http://ollama:11434", "https://box.local",
        "https://llm.corp.internal", "https://nas.home.arpa", "http://169.254.1.1", "https://100.64.0.3",
        "http://[fd00::1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("model", ["gpt-4.1-mini", "meta-llama/Llama-3.1-8B", "tiny"])
def test_an_own_server_counts_for_nobody_and_says_so(origin: str, model: str) -> None:
    claim = claim_of(model, [origin], answered="gpt-4.1-mini-2025-04-14")
    assert (claim.kind, claim.maker, claim.named) == ("own", "", f"{model} (own server)")
    assert claim.remark.startswith(f"own server, named {model} by its author")
    assert claim.at in origin


@pytest.mark.parametrize(
    ("model", "origin", "answered", "said"),
    [
        ("gpt-4.1", "https://llm.example.com", "gpt-4.1", "(unknown server)"),
        ("gpt-4.1", "http://api.openai.com", "gpt-4.1", "(unknown server)"),  # without TLS anybody may answer
        ("gpt-4.1", "https://api.openai.com.example.net", "", "(unknown server)"),
        ("gpt-4.1", "https://notapi.openai.com.de", "", "(unknown server)"),
        ("llama-3.1-8b", "https://8.8.8.8", "", "(unknown server)"),
        ("gpt-4", "https://api.mistral.ai", "", "(at Mistral AI)"),
        ("claude-3", OPENAI, "", "(at OpenAI)"),
        ("@preset/gpt-4.1", OPENROUTER, "", "(at OpenRouter)"),
        ("accounts/alice/models/gpt-4.1", "https://api.fireworks.ai", "", "(at Fireworks)"),
        ("alice/llama-3-tuned", "https://router.huggingface.co", "", "(at Hugging Face)"),
        ("gpt-4.1", AZURE, "gpt-35-turbo", "(at Azure)"),  # the author named the deployment
        ("gpt-4.1", AZURE, "", "(at Azure)"),
        ("prod-gpt-4.1", AZURE, "llama-3.1-8b", "(at Azure)"),
        ("alice/openai-gpt-4.1", "https://router.huggingface.co", "", "(at Hugging Face)"),
    ],
)
def test_a_host_that_does_not(model: str, origin: str, answered: str, said: str) -> None:
    claim = claim_of(model, [origin], answered=answered)
    assert (claim.maker, claim.named) == ("", f"{model} {said}")
    assert f"named {model} by its author" in claim.remark


@pytest.mark.parametrize(
    "model",
    [
        "openai-gpt-4.1", "OpenAI: GPT-4.1", "openai/best", "gpt-4.1/v1", "the real gpt-4.1", "MyGPT-4.1",
        "ft:gpt-4o:acme::1", "gpt\u20114.1", "ＧＰＴ-4.1", "g\u200bpt-4.1", "сlaude-4", "СLAUDE 4",
        "my.claude", "anthropic_latest", "qwen/gpt-4.1", "Google's newest",
    ],
)  # fmt: skip
def test_a_makers_name_anywhere_in_a_models_is_held_to_the_host(model: str) -> None:
    claim = claim_of(model, ["https://llm.example.com"], answered="gpt-4.1-2025-04-14")
    assert (claim.maker, claim.named) == ("", f"{model} (unknown server)")


@pytest.mark.parametrize(
    "model", ["tiny", "gpto", "philosopher-7b", "birch (large)", "metaphor", "o1x", "模型"]
)
def test_a_word_that_only_holds_the_letters_suggests_nobody(model: str) -> None:
    assert claim_of(model, ["https://llm.example.com"]).named == model


def test_what_a_maker_makes_for_one_customer_is_its_own_at_its_own_host() -> None:
    assert claim_of("ft:gpt-4o-mini:acme::7", [OPENAI]).maker == "OpenAI"


def test_that_a_family_has_open_weights_is_said_where_it_is_so() -> None:
    here = ["http://127.0.0.1:8111"]
    assert claim_of("SmolLM2-135M-Instruct", here).remark == (
        "own server, named SmolLM2-135M-Instruct by its author (a family with open weights)"
    )
    assert claim_of("gpt-oss-20b", here).remark.endswith("(a family with open weights)")
    assert claim_of("gpt-4.1-mini", here).remark == "own server, named gpt-4.1-mini by its author"


def test_a_name_that_suggests_nobody_stands_alone_anywhere_but_on_an_own_server() -> None:
    assert claim_of("tiny", ["https://llm.example.com"]).named == "tiny"
    assert claim_of("tiny", [OPENROUTER]).named == "tiny"


def test_of_several_places_the_least_is_said() -> None:
    claim = claim_of("gpt-4.1", [OPENAI, "http://127.0.0.1:8111"])
    assert (claim.named, claim.maker) == ("gpt-4.1 (own server)", "")
    assert claim.at == "api.openai.com, http://127.0.0.1:8111"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("api.openai.com", "gpt-4.1"),
        ("", "gpt-4.1"),
        ("127.0.0.1", "gpt-4.1 (own server)"),
        ("llm.example.com", "gpt-4.1 (unknown server)"),
    ],
)
def test_a_host_that_was_only_to_be_asked_vouches_for_nobody(host: str, named: str) -> None:
    claim = claim_of_host("gpt-4.1", host)
    assert (claim.named, claim.maker, claim.at) == (named, "", "")


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_there_is_no_error(model: str, origin: str, answered: str) -> None:
    assert claim_of(model, [origin, f"https://{origin}"], answered=answered).maker in {"", *MAKERS}


@pytest.mark.parametrize("suffix", ["", " (own server)", " (unknown server)", " (at Mistral AI)"])
def test_where_there_is_little_room_the_name_is_cut_and_not_what_stands_behind_it(suffix: str) -> None:
    assert shortened(f"gpt-4.1{suffix}", 7) == f"gpt-4.1{suffix}"
    assert shortened(f"gpt-4.1-mini{suffix}", 7) == f"gpt-4.…{suffix}"
