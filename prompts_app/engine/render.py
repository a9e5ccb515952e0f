"""``{{variables}}`` in messages: finding them and filling them in, as Nunjucks would.

A variable is ``{{ name }}``, with dots for parts (``{{ user.name }}``), brackets for places
(``{{ choices[0] }}``), and filters after it (``{{ name | trim | upper }}``, see ``engine.filters``).
``{{-`` and ``-}}`` take away the white space beside them. Any other brace is ordinary text (JSON, code,
the rest of a template language) and passes through untouched; so is ``${{ … }}``, which CI systems write.
What was filled in is never looked at again, so a value that itself holds ``{{braces}}`` stays as it is.

What looks like a variable and is text stands between ``{% raw %}`` and ``{% endraw %}``, or in quotation
marks inside the braces: ``{{ '{{name}}' }}``. Both are Nunjucks' own.

Values are texts. Where a part, a place or a filter needs a list or an object, a text that is the JSON of
one counts as that; a value under the whole dotted name comes before a part of another.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompts_app.engine.case_pictures import CasePicture, parts_of, text_in
from prompts_app.engine.errors import FilterError, RenderError
from prompts_app.engine.filters import FILTERS, MISSING, as_output, length, structured
from prompts_app.engine.types import CaseContent, Json, Message, PicturedMessage, PromptContent, Role

# Repeats are bounded or give nothing back, so that no text takes more than linear time.
_TEXT = r"""(?:"(?:[^"\\\n]|\\.){0,500}+"|'(?:[^'\\\n]|\\.){0,500}+')"""
_ARGUMENT = rf"(?:{_TEXT}|-?[0-9]{{1,15}}+(?:\.[0-9]{{1,15}}+)?|true|false)"
_ARGUMENTS = rf"\(\s*+(?:{_ARGUMENT}\s*+(?:,\s*+{_ARGUMENT}\s*+){{0,3}}+)?\)"
_FILTER = rf"\|\s*+(?:{'|'.join(FILTERS)})(?!\w)\s*+(?:{_ARGUMENTS}\s*+)?"
_STEP = rf"(?:\[\s*+(?:[0-9]{{1,6}}+|{_TEXT})\s*+\]|\.\w++)"
_NAME = r"[^\W\d]\w*+(?:\.\w++)*+"
_OPENING = r"(?:(?:(?<!\s)\s++)?(?<!\$)\{\{-|(?<!\$)\{\{)\s*+"
_CLOSING = r"(?:-\}\}\s*+|\}\})"
VARIABLE = re.compile(rf"{_OPENING}({_NAME})({_STEP}*+)\s*+((?:{_FILTER})*+){_CLOSING}")
"""One variable as it stands in a text: (1) the name with its dots, (2) places, (3) filters.

Not in every place where it matches it is one: ``pieces`` tells.
"""

_LITERAL = re.compile(rf"{_OPENING}({_TEXT})\s*+((?:{_FILTER})*+){_CLOSING}")
_RAW = re.compile(r"\{%\s*+(end)?raw\s*+%\}")
_SPECIAL = re.compile(rf"(?P<raw>\{{%\s*+raw\s*+%\}})|(?P<literal>{_LITERAL.pattern})|{VARIABLE.pattern}")
_RAW_TAG, _END_TAG = "{% raw %}", "{% endraw %}"
_BEGINS = re.compile(r"\{[{%]")  # every special piece, but for white space before it that it takes away
_TELLING = re.compile(r"\{(?=[{%#])|#(?=\})")  # what Nunjucks would look at more closely

_ONE_STEP = re.compile(rf"\[\s*(?:([0-9]+)|({_TEXT}))\s*\]|\.(\w+)")
_ONE_FILTER = re.compile(rf"\|\s*(\w+)\s*({_ARGUMENTS})?")
_DEFAULT = re.compile(r"\|\s*(?:default|d)\b")
_ONE_ARGUMENT = re.compile(_ARGUMENT)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


LONGEST_RENDERED = 4_000_000  # characters of one message, which is more than a model reads
TOO_LONG = f"The text would have more than {LONGEST_RENDERED:,} characters."


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text as it is ``written``, and the ``text`` that is sent for it, or its ``variable``."""

    written: str
    text: str = ""
    variable: re.Match[str] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is sent as it is written."""
        return not self.variable and self.text == self.written


