"""``{{variables}}`` in messages: finding them and filling them in.

Only ``{{ name }}`` and ``{{ dotted.name }}`` are variables. Any other brace is ordinary text (JSON, code,
other template languages) and passes through untouched. What was filled in is never looked at again, so
a value that itself holds ``{{braces}}`` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from prompts_app.engine.types import Case, Message, Prompt

VARIABLE = re.compile(r"\{\{\s*([^\W\d]\w*(?:\.\w+)*)\s*\}\}")


class RenderError(ValueError):
    """A variable has neither a value nor a default. ``name`` says which."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The variable {{{{{name}}}}} has no value in this case and no default.")


def find_variables(messages: Iterable[Message]) -> tuple[str, ...]:
    """The variables' names in order of first use, each once."""
    names = (match[1] for message in messages for match in VARIABLE.finditer(message.content))
    return tuple(dict.fromkeys(names))


def render(text: str, values: Mapping[str, str]) -> str:
    """``text`` with every variable replaced. Raises ``RenderError`` for one that is not in ``values``."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise RenderError(match[1])
        return values[match[1]]

    return VARIABLE.sub(value_of, text)


def values_for(prompt: Prompt, case: Case) -> dict[str, str]:
    """What stands for each variable: the case's value, else the variable's default where it has one."""
    defaults = {variable.name: variable.default for variable in prompt.variables if variable.default}
    return {**defaults, **case.variables}


def render_messages(prompt: Prompt, case: Case) -> tuple[Message, ...]:
    """The messages as they are sent. Raises ``RenderError`` naming the first variable without a value."""
    values = values_for(prompt, case)
    return tuple(Message(message.role, render(message.content, values)) for message in prompt.messages)
