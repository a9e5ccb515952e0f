"""Names in double braces that are none here: ``{{user-name}}``, ``{{Standard Question}}``.

Other tools take them; here they are text, and are offered a name of letters, digits and underscores. The
author chooses; values go with the name.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count

from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.json_texts import with_texts
from prompts_app.engine.render import find_variables, pieces
from prompts_app.engine.types import CaseContent, Message, PromptContent

# Words with single signs between them. Not after "$" or "{", nor before a third brace.
_ODD = re.compile(r"(?<![${])\{\{[ \t]{0,9}(\w{1,40}+(?:[ '’/-]\w{1,40}+){1,8}+)[ \t]{0,9}\}\}(?!\})")
_NAME = re.compile(r"[^\W\d]\w*+")
_WORD = re.compile(r"\w+")
# What begins a command of a template language, and what stands between two values in one.
_COMMANDS = frozenset(
    "each else if json log lookup loop media partial range role section set unless with".split()
)
_OPERATORS = frozenset("and else if in is not or".split())


@dataclass(frozen=True, slots=True)
class Rename:
    """``found`` as it stands in the text, the name in it, and the name it would have."""

    found: str
    name: str
    becomes: str


def is_odd(name: str) -> bool:
    """Whether it looks like a name and is none here."""
    words = _WORD.findall(name)
    is_command = words[:1] and words[0] in _COMMANDS
    is_expression = name.islower() and _OPERATORS & set(words)
    return bool(_ODD.fullmatch(f"{{{{{name}}}}}") and plain_name(name) and not (is_command or is_expression))


def words_joined(text: str) -> str:
    """``Standard Question`` → ``Standard_Question``. It may still begin with a digit, or be empty."""
    return "_".join(_WORD.findall(text)).strip("_")


def plain_name(name: str) -> str:
    """The name it would have here; "" where no name can be made of it."""
    plain = words_joined(name)
    return plain if _NAME.fullmatch(plain) else ""


def renames_in(messages: Iterable[Message], taken: Iterable[str] = ()) -> tuple[Rename, ...]:
    """An offer for each odd name, in order of first use; no two become one, nor one of ``taken``."""
    messages = list(messages)
    found: dict[str, str] = {}
    for match in (match for message in messages for match in _odd_in(message.content)):
        found.setdefault(match[1], match[0])
    if not found:
        return ()
    used = {*find_variables(messages), *(name for name in taken if name not in found)}
    offers = []
    for name, written in found.items():
        plain = plain_name(name)
        names = chain([plain], (f"{plain}_{number}" for number in count(2)))
        becomes = next(one for one in names if one not in used)
        used.add(becomes)
        offers.append(Rename(written, name, becomes))
    return tuple(offers)


def _odd_in(text: str) -> Iterator[re.Match[str]]:
    """Not in a part that is text anyway."""
    for piece in pieces(text) if "{{" in text else ():
        if piece.is_plain:
            yield from (match for match in _ODD.finditer(piece.written) if is_odd(match[1]))


def renamed_text(text: str, names: Mapping[str, str]) -> str:
    """``text`` with these names in place of the odd ones."""

    def changed(match: re.Match[str]) -> str:
        return f"{{{{{names[match[1]]}}}}}" if match[1] in names else match[0]

    return "".join(
        _ODD.sub(changed, piece.written) if piece.is_plain else piece.written for piece in pieces(text)
    )


def renamed_prompt(prompt: PromptContent, names: Mapping[str, str]) -> PromptContent:
    return replace(
        prompt,
        messages=tuple(Message(one.role, renamed_text(one.content, names)) for one in prompt.messages),
        variables=tuple(
            replace(one, name=names.get(one.name, one.name), pictures=_renamed_pictures(one.pictures, names))
            for one in prompt.variables
        ),
    )


def _renamed_pictures(pictures: Iterable[CasePicture], names: Mapping[str, str]) -> tuple[CasePicture, ...]:
    return tuple(replace(one, variable=names.get(one.variable, one.variable)) for one in pictures)


def renamed_case(case: CaseContent, names: Mapping[str, str]) -> CaseContent:
    """The case with its values under the new names, and with these in its turns and assertions."""
    return replace(
        case,
        variables={names.get(name, name): value for name, value in case.variables.items()},
        pictures=_renamed_pictures(case.pictures, names),
        turns=tuple(renamed_text(turn, names) for turn in case.turns),
        system=renamed_text(case.system, names),
        assertions=tuple(
            replace(one, value=with_texts(one.value, lambda text: renamed_text(text, names), keys=False))
            for one in case.assertions
        ),
    )


def names_to_follow(case: CaseContent, variables: Collection[str]) -> dict[str, str]:
    """The odd names under which a case keeps values of ``variables`` that it has no value of."""
    plain = {name: plain_name(name) for name in case.variables if is_odd(name)}
    return {name: new for name, new in plain.items() if new in variables and new not in case.variables}
