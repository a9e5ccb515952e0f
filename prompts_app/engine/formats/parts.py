"""What several formats are read from: roles and sections, model parameters, a prompt of one version."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import templates, titles
from prompts_app.engine.formats.front_matter import FrontMatter
from prompts_app.engine.formats.source import SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed, Problem
from prompts_app.engine.response_format import PARAMETER, asking_for
from prompts_app.engine.types import Json, Message, PromptContent, Role, Variable


def one_version(
    source: SourceFile, kind: str, content: PromptContent, note: str = "", **more: Any
) -> ImportedPrompt:
    """A file as a prompt of one version. ``kind`` is what it is called ("Markdown file"); without a ``title``
    it is named after the file, else after its first words."""
    first = content.messages[0].content if content.messages else ""
    name = titles.from_file_name(source.stem) or titles.from_text(first)
    return ImportedPrompt(
        title=more.pop("title", "") or name,
        versions=(ImportedVersion(content, note),),
        source=f"{kind} {source.name}" if source.name else f"pasted {kind.removesuffix(' file')}",
        **more,
    )


def of_template_file(
    source: SourceFile,
    kind: str,
    front: FrontMatter,
    messages: tuple[Message, ...],
    variables: tuple[Variable, ...],
    settings: Mapping[str, Json],
    problems: Iterable[Problem],
    **more: Any,
) -> Parsed:
    """A file of front matter and a template, with what its ``problems`` and its template's logic lose."""
    if not messages:
        raise FormatError("There are no messages in this file.")
    logic = [Problem(what, source.place) for one in messages for what in templates.logic(one.content)]
    prompt = one_version(
        source, kind, PromptContent(messages, variables, settings),
        title=front.text("name"), summary=front.text("description"), where=source.place, is_templated=True,
        **more,
    )  # fmt: skip
    return Parsed((prompt,), tuple(dict.fromkeys([*problems, *logic])))


# --- model parameters -------------------------------------------------------------------------------------

# Those of Chat Completions and its common extensions.
_PARAMETERS = frozenset(
    """frequency_penalty logit_bias logprobs max_completion_tokens max_tokens min_p modalities
    parallel_tool_calls presence_penalty reasoning reasoning_effort repetition_penalty response_format seed
    stop temperature tool_choice tools top_k top_logprobs top_p verbosity""".split()
)
# Other tools' spellings of the same settings.
_SPELLINGS = {
    "maxTokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "stopSequences": "stop",
    "stop_sequences": "stop",
}


def parameters_in(settings: Mapping[str, Json], where: str) -> tuple[dict[str, Json], list[Problem]]:
    """The settings that can be sent to a model, by their standard names, and a problem for each other one."""
    kept: dict[str, Json] = {}
    problems: list[Problem] = []
    for name, value in settings.items():
        standard = _SPELLINGS.get(name, name)
        if value is None:
            continue
        if standard in _PARAMETERS:
            kept[standard] = value
        elif PARAMETER not in settings and (asked := _response_format(name, value)):
            kept[PARAMETER] = asked
        else:
            problems.append(Problem(f"the setting “{name}”", where))
    return kept, problems


def _response_format(name: str, value: Json) -> dict[str, Json] | None:
    """What asks for JSON, in other tools' words: Anthropic's "output_format" and Vercel's "responseFormat"
    are of its shape, Ollama's "format" and vLLM's "guided_json" are the schema itself."""
    if name in ("format", "guided_json"):
        return (
            {"type": "json_object"}
            if value == "json"
            else asking_for(value)
            if isinstance(value, dict)
            else None
        )
    return value if name in ("output_format", "responseFormat") and isinstance(value, dict) else None


# --- roles and sections -----------------------------------------------------------------------------------

# Every name a tool has for one of the three, in small letters.
_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "ai": "assistant", "model": "assistant",
}  # fmt: skip


def role_of(name: str) -> Role | None:
    """The role a tool's word stands for; None for another (a function, a tool)."""
    return _ROLES.get(name.lower())


@dataclass(frozen=True, slots=True)
class Section:
    """The lines under one heading, and the word it names a role with; before the first, ``first``."""

    role: str
    lines: list[str]
    heading: re.Match[str] | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def divided(
    text: str, heading: re.Pattern[str], first: str, passed_over: Collection[int] = ()
) -> list[Section]:
    """``text`` at the lines that ``heading`` matches as a whole; its first group is the role's name.

    ``passed_over``: numbers of lines that are no headings, whatever they look like.
    """
    sections = [Section(first, [])]
    for number, line in enumerate(text.split("\n")):
        match = None if number in passed_over else heading.fullmatch(line)
        if match:
            sections.append(Section(match[1].lower(), [], match))
        else:
            sections[-1].lines.append(line)
    return sections


def messages_of(sections: Iterable[tuple[str, str]], where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    """(role, text) of those that say something, as messages; a role that is none here is a problem."""
    messages: list[Message] = []
    problems: list[Problem] = []
    for name, text in sections:
        if not text.strip():
            continue
        if role := role_of(name):
            messages.append(Message(role, text.strip("\n")))
        else:
            problems.append(Problem(f"a message of the role “{name}”", where))
    return tuple(messages), problems
