"""Text that people and models wrote, made safe to show: escaped, and with nothing hidden in it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

import nh3
from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from prompts_app.engine.masking import PLACEHOLDER
from prompts_app.engine.render import VARIABLE

register = template.Library()

LONGEST_MARKDOWN = 50_000  # characters; a longer text is shown as it is

_TAGS = {
    *("p br hr a em strong s del code pre blockquote ul ol li h3 h4 h5 table thead tbody tr th td".split()),
}
_HEADINGS = {"h1": "h3", "h2": "h4"}  # the page's own headings end at h2


# --- invisible characters ------------------------------------------------------------------------------

# Fillers that are letters or marks by name and blank on the page, and what must not reach a browser.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0"
# Format characters that do draw something (Arabic number signs and the like).
_DRAWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_JOINERS = "\u200c\u200d"
_SUSPECTS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\U000110bd\U000110cd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff\ud800-\udfff" + _BLANK + r"]+|[\ufe00-\ufe0f]{2,}"
)


@register.filter
def visible(text: object) -> SafeString:
    """Escaped, with zero-width, direction-changing and control characters as marked codes: U+200B.

    Line ends and tabs stay. So does a joiner inside an emoji or a word of a script that needs it. What
    stands for a private part is marked.
    """
    return _with_private_marked(_escaped(text), '<span class="private">{}</span>')


@register.filter
def shown(text: object) -> SafeString:
    """As ``visible``, where a link can stand: what stands for a private part leads to what that is."""
    return _with_private_marked(_escaped(text), f'<a class="private" href="{_explained()}">{{}}</a>')


def _escaped(text: object) -> SafeString:
    return mark_safe("".join(_visible_parts(_one_line_end(str(text)))))  # noqa: S308 every part is escaped


def _explained() -> str:
    return f"{reverse('about_evidence')}#private"


def _with_private_marked(html: str, element: str) -> SafeString:
    """``html`` is safe; a placeholder is letters, digits and marks that mean nothing in it."""
    if "]#" not in html:
        return mark_safe(html)  # noqa: S308 see above
    return mark_safe(PLACEHOLDER.sub(lambda match: element.format(match[0]), html))  # noqa: S308 see above


@register.filter
def hides(text: object) -> bool:
    """Whether ``visible`` marks something in it."""
    source = _one_line_end(str(text))
    return any(not _belongs(source, match) for match in _SUSPECTS.finditer(source))


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n")


def _visible_parts(text: str) -> Iterator[str]:
    at = 0
    for match in _SUSPECTS.finditer(text):
        if _belongs(text, match):
            continue
        yield escape(text[at : match.start()])
        yield f'<span class="esc">{_codes(match[0])}</span>'
        at = match.end()
    yield escape(text[at:])


def _belongs(text: str, match: re.Match[str]) -> bool:
    """Whether this stands where it has a visible use."""
    if all(letter in _DRAWN for letter in match[0]):
        return True
    return (
        match[0] in _JOINERS
        and _joins(text[max(0, match.start() - 2) : match.start()])
        and _joins(text[match.end() : match.end() + 1])
    )


def _joins(neighbour: str) -> bool:
    """An emoji, or a letter beyond the European alphabets."""
    letter = neighbour.rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    if not letter:
        return bool(neighbour)
    kind = unicodedata.category(letter)
    return kind == "So" or (kind[0] in "LM" and ord(letter) >= 0x0600)


def _codes(letters: str) -> str:
    """ "U+200B U+202E×12": the same one again is only counted."""
    runs = ((letter, len(list(same))) for letter, same in groupby(letters))
    return " ".join(f"U+{ord(letter):04X}" + (f"×{count}" if count > 1 else "") for letter, count in runs)


@register.filter(name="plain")
def shown_plainly(text: object) -> str:
    """The same as ``visible`` for plain text: invisible characters as ⟨U+200B⟩, nothing escaped."""
    source = _one_line_end(str(text))
    return _SUSPECTS.sub(
        lambda match: match[0] if _belongs(source, match) else f"⟨{_codes(match[0])}⟩", source
    )


@register.filter
def as_json(value: object) -> str:
    """A small value on one line, to be shown as any other text."""
    return json.dumps(value, ensure_ascii=False, default=str)


@register.filter
def as_typed(text: object) -> SafeString:
    """The value of a form field: the very same text, its invisible characters written as references.

    Control characters cannot be written in a page at all; they become the replacement character.
    """
    source = _one_line_end(str(text))
    return mark_safe(_SUSPECTS.sub(_references, escape(source)))  # noqa: S308 escaped, then only references


def _references(match: re.Match[str]) -> str:
    return "".join(
        "\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else f"&#{ord(letter)};"
        for letter in match[0]
    )


@register.filter(is_safe=True)
def nothing_hidden(html: str) -> str:
    """For ``{% filter %}`` around a title or a description, where no tag can stand: codes as ⟨U+200B⟩."""
    return shown_plainly(html)


@register.filter
def one_line(text: object) -> SafeString:
    """A name or title in the middle of a line: visible, and its direction kept to itself."""
    return format_html("<bdi>{}</bdi>", visible(" ".join(str(text).split())))


# --- prompts -------------------------------------------------------------------------------------------


@register.filter
def highlight_variables(text: object) -> SafeString:
    """A message with its ``{{variables}}`` marked; everything else is escaped and visible."""
    source, at, parts = _one_line_end(str(text)), 0, []
    for match in VARIABLE.finditer(source):
        parts.append(shown(source[at : match.start()]))
        parts.append(format_html('<var class="var">{}</var>', visible(match[0])))
        at = match.end()
    return mark_safe("".join([*parts, shown(source[at:])]))  # noqa: S308 every part is escaped


# --- Markdown --------------------------------------------------------------------------------------------


@register.filter
def markdown(text: object) -> SafeString:
    """Markdown as safe HTML: no raw HTML, no images, weightless links, headings below the page's."""
    source = shown_plainly(str(text))
    if len(source) > LONGEST_MARKDOWN:
        return format_html("<pre>{}</pre>", source)
    html = nh3.clean(
        _renderer().render(source),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
    )
    return _with_private_marked(html, '<span class="private">{}</span>')


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    renderer.core.ruler.push("lower_headings", _lower_headings)
    renderer.add_render_rule("image", _alt_text)
    return renderer


def _lower_headings(state: Any) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _HEADINGS.get(token.tag, "h5")


def _alt_text(renderer: Any, tokens: list[Token], place: int, options: Any, env: Any) -> str:
    """An image of somebody else's is a way to watch readers: its text stays, the picture does not load."""
    return escape(tokens[place].content)