def pieces(text: str) -> Iterator[Piece]:
    """What a text is made of, in order: literal texts, and variables (matches of ``VARIABLE``)."""
    plain = at = 0  # what is plain text so far begins at ``plain``
    ends: dict[int, re.Match[str]] | None = None
    while (begins := _BEGINS.search(text, at)) and (
        found := _SPECIAL.search(text, at + len(text[at : begins.start()].rstrip()))
    ):
        start, at = found.span()
        variable = said = None
        if found["raw"]:
            ends = _ends_of_raw(text) if ends is None else ends
            if end := ends.get(start):
                said, at = text[at : end.start()], end.end()
        elif found["literal"]:
            said = _said(text, start)
        else:
            variable = VARIABLE.match(text, start)
        if said is None and variable is None:  # it is opened and never closed: plain text after all
            continue
        if plain < start:
            yield Piece(text[plain:start], text[plain:start])
        yield Piece(text[start:at], said or "", variable)
        plain = at
    if plain < len(text):
        yield Piece(text[plain:], text[plain:])


def _ends_of_raw(text: str) -> dict[int, re.Match[str]]:
    """The place of each ``{% raw %}`` → the tag that ends it. One in another is text, and counts."""
    ends: dict[int, re.Match[str]] = {}
    open_: list[int] = []
    for tag in _RAW.finditer(text):
        if not tag[1]:
            open_.append(tag.start())
        elif open_:
            ends[open_.pop()] = tag
    return ends


def _said(text: str, start: int) -> str | None:
    """What ``{{ 'text' }}`` says; None where a filter cannot take it."""
    match = _LITERAL.match(text, start)
    assert match is not None
    try:
        return as_output(_filtered(_unquoted(match[1]), match[2]))
    except FilterError:
        return None


def as_literal(text: str, *, before_braces: bool = False) -> str:
    """How ``text`` is written so that it is sent letter for letter, here and by Nunjucks."""
    if not _TELLING.search(f"{text}{{" if before_braces else text):
        return text
    if "raw" not in text or [piece.text for piece in pieces(f"{_RAW_TAG}{text}{_END_TAG}")] == [text]:
        return f"{_RAW_TAG}{text}{_END_TAG}"
    parts = text.split("{%")  # it has such tags itself, and not in pairs
    return "{{ '{' }}%".join(as_literal(part) for part in parts)


def as_quoted(text: str) -> str:
    """The same without raw parts, for values: promptfoo looks for mentions of others in raw parts too."""
    return _TELLING.sub(r"{{ '\g<0>' }}", text)


def as_value(text: str) -> str:
    """What a value says that is itself a template: its raw parts and quoted texts are opened."""
    return "".join(piece.written if piece.variable else piece.text for piece in pieces(text))


def inside_raw(text: str) -> str:
    """What stands in it where all of it is one raw part; else nothing."""
    whole = text.strip()
    found = next(pieces(whole), None) if whole.startswith(_RAW_TAG) else None
    return found.text if found and found.written == whole else ""


def variables_in(text: str) -> Iterator[re.Match[str]]:
    """The matches of ``VARIABLE`` that are variables, in order."""
    return (piece.variable for piece in pieces(text) if piece.variable)


def find_variables(messages: Iterable[Message]) -> tuple[str, ...]:
    """The variables' names in order of first use, each once."""
    names = (name_of(match) for message in messages for match in variables_in(message.content))
    return tuple(dict.fromkeys(names))


def needed_variables(messages: Iterable[Message]) -> frozenset[str]:
    """The names that want a value somewhere: a place with the filter ``default`` is filled without one."""
    found = (match for message in messages for match in variables_in(message.content))
    return frozenset(name_of(match) for match in found if not _DEFAULT.search(match[3]))


def name_of(match: re.Match[str]) -> str:
    """The name that wants a value, of a match of ``VARIABLE``: ``list`` of ``{{ list.length }}``."""
    return match[1].removesuffix(".length") or match[1]


def render(text: str, values: Mapping[str, str]) -> str:
    """``text`` with every variable replaced. Raises ``RenderError`` for one that cannot be."""
    return _together(text, lambda one: fill(one.variable, values) if one.variable else one.text)


def _together(text: str, written: Callable[[Piece], str]) -> str:
    """The pieces as they are written. Raises ``RenderError`` where that grows too long: a value may stand in
    a text some ten thousand times."""
    done, length = list[str](), 0
    for piece in pieces(text):
        done.append(written(piece))
        length += len(done[-1])
        if length > LONGEST_RENDERED:
            name = name_of(piece.variable) if piece.variable else ""
            raise RenderError(name, TOO_LONG)
    return "".join(done)


