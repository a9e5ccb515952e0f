"""What template languages can do beyond ``{{name}}``: it is kept as text here, and named."""

import re

from prompts_app.engine.render import VARIABLE

_TAGS = (
    re.compile(r"\{%-?\s*([a-zA-Z]\w*)[^%]{0,500}%\}"),  # Jinja, Nunjucks, Liquid
    re.compile(r"\{\{\{?~?\s*([#/^>&]\s*[\w.@-]+|else)[^{}]{0,500}\}\}"),  # Handlebars, Mustache
)
_THREE_BRACES = re.compile(r"\{\{\{\s*&?\s*([^\W\d][\w.]*)\s*\}\}\}|\{\{&\s*([^\W\d][\w.]*)\s*\}\}")
_FILTER = re.compile(r"\{\{-?\s*[\w.]+\s*\|\s*(\w+)[^{}]{0,500}\}\}")
_COMMENT = re.compile(r"(?<!\{)\{#|\{\{!")
_EXPRESSION = re.compile(r"\{\{(?!\{)([^{}]{0,500})\}\}")
_NAME = re.compile(r"\s*[^\W\d]\w*(?:\.\w+)*\s*")


def two_braces(text: str) -> str:
    """``{{{name}}}`` and ``{{&name}}``, a value as it stands, are ``{{name}}`` where nothing is escaped."""
    return _THREE_BRACES.sub(lambda match: f"{{{{{match[1] or match[2]}}}}}", text)


def logic(text: str) -> list[str]:
    """A phrase for each kind of logic that is not run here, each once: "the template tag “if”"."""
    text = VARIABLE.sub("", text)
    found = [f"the template tag “{name}”" for name in _tags(text)]
    found += [f"the template filter “{match[1]}”" for match in _FILTER.finditer(text)]
    if _COMMENT.search(text):
        found.append("a template comment")
    found += [f"the template expression “{{{{{inside}}}}}”" for inside in _expressions(text)]
    return list(dict.fromkeys(found))


def _tags(text: str) -> list[str]:
    """Openings only: what ends is what began."""
    names = [match[1].replace(" ", "") for pattern in _TAGS for match in pattern.finditer(text)]
    return [name for name in names if not name.startswith(("/", "end"))]


def _expressions(text: str) -> list[str]:
    """What stands in double braces and is neither a name, a tag, a filter nor a comment."""
    insides = [match[1] for match in _EXPRESSION.finditer(text)]
    return [
        inside
        for inside in insides
        if not (
            _NAME.fullmatch(inside) or _FILTER.match(f"{{{{{inside}}}}}") or inside.lstrip()[:1] in "#/^>&!~"
        )
    ]
