"""Template languages' own ways to say what ours says too; and what they can do beyond, which is kept as text
here, and named."""

import re
from collections.abc import Callable, Collection
from functools import partial

from prompts_app.engine.names import is_odd
from prompts_app.engine.render import VARIABLE, as_literal, name_of, pieces

_TAGS = (
    re.compile(r"\{%-?\s*([a-zA-Z]\w*)[^%]{0,500}%\}"),  # Jinja, Nunjucks, Liquid
    re.compile(r"\{\{\{?~?\s*([#/^>&]\s*[\w.@-]+|else)[^{}]{0,500}\}\}"),  # Handlebars, Mustache
)
_THREE_BRACES = re.compile(r"\{\{\{\s*&?\s*([^\W\d][\w.]*)\s*\}\}\}|\{\{&\s*([^\W\d][\w.]*)\s*\}\}")
_FILTER = re.compile(r"\{\{-?\s*[\w.]+\s*\|\s*(\w+)[^{}]{0,500}\}\}")
_COMMENT = re.compile(r"(?<!\{)\{#|\{\{!")
_EXPRESSION = re.compile(r"\{\{(?!\{)([^{}]{0,500})\}\}")
_NAME = re.compile(r"\s*[^\W\d]\w*(?:\.\w+)*\s*")
_RAW_OPENS = re.compile(r"\{%([-+]?)\s*(?:raw|verbatim)\s*([-+]?)%\}")
_RAW_CLOSES = re.compile(r"\{%([-+]?)\s*end(?:raw|verbatim)\s*([-+]?)%\}")
_BACKSLASHES = re.compile(r"(\\+)\{\{")
_DOLLARS = re.compile(r"\$+(?=\{\{)")
_DOLLARED = re.compile(r"\$+\{\{(?:[^{}]{0,500}\}\})?")
_LONGEST_VARIABLE = 500  # characters
_SPACE = re.compile(r"\s*+")


def two_braces(text: str) -> str:
    """``{{{name}}}`` and ``{{&name}}``, a value as it stands, are ``{{name}}`` where nothing is escaped."""
    plainer = partial(_THREE_BRACES.sub, lambda match: f"{{{{{match[1] or match[2]}}}}}")
    return _outside_literals(text, plainer)


def _outside_literals(text: str, change: Callable[[str], str]) -> str:
    done, open_ = "", ""
    for piece in pieces(text):
        if piece.variable or piece.text == piece.written:
            open_ += piece.written
        else:
            done, open_ = f"{done}{change(open_)}{piece.written}", ""
    return done + change(open_)


def plain_raw(text: str) -> str:
    """Jinja's and Nunjucks' raw parts as ours: ``verbatim`` is the same, signs for white space are done."""
    done: list[str] = []
    at = 0
    while (opens := _RAW_OPENS.search(text, at)) and (closes := _RAW_CLOSES.search(text, opens.end())):
        whole = text[opens.start() : closes.end()]
        is_ours = not "".join(opens.groups() + closes.groups()) and "verbatim" not in whole
        before, inner = text[at : opens.start()], text[opens.end() : closes.start()]
        done.append(before.rstrip() if opens[1] == "-" else before)
        inner = inner.lstrip() if opens[2] == "-" else inner
        inner = inner.rstrip() if closes[1] == "-" else inner
        done.append(whole if is_ours else as_literal(inner))
        at = closes.end()
        if closes[2] == "-":
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches anywhere
    return "".join([*done, text[at:]])


def from_handlebars(text: str) -> str:
    """``\\{{name}}`` is text there, and ``\\\\{{name}}`` a backslash and a value; raw parts are unknown."""
    text = re.sub(r"\{%(?=\s*(?:end)?raw\s*%\})", "{{ '{' }}%", text)
    return _BACKSLASHES.sub(lambda found: f"{found[1][:-1]}{{{{" if len(found[1]) > 1 else "{{ '{{' }}", text)


def with_dollars(text: str, names: Collection[str]) -> str:
    """``${{price}}`` of a language where that is a dollar and a value, where something gives the value;
    here it is text."""

    def dollars(found: re.Match[str]) -> str:
        variable = VARIABLE.match(found.string[found.end() : found.end() + _LONGEST_VARIABLE])
        is_given = variable and {name_of(variable), variable[1].partition(".")[0]} & set(names)
        return f"{{{{ '{found[0]}' }}}}" if is_given else found[0]

    return _outside_literals(text, partial(_DOLLARS.sub, dollars))


def for_nunjucks(text: str, *, is_nunjucks: bool) -> str:
    """A text of ours so that Nunjucks sends the same letters: what is text here and no text there is raw.

    ``is_nunjucks``: it came from a tool with that language, so that logic in it goes back as it came.
    """
    parts = list(pieces(text))
    return "".join(
        part.written
        if part.variable or part.text != part.written
        else _DOLLARED.sub(lambda found: as_literal(found[0]), part.written)
        if is_nunjucks
        else as_literal(part.written, before_braces=part is not parts[-1])
        for part in parts
    )


def logic(text: str) -> list[str]:
    """A phrase for each kind of logic that is not run here, each once: "the template tag “if”"."""
    text = "".join(piece.written for piece in pieces(text) if piece.text == piece.written)
    tags = (match[1].replace(" ", "") for pattern in _TAGS for match in pattern.finditer(text))
    # Openings only: what ends is what began.
    found = [f"the template tag “{name}”" for name in tags if not name.startswith(("/", "end"))]
    found += [f"the template filter “{match[1]}”" for match in _FILTER.finditer(text)]
    if _COMMENT.search(text):
        found.append("a template comment")
    insides = (match[1] for match in _EXPRESSION.finditer(text))
    found += [f"the template expression “{{{{{inside}}}}}”" for inside in insides if _is_expression(inside)]
    return list(dict.fromkeys(found))


def _is_expression(inside: str) -> bool:
    """Whether it is neither a name, one that is offered another, a tag, a filter nor a comment."""
    return not (
        _NAME.fullmatch(inside)
        or is_odd(inside.strip(" \t"))
        or _FILTER.match(f"{{{{{inside}}}}}")
        or inside.lstrip()[:1] in "#/^>&!~"
    )
