"""The "fill in" form of a prompt page: values in the address, a filled prompt on the page, nothing kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from prompts_app.engine.render import as_value, find_variables, render
from prompts_app.engine.types import Message, PromptContent

PREFIX = "var."
LONGEST_EXAMPLE = 1500  # characters of a value shown to begin with
LONG_LINE = 60  # characters from which a value gets a text area


@dataclass(frozen=True, slots=True)
class Blank:
    """One variable to fill in."""

    name: str
    description: str
    value: str
    is_picture: bool = False  # in the example: what it has of text is not what was sent

    @property
    def field(self) -> str:
        return PREFIX + self.name

    @property
    def is_long(self) -> bool:
        return len(self.value) > LONG_LINE or "\n" in self.value


def blanks_of(
    prompt: PromptContent, example: Mapping[str, str], pictured: Collection[str], typed: Mapping[str, str]
) -> list[Blank]:
    """Each variable once, with what was typed, else the example's value, else its default; empty where the
    example has pictures for it, those of ``pictured``."""
    known = {variable.name: variable for variable in prompt.variables}
    blanks = []
    for name in find_variables(prompt.messages):
        variable = known.get(name)
        start = "" if name in pictured else example.get(name, "") or (variable.default if variable else "")
        value = typed.get(PREFIX + name, start if len(start) <= LONGEST_EXAMPLE else "")
        blanks.append(Blank(name, variable.description if variable else "", value, name in pictured))
    return blanks


def filled(prompt: PromptContent, blanks: list[Blank]) -> list[Message]:
    """The messages with every variable replaced; an empty value leaves it empty.

    Raises RenderError where a filter or a place in the prompt cannot take what was typed.
    """
    values = {blank.name: blank.value for blank in blanks}
    return [Message(message.role, render(message.content, values)) for message in prompt.messages]


def unfilled(prompt: PromptContent) -> list[Message]:
    """The messages with their variables as they are written, and what is text as it is sent."""
    return [Message(message.role, as_value(message.content)) for message in prompt.messages]
