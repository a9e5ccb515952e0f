"""What an output goes through before it is looked at: promptfoo's ``transform``, the part that is safe.

``output.trim()``, ``JSON.parse(output).total``, ``output.split('\\n')[0]``… A small closed language that
begins with ``output``, read and evaluated here; no JavaScript is ever run. Each step does what it does in
JavaScript: places count UTF-16 units, numbers are doubles, ``trim`` knows JavaScript's white space. One
thing is kinder: a property of the answer itself (``output.text``) is looked for in the JSON the answer is,
because promptfoo's providers hand over JSON answers as objects, and here an answer is always text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from prompts_app.engine.assertions import javascript
from prompts_app.engine.errors import CannotTransform, NotReadable
from prompts_app.engine.types import Json

LONGEST = 1_000  # characters of an expression
MOST_STEPS = 30

PARSE, TEXT = "JSON.parse", "String"
NOT_READABLE = "This is not an expression that can be evaluated here."


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
    for number, step in enumerate(read(expression)):
        value = _done(step, _opened(step, value) if number == 0 else value)
    text = javascript.written(value)
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
        except CannotTransform:
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

_LITERAL = r"""(?:-?\d{1,9}(?![\w.])|'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+"|`(?:[^`\\$]|\\.)*+`)"""
_LITERALS = re.compile(_LITERAL, re.ASCII | re.DOTALL)
_ROOT = re.compile(
    r"\s*+(?:output(?![\w$])|(?P<around>(?:JSON\s*+\.\s*+(?:parse|stringify)|String)(?![\w$])\s*+)?(?P<opens>\())",
    re.ASCII,
)
_STEP = re.compile(
    rf"""\s*+(?:(?:\?\.\s*+)?\[\s*+(?P<place>{_LITERAL})\s*+\]
    | (?:\?\.(?!\d)|\.)\s*+(?P<name>[A-Za-z_$][\w$]*+)
      (?:\s*+(?P<called>\()\s*+(?P<arguments>(?:{_LITERAL}(?:\s*+,\s*+{_LITERAL})*+)?)\s*+\))?)""",
    re.ASCII | re.DOTALL | re.VERBOSE,
)
_CLOSES = re.compile(r"\s*+\)", re.ASCII)
# With a line break in it promptfoo takes it for a function's body, which says what it returns.
_BODY = re.compile(r"return[ \t]+(?P<what>\S.*?);?\s*", re.DOTALL)


@lru_cache(maxsize=512)
def read(expression: str) -> Steps:
    """The steps of an expression; none at all for ``output`` itself. Raises ``NotReadable``."""
    body = _BODY.fullmatch(expression.lstrip()) if len(expression) <= LONGEST else None
    if len(expression) > LONGEST or (body is None) == ("\n" in expression):
        raise NotReadable(NOT_READABLE)
    source = (body["what"] if body else expression.strip().removesuffix(";")).rstrip()
    steps, end = _value(source, 0, MOST_STEPS)
    if end < len(source) or len(steps) > MOST_STEPS:
        raise NotReadable(NOT_READABLE)
    return steps


def _value(source: str, at: int, levels: int) -> tuple[Steps, int]:
    """``output``, or a function or brackets around a value, and the steps that follow; where that ends."""
    root = _ROOT.match(source, at)
    if root is None or levels == 0:
        raise NotReadable(NOT_READABLE)
    steps: Steps = ()
    at = root.end()
    if root["opens"]:
        steps, at = _value(source, at, levels - 1)
        if (closes := _CLOSES.match(source, at)) is None:
            raise NotReadable(NOT_READABLE)
        at = closes.end()
    if root["around"]:
        steps = (*steps, TransformStep("around", re.sub(r"\s", "", root["around"])))
    while step := _STEP.match(source, at):
        steps, at = (*steps, _step(step)), step.end()
    return steps, at


def _step(found: re.Match[str]) -> TransformStep:
    if found["place"]:
        return TransformStep("at", _literal(found["place"]))
    if not found["called"]:
        return TransformStep("at", found["name"])
    arguments = tuple(map(_literal, _LITERALS.findall(found["arguments"])))
    if not javascript.takes(found["name"], arguments):
        raise NotReadable(NOT_READABLE)
    return TransformStep("call", found["name"], arguments)


def _literal(text: str) -> Json:
    return _ESCAPE.sub(_unescaped, text[1:-1]) if text[0] in "'\"`" else int(text)


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\n)|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def _unescaped(match: re.Match[str]) -> str:
    if digits := match[1] or match[2] or match[3]:
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise NotReadable(NOT_READABLE)  # half of a character
        return chr(code)
    if match[4]:
        return ""
    if match[5] in "ux123456789":
        raise NotReadable(NOT_READABLE)
    return _ESCAPED.get(match[5], match[5])


# --- writing ------------------------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def _as_text(steps: Steps) -> str:
    text = "output"
    for step in steps:
        if step.kind == "around":
            text = f"{step.name}({text})"
        elif step.kind == "call":
            text = f"{text}.{step.name}({', '.join(map(javascript.written, step.arguments))})"
        elif isinstance(step.name, str) and _WORD.fullmatch(step.name):
            text = f"{text}.{step.name}"
        else:
            text = f"{text}[{javascript.written(step.name)}]"
    return text
