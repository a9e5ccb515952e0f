"""A chat copied out of a chat product: lines that name who speaks, and what was said below each."""

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


def recognises(source: SourceFile) -> bool:
    """It begins with somebody speaking, and at least two do."""
    text = source.text.lstrip()
    first = _SPEAKER.match(text)
    roles = {_role(match) for match in _SPEAKER.finditer(text)} if first else set()
    return len(roles - {"system"}) == 2


def _role(match: re.Match[str]) -> Role:
    return _ROLE_OF[match[1].lower()]


def read(source: SourceFile) -> Parsed:
    found = list(_SPEAKER.finditer(source.text))
    if not found:
        raise FormatError("No line in it says who speaks, such as “You said:” or “Assistant:”.")
    ends = [match.start() for match in found[1:]] + [len(source.text)]
    said = [
        Message(_role(match), source.text[match.end() : end].strip("\r\n"))
        for match, end in zip(found, ends, strict=True)
    ]
    kept = tuple(message for message in said if message.content.strip())
    if not kept:
        raise FormatError("Nobody says anything in it.")
    before = source.text[: found[0].start()].strip()
    lost = (Problem(f"what stands before the first speaker: “{titles.cut(before, 80)}”", "the text"),)
    return Parsed((one_version(source, "chat", PromptContent(kept)),), lost if before else ())


FORMAT = Format("chat", "a copied chat, as messages", recognises, read, ("txt", "text"))
