"""Text: a chat copied out of a chat product, lines that name who speaks and what was said below each; and
plain text, which is one user message."""

import re

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.parts import one_version
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import Parsed, Problem
from prompts_app.engine.types import Message, PromptContent, Role

# As the products write it beside each turn, in the languages it was seen in; and plain names of roles.
_USER = (
    "you said", "you", "user", "human", "me", "du hast gesagt", "du sagtest", "vous avez dit", "has dicho",
    "dijiste", "você disse", "hai detto",
)  # fmt: skip
_SAID = ("said", "hat gesagt", "sagte", "a dit", "ha dicho", "dijo", "disse", "ha detto")
_MODELS = ("chatgpt", "claude", "gemini", "copilot", "deepseek", "grok", "le chat", "perplexity", "o chatgpt")
_ASSISTANT = (
    "assistant", "ai", "bot", "model", *_MODELS, *(f"{model} {said}" for model in _MODELS for said in _SAID),
)  # fmt: skip
_ROLE_OF: dict[str, Role] = {
    "system": "system",
    **dict.fromkeys(_USER, "user"),
    **dict.fromkeys(_ASSISTANT, "assistant"),
}
_SPEAKER = re.compile(
    rf"^[*#_ ]{{0,4}}({'|'.join(sorted(map(re.escape, _ROLE_OF), key=len, reverse=True))})"
    r"[ \u00a0]?:[*_ ]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)


def _is_chat(source: SourceFile) -> bool:
    """It begins with somebody speaking, and at least two do."""
    text = source.text.lstrip()
    first = _SPEAKER.match(text)
    roles = {_ROLE_OF[match[1].lower()] for match in _SPEAKER.finditer(text)} if first else set()
    return {"user", "assistant"} <= roles


def _read_chat(source: SourceFile) -> Parsed:
    found = list(_SPEAKER.finditer(source.text))
    if not found:
        raise FormatError("No line in it says who speaks, such as “You said:” or “Assistant:”.")
    ends = [match.start() for match in found[1:]] + [len(source.text)]
    said = [
        Message(_ROLE_OF[match[1].lower()], source.text[match.end() : end].strip("\r\n"))
        for match, end in zip(found, ends, strict=True)
    ]
    kept = tuple(message for message in said if message.content.strip())
    if not kept:
        raise FormatError("Nobody says anything in it.")
    before = source.text[: found[0].start()].strip()
    lost = (Problem(f"what stands before the first speaker: “{titles.cut(before, 80)}”", "the text"),)
    return Parsed((one_version(source, "chat", PromptContent(kept)),), lost if before else ())


# What has a shape of its own and would be nonsense as one message.
_STRUCTURED = {"json", "jsonl", "ndjson", "csv", "tsv", "yaml", "yml", "xml", "html", "htm", "zip", "pdf"}


def _is_plain(source: SourceFile) -> bool:
    return source.extension not in _STRUCTURED


def _read_plain(source: SourceFile) -> Parsed:
    content = PromptContent((Message("user", source.text.strip("\n")),))
    return Parsed((one_version(source, "text file", content),))


CHAT = Format("chat", "a copied chat, as messages", _is_chat, _read_chat)
PLAIN = Format("text", "plain text", _is_plain, _read_plain)
