"""Model servers many people use, so that nobody has to look up their addresses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A known server. ``key_url`` is where an account gets a key, "" where none is needed."""

    name: str
    base_url: str
    needs_key: bool
    key_url: str = ""
    note: str = ""


PRESETS: tuple[Preset, ...] = (
    Preset("OpenAI", "https://api.openai.com/v1", True, "https://platform.openai.com/api-keys"),
    Preset(
        "Azure OpenAI",
        "https://your-resource.openai.azure.com/openai/v1",
        True,
        "https://portal.azure.com/",
        "Put your resource’s name into the address. The model is the name of your deployment.",
    ),
    Preset(
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        True,
        "https://openrouter.ai/keys",
        "Hundreds of models behind one key; models ending in :free cost nothing.",
    ),
    Preset(
        "Groq",
        "https://api.groq.com/openai/v1",
        True,
        "https://console.groq.com/keys",
        "Fast open models; the free plan limits calls a minute.",
    ),
    Preset("Mistral", "https://api.mistral.ai/v1", True, "https://console.mistral.ai/api-keys"),
    Preset(
        "Ollama",
        "http://localhost:11434/v1",
        False,
        note="On the machine this site runs on; its operator must allow the host.",
    ),
    Preset(
        "LM Studio",
        "http://localhost:1234/v1",
        False,
        note="On the machine this site runs on; its operator must allow the host.",
    ),
    Preset(
        "vLLM",
        "http://localhost:8000/v1",
        False,
        note="Your own server; a key only if it was started with one.",
    ),
)
