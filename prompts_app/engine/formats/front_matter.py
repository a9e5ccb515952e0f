"""The YAML between two ``---`` lines at the head of a text file."""

import re
from dataclasses import dataclass

from prompts_app.engine.filters import as_json
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.types import Json, Variable

_HEAD = re.compile(r"---[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_BLANK = re.compile(r"[ \t]*\n")
HTML_COMMENT = re.compile(r"[ \t]*<!--(?:[^-]|-(?!->))*+-->[ \t]*(?:\n|\Z)")
# Of template files: a line of "#" or "//", or a comment of HTML, Handlebars or Jinja.
TEMPLATE_COMMENT = re.compile(
    r"[ \t]*(?:(?:#|//)[^\n]*|<!--(?:[^-]|-(?!->))*+-->|\{\{!--(?:[^-]|-(?!-\}\}))*+--\}\}|\{\{![^{}]*+\}\}"
    r"|\{#(?:[^#]|#(?!\}))*+#\})[ \t]*(?:\n|\Z)"
)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Its fields, and the text after it (all of the file where there is none)."""

    fields: dict[str, Json]
    body: str = ""

    def text(self, *keys: str) -> str:
        """The first of these fields that holds a word or a number; else empty."""
        return next((word for key in keys if (word := _word(self.fields.get(key)))), "")

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words, or one text with commas between them."""
        value = self.fields.get(key)
        values = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(word for item in values if (word := _word(item)))

    def mapping(self, *path: str) -> dict[str, Json]:
        """The mapping at the end of these keys, empty where there is none."""
        found = self.fields
        for key in path:
            found = as_object(found.get(key))
        return found

    def variables(self, key: str) -> tuple[Variable, ...]:
        """``{name: default}`` or ``[{name, default, description}]``."""
        value = self.fields.get(key)
        if isinstance(value, dict):
            return tuple(Variable(name, as_value(default)) for name, default in value.items())
        items = map(as_object, value) if isinstance(value, list) else ()
        return tuple(
            Variable(name, as_value(item.get("default")), as_text(item.get("description")))
            for item in items
            if (name := _word(item.get("name")))
        )


def _word(value: Json) -> str:
    return "" if isinstance(value, bool) else as_text(value).strip()


def as_text(value: Json) -> str:
    """A scalar as one would have typed it; nothing for null, lists and mappings."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else ""


def as_value(value: Json) -> str:
    """What a variable holds: a scalar as one would have typed it, a list or mapping as its JSON."""
    return as_json(value) if isinstance(value, (dict, list)) and value else as_text(value)


def split(text: str, comment: re.Pattern[str] = HTML_COMMENT) -> FrontMatter:
    """Raises FormatError, with the line, where there is front matter and it is not valid YAML.

    Lines that are a ``comment`` may stand before it (a licence), and are no part of the text then.
    """
    start = 0
    while (found := _BLANK.match(text, start) or comment.match(text, start)) and found.end() > start:
        start = found.end()
    head = _HEAD.match(text, start)
    if not head:
        return FrontMatter({}, text)
    fields = read_yaml(head[1] or "", first_line=2 + text.count("\n", 0, start))
    if fields is None and head[1] is None:  # two rules and nothing between them
        return FrontMatter({}, text[head.end() :])
    if not isinstance(fields, dict):  # prose between two rules
        return FrontMatter({}, text)
    return FrontMatter(fields, text[head.end() :])
