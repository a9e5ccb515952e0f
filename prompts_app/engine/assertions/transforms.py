"""What an output goes through before it is looked at: promptfoo's ``transform``, the part that is safe.

``output.trim()``, ``JSON.parse(output).total``, ``output.split('\\n')[0]``… A small closed language that
begins with ``output``, read and evaluated here; no JavaScript is ever run. Each step does what it does in
JavaScript: places count UTF-16 units, numbers are doubles, ``trim`` knows JavaScript's white space. One
thing is kinder: a property of the answer itself (``output.text``) is looked for in the JSON the answer is,
because promptfoo's providers hand over JSON answers as objects, and here an answer is always text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from prompts_app.engine.assertions import javascript
from prompts_app.engine.errors import CannotDo, CannotTransform, NotReadable
from prompts_app.engine.types import Json

LONGEST = 1_000  # characters of an expression
MOST_STEPS = 30

PARSE, WRITE, TEXT = "JSON.parse", "JSON.stringify", "String"
_AROUND = (PARSE, WRITE, TEXT)


@dataclass(frozen=True, slots=True)
class TransformStep:
    """One thing done to what came before: ``around`` calls a function with it, ``at`` takes a part of it,
    ``call`` calls a method of it."""

    kind: Literal["around", "at", "call"]
    name: Json
    arguments: tuple[Json, ...] = ()


type Steps = tuple[TransformStep, ...]


def transformed(expression: str, output: str) -> str:
    """``output`` as the expression leaves it: a text as it is, anything else as JSON.

    Raises ``NotReadable``, and ``CannotTransform`` where it does not fit this output.
    """
    value: Any = output
    try:
        for number, step in enumerate(read(expression)):
            value = _done(step, _opened(step, value) if number == 0 else value)
        text = javascript.written(value)
    except CannotDo as why:
        raise CannotTransform(str(why)) from None
    if value is None:
        raise CannotTransform("it leads to nothing in this output")
    return value if isinstance(value, str) else text


def is_readable(expression: Json) -> bool:
    """Whether this is an expression that can be evaluated here."""
    try:
        return isinstance(expression, str) and read(expression) is not None
    except NotReadable:
        return False


def chained(first: str, then: str) -> str:
    """One expression that does what both do, one after the other. Raises ``NotReadable``."""
    return _as_text((*read(first), *read(then)))


def _opened(step: TransformStep, output: str) -> Json:
    """The JSON object an answer is, where the first step asks for a part of it by name."""
    if step.kind == "at" and isinstance(step.name, str) and step.name != "length":
        try:
            return javascript.parsed(output)
        except CannotDo:
            raise CannotTransform("the output is not JSON, so it has no parts with names") from None
    return output


def _done(step: TransformStep, value: Any) -> Any:
    if step.kind == "at":
        return javascript.part(value, step.name)
    if step.kind == "call":
        return javascript.METHODS[step.name](value, *step.arguments)
    if step.name == PARSE:
        return javascript.parsed(value)
    made = javascript.text_of(value) if step.name == TEXT else javascript.written(value)
    return javascript.within_bounds(made)


# --- reading ------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_$][\w$]*)|(?P<number>-?\d{1,9})(?![\w.])|(?P<text>'(?:[^'\\\n]|\\.)*'"""
    r"""|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\$]|\\.)*`)|(?P<mark>\?\.(?!\d)|[.,()\[\]]))""",
    re.ASCII | re.DOTALL,
)
# With a line break in it promptfoo takes it for a function's body, which says what it returns.
_BODY = re.compile(r"return[ \t]+(?P<what>\S.*?);?\s*", re.DOTALL)


@lru_cache(maxsize=512)
def read(expression: str) -> Steps:
    """The steps of an expression; none at all for ``output`` itself. Raises ``NotReadable``."""
    if len(expression) > LONGEST:
        raise NotReadable("It is too long.")
    body = _BODY.fullmatch(expression.lstrip())
    if (body is None) == ("\n" in expression):
        raise NotReadable("With a line break it has to begin with “return”, and without one it must not.")
    source = body["what"] if body else expression.strip().removesuffix(";")
    reader = _Reader(_tokens(source))
    steps = reader.value()
    if reader.left or len(steps) > MOST_STEPS:
        raise NotReadable("This is not an expression that can be evaluated here.")
    return steps