def render_known(text: str, values: Mapping[str, str]) -> str:
    """The same, but a variable that cannot be replaced stays as it is written, and so does all of a text that
    would grow too long."""

    def written(piece: Piece) -> str:
        try:
            return fill(piece.variable, values) if piece.variable else piece.text
        except RenderError:
            return piece.written

    try:
        return _together(text, written)
    except RenderError:
        return text


def fill(match: re.Match[str], values: Mapping[str, str]) -> str:
    """What stands for one match of ``VARIABLE``. Raises ``RenderError``."""
    value = _value_of(match[1], match[2], values)
    if value is MISSING and not _DEFAULT.search(match[3]):
        raise RenderError(name_of(match))
    try:
        return as_output(_filtered(value, match[3]))
    except FilterError as error:
        raise RenderError(name_of(match), str(error)) from None


def _filtered(value: Json, filters: str) -> Json:
    """What comes of a value. Raises ``FilterError``."""
    for name, arguments in _ONE_FILTER.findall(filters):
        try:
            value = FILTERS[name](value, *map(_argument, _ONE_ARGUMENT.findall(arguments)))
        except TypeError:  # more arguments than the filter takes
            raise FilterError(f"The filter “{name}” takes fewer arguments.") from None
    return value


def is_given(name: str, values: Mapping[str, str]) -> bool:
    """Whether there is a value under the name, or one that its dots lead to."""
    return _value_of(name, "", values) is not MISSING


def _value_of(name: str, places: str, values: Mapping[str, str]) -> Json:
    """The value under the name; else the part of a value its dots lead to; then what its places lead to."""
    if name in values:
        return _walk(values[name], places)
    root, dot, parts = name.partition(".")
    return _walk(values[root], dot + parts + places) if dot and root in values else MISSING


def _walk(value: Json, steps: str) -> Json:
    for number, quoted, part in _ONE_STEP.findall(steps):
        inner = structured(value)
        key = part or (_unquoted(quoted) if quoted else number)
        if isinstance(inner, dict):
            value = inner.get(key, MISSING)
        elif isinstance(inner, list | str) and key.isascii() and key.isdigit():
            value = inner[int(key)] if int(key) < len(inner) else MISSING
        else:
            value = length(inner) if key == "length" and isinstance(inner, list | str) else MISSING
    return value


def _argument(text: str) -> Json:
    if text[0] in "\"'":
        return _unquoted(text)
    if text in {"true", "false"}:
        return text == "true"
    return float(text) if "." in text else int(text)


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])


def values_for(prompt: PromptContent, case: CaseContent) -> dict[str, str]:
    """What stands for each variable: the case's value, else the variable's default where it has one."""
    defaults = {variable.name: variable.default for variable in prompt.variables if variable.default}
    return {**defaults, **case.variables}


def render_messages(prompt: PromptContent, case: CaseContent) -> tuple[Message, ...]:
    """The messages as they are sent. Raises ``RenderError`` naming the first variable without a value."""
    values, pictures = values_for(prompt, case), pictures_for(prompt, case)
    messages = with_system(prompt.messages, case.system)
    return tuple(rendered(message.role, message.content, values, pictures) for message in messages)


def pictures_for(prompt: PromptContent, case: CaseContent) -> tuple[CasePicture, ...]:
    """Those of the case, and those of the version whose variables it gives neither a picture nor a text."""
    given = {one.variable for one in case.pictures} | {name for name, text in case.variables.items() if text}
    own = (one for variable in prompt.variables if variable.name not in given for one in variable.pictures)
    return (*case.pictures, *own)


def rendered(role: Role, text: str, values: Mapping[str, str], pictures: Iterable[CasePicture]) -> Message:
    """One message as it is sent, with the pictures where their variables stand. Raises ``RenderError``."""
    of: dict[str, list[CasePicture]] = {}
    for one in pictures:
        of.setdefault(one.variable, []).append(one)
    if not any(of and name_of(match) in of for match in variables_in(text)):
        return Message(role, render(text, values))
    length, said = 0, list[str | CasePicture]()
    for piece in pieces(text):
        if piece.variable and (shown := of.get(name_of(piece.variable))):
            said += shown
            continue
        written = fill(piece.variable, values) if piece.variable else piece.text
        if (length := length + len(written)) > LONGEST_RENDERED:
            raise RenderError("", TOO_LONG)
        said.append(written)
    parts = parts_of(said)
    return PicturedMessage(role, text_in(parts), parts)


def with_system(messages: Sequence[Message], system: str) -> tuple[Message, ...]:
    """``messages`` with this system message, first, in place of any they have; as they are for ""."""
    if not system:
        return tuple(messages)
    return Message("system", system), *(message for message in messages if message.role != "system")
