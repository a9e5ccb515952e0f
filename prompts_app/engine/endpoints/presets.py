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


# Stands in an address for what only its user knows. Somebody else could take the name, and get the key.
YOUR_RESOURCE = "your-resource"
_HERE = "On the machine this site runs on; its operator must allow the host."

PRESETS: tuple[Preset, ...] = (
    Preset(
        "OpenAI",
        "https://api.openai.com/v1",
        True,
        "https://platform.openai.com/api-keys",
        "Keeps to a JSON Schema where it is strict.",
    ),
    Preset(
        "Anthropic",
        "https://api.anthropic.com/v1",
        True,
        "https://platform.claude.com/settings/keys",
        "For trying models: this door ignores response_format, seed and penalties, and reads all system "
        "messages first.",
    ),
    Preset(
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        True,
        "https://aistudio.google.com/apikey",
        "Thinking counts as output; max_tokens limits both together.",
    ),
    Preset(
        "Azure OpenAI",
        f"https://{YOUR_RESOURCE}.openai.azure.com/openai/v1",
        True,
        "https://portal.azure.com/",
        "Put your resource’s name into the address. The model is the name of your deployment.",
    ),
    Preset(
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        True,
        "https://openrouter.ai/keys",
        "Hundreds of models behind one key; models ending in :free cost nothing. Says what each call cost.",
    ),
    Preset(
        "Groq",
        "https://api.groq.com/openai/v1",
        True,
        "https://console.groq.com/keys",
        "Fast open models; the free plan limits calls a minute. Only some models take a JSON Schema.",
    ),
    Preset(
        "Mistral",
        "https://api.mistral.ai/v1",
        True,
        "https://console.mistral.ai/api-keys",
        "Refuses parameters it does not know. Name a dated model: what “-latest” costs changes.",
    ),
    Preset(
        "DeepSeek",
        "https://api.deepseek.com/v1",
        True,
        "https://platform.deepseek.com/api_keys",
        "Takes no JSON Schema, only json_object, and then wants the word JSON in the messages.",
    ),
    Preset(
        "xAI",
        "https://api.x.ai/v1",
        True,
        "https://console.x.ai/",
        "Says what each call cost.",
    ),
    Preset(
        "Together",
        "https://api.together.xyz/v1",
        True,
        "https://api.together.ai/settings/api-keys",
        "Lists more models than it serves without a dedicated endpoint.",
    ),
    Preset(
        "Ollama",
        "http://localhost:11434/v1",
        False,
        note=f"{_HERE} Cuts a prompt longer than its context without a word: raise OLLAMA_CONTEXT_LENGTH.",
    ),
    Preset(
        "LM Studio", "http://localhost:1234/v1", False, note=f"{_HERE} Takes json_schema, not json_object."
    ),
    Preset(
        "vLLM",
        "http://localhost:8000/v1",
        False,
        note="Your own server; a key only if it was started with one. Its operator must allow the host.",
    ),
    Preset(
        "LiteLLM",
        "http://localhost:4000/v1",
        False,
        note="Your own gateway; a virtual key if it asks for one. Tells what each call cost.",
    ),
)