def _tokens(source: str) -> list[tuple[str, str]]:
    found, at = [], 0
    source = source.rstrip()
    while at < len(source):
        token = _TOKEN.match(source, at)
        if token is None or token.lastgroup is None:
            raise NotReadable("This is not an expression that can be evaluated here.")
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


class _Reader:
    """Reads ``output`` or a function around it, and what follows."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    @property
    def left(self) -> bool:
        return self._at < len(self._tokens)

    def value(self) -> Steps:
        self._depth += 1
        if self._depth > MOST_STEPS:
            raise NotReadable("It is nested too deeply.")
        steps = self._beginning()
        while self._peek() in {".", "?.", "["}:
            steps = (*steps, self._step())
        return steps

    def _beginning(self) -> Steps:
        if self._peek() == "(":
            return self._within()
        name = self._next("name")
        if name == "output":
            return ()
        if name == "JSON":
            self._mark(".")
            name = f"JSON.{self._next('name')}"
        if name not in _AROUND or self._peek() != "(":
            raise NotReadable(f"“{name}” is not known here.")
        return (*self._within(), TransformStep("around", name))

    def _within(self) -> Steps:
        self._mark("(")
        steps = self.value()
        self._mark(")")
        return steps

    def _step(self) -> TransformStep:
        mark = self._next("mark")
        if mark == "[" or (mark == "?." and self._peek() == "["):
            if mark == "?.":
                self._mark("[")
            place = self._literal()
            self._mark("]")
            return TransformStep("at", place)
        name = self._next("name")
        if self._peek() != "(":
            return TransformStep("at", name)
        self._mark("(")
        arguments = tuple(self._arguments())
        if not javascript.takes(name, arguments):
            raise NotReadable(f"“{name}” is not known here, or not with these values.")
        return TransformStep("call", name, arguments)

    def _arguments(self) -> list[Json]:
        found: list[Json] = []
        while self.left and self._peek() != ")":
            if found:
                self._mark(",")
            found.append(self._literal())
        self._mark(")")
        return found

    def _literal(self) -> Json:
        kind, text = self._take()
        if kind == "number":
            return int(text)
        if kind == "text":
            return _unquoted(text)
        raise NotReadable("Only texts in quotation marks and whole numbers can stand here.")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self.left else ""

    def _take(self) -> tuple[str, str]:
        if not self.left:
            raise NotReadable("It ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self, kind: str) -> str:
        found, text = self._take()
        if found != kind:
            raise NotReadable("This is not an expression that can be evaluated here.")
        return text

    def _mark(self, mark: str) -> None:
        if self._next("mark") != mark:
            raise NotReadable("This is not an expression that can be evaluated here.")


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\n)|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def _unquoted(literal: str) -> str:
    return _ESCAPE.sub(_unescaped, literal[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    if digits := match[1] or match[2] or match[3]:
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise NotReadable("A text holds half of a character.")
        return chr(code)
    if match[4]:
        return ""
    if match[5] in "ux123456789":
        raise NotReadable("A text holds an escape that is none.")
    return _ESCAPED.get(match[5], match[5])


# --- writing ------------------------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def _as_text(steps: Steps) -> str:
    text = "output"
    for step in steps:
        text = _WRITERS[step.kind](text, step)
    return text


def _written_part(text: str, step: TransformStep) -> str:
    by_name = isinstance(step.name, str) and _WORD.fullmatch(step.name)
    return f"{text}.{step.name}" if by_name else f"{text}[{_written_literal(step.name)}]"


def _written_literal(value: Json) -> str:
    return javascript.written(value)


_WRITERS: dict[str, Callable[[str, TransformStep], str]] = {
    "around": lambda text, step: f"{step.name}({text})",
    "at": _written_part,
    "call": lambda text, step: f"{text}.{step.name}({', '.join(map(_written_literal, step.arguments))})",
}
