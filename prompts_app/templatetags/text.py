"""Text that people and models wrote, made safe to show: escaped, and with nothing hidden in it."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import nh3
from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from prompts_app.engine.invisible import SUSPECTS, belongs, codes_of, hides_something, shown_plainly
from prompts_app.engine.masking import PLACEHOLDER
from prompts_app.engine.render import pieces

register = template.Library()

LONGEST_MARKDOWN = 50_000  # characters; a longer text is shown as it is

_TAGS = {
    *("p br hr a em strong s del code pre blockquote ul ol li h3 h4 h5 table thead tbody tr th td".split()),
}
_HEADINGS = {"h1": "h3", "h2": "h4"}  # the page's own headings end at h2


# --- invisible characters ------------------------------------------------------------------------------


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


@cache
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
    return hides_something(_one_line_end(str(text)))


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n")


def _visible_parts(text: str) -> Iterator[str]:
    at = 0
    for match in SUSPECTS.finditer(text):
        if belongs(text, match):
            continue
        yield escape(text[at : match.start()])
        yield f'<span class="esc">{codes_of(match[0])}</span>'
        at = match.end()
    yield escape(text[at:])


register.filter("plain", shown_plainly)


@register.filter
def at(mapping: Mapping[str, Any], key: str) -> Any:
    """``mapping[key]`` for a key that is itself a value; None where it is not there."""
    return mapping.get(key)


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
    return mark_safe(SUSPECTS.sub(_references, escape(source)))  # noqa: S308 escaped, then only references


def _references(match: re.Match[str]) -> str:
    return "".join(
        "\ufffd" if unicodedata.category(letter) in {"Cc", "Cs"} else f"&#{ord(letter)};"
        for letter in match[0]
    )


@register.filter(is_safe=True)
def nothing_hidden(html: str) -> str:
    """For ``{% filter %}`` around a title or a description, where no tag can stand: codes as ⟨U+200B⟩."""
    return shown_plainly(html)


@register.filter(is_safe=True)
def unwrapped(html: str) -> str:
    """For ``{% filter %}`` around a title or a description that its template writes over several lines."""
    return re.sub(r"[ \t\n]+", " ", html).strip(" ")


@register.filter
def one_line(text: object) -> SafeString:
    """A name or title in the middle of a line: visible, and its direction kept to itself."""
    return format_html("<bdi>{}</bdi>", visible(" ".join(str(text).split())))


# --- prompts -------------------------------------------------------------------------------------------


@register.filter
def highlight_variables(text: object) -> SafeString:
    """A message with its ``{{variables}}`` marked; everything else is escaped and visible."""
    parts = (
        format_html('<var class="var">{}</var>', visible(piece.written))
        if piece.variable
        else shown(piece.written)
        for piece in pieces(_one_line_end(str(text)))
    )
    return mark_safe("".join(parts))  # noqa: S308 every part is escaped


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
