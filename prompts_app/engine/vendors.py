"""Who made a model, told from its name alone by the table below. What is not in it is unknown, never guessed.

A name may carry a path ("meta-llama/Llama-3.1-8B", "models/gemini-2.0-flash"); what counts is its last part:
whoever serves or repacks a model has not made it.
"""

from __future__ import annotations

import re

# Maker → how the names of its models begin, in small letters. "o1" is whole: "o1", "o1-mini", not "o1x".
MAKERS: dict[str, tuple[str, ...]] = {
    "AI21": ("jamba", "jurassic"),
    "Alibaba": ("qwen", "qwq", "qvq"),
    "Allen Institute for AI": ("olmo", "tulu", "molmo"),
    "Amazon": ("nova", "titan"),
    "Anthropic": ("claude",),
    "Baidu": ("ernie",),
    "Cohere": ("command", "c4ai", "aya"),
    "DeepSeek": ("deepseek",),
    "Google": ("gemini", "gemma", "palm", "imagen", "codegemma", "medgemma"),
    "Hugging Face": ("smollm", "smolvlm", "zephyr"),
    "IBM": ("granite",),
    "Meta": ("llama", "codellama"),
    "Microsoft": ("phi", "wizardlm", "orca"),
    "MiniMax": ("minimax",),
    "Mistral AI": (
        "mistral", "mixtral", "ministral", "codestral", "pixtral", "magistral", "devstral", "voxtral",
    ),
    "Moonshot AI": ("kimi", "moonshot"),
    "Nomic AI": ("gpt4all", "nomic"),
    "NVIDIA": ("nemotron",),
    "OpenAI": ("gpt", "chatgpt", "o1", "o3", "o4", "dall-e", "davinci", "codex"),
    "Perplexity": ("sonar",),
    "Technology Innovation Institute": ("falcon",),
    "xAI": ("grok",),
    "Zhipu AI": ("glm", "chatglm"),
}  # fmt: skip

_BEGINNINGS = {start: maker for maker, starts in MAKERS.items() for start in starts}
_WORDS = re.compile(
    "(" + "|".join(sorted(map(re.escape, _BEGINNINGS), key=len, reverse=True)) + r")(?:[-_.:@ ]|v?[0-9]|\Z)"
)


def maker_of(model: str) -> str:
    """ "Meta" for "meta-llama/Llama-3.1-8B"; "" where the table does not know."""
    name = model.strip().casefold().rstrip("/").rpartition("/")[2]
    found = _WORDS.match(name)
    return _BEGINNINGS[found[1]] if found else ""
