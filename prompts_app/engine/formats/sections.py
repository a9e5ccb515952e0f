"""Texts that are divided into messages: by headings that name a role, or by marks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from prompts_app.engine.formats.types import Problem
from prompts_app.engine.types import Message, Role

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
