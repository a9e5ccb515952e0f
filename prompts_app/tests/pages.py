"""A page as a browser reads it: where its template breaks a line is nothing a test can see."""

import re
from typing import Any

TAG = re.compile(r"""(<(?:"[^"]*"|'[^']*'|[^<>"'])*>)""")
SPACE = re.compile(r"[ \t\r\n\f]+")
SPACE_IN_TAG = re.compile(r"""("[^"]*"|'[^']*')|[ \t\r\n\f]+(>?)""")
VERBATIM = {"pre", "textarea", "script", "style"}
BLOCKS = set(
    "article aside blockquote body br caption col colgroup datalist dd details div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li link main meta nav ol option p pre"
    " script section style summary table tbody td tfoot th thead title tr ul".split()
)


def read_page(response: Any) -> str:
    """The response's text; of HTML as ``as_read`` gives it."""
    text: str = response.content.decode()
    return as_read(text) if response.headers["Content-Type"].startswith("text/html") else text


def as_read(html: str) -> str:
    """With white space as it is seen: a run of it is one space, and beside a block's tag it is nothing.

    What stands in ``pre`` and ``textarea`` and in attributes is as it came.
    """
    parts = TAG.split(html)  # text, tag, text, …, text
    names = [re.match(r"</?([a-zA-Z0-9]*)", tag)[1].lower() for tag in parts[1::2]]  # type: ignore[index]
    ends, read = [*names, "body"], []
    verbatim = ""
    for number, text in enumerate(parts[::2]):
        before, after = names[number - 1] if number else "body", ends[number]
        if not verbatim:
            text = SPACE.sub(" ", text)
            text = text.lstrip(" ") if before in BLOCKS else text
            text = text.rstrip(" ") if after in BLOCKS else text
        read.append(text)
        if number < len(names):
            tag = parts[2 * number + 1]
            read.append(SPACE_IN_TAG.sub(lambda m: m[1] or m[2] or " ", tag))
            verbatim = _verbatim_after(tag, after, verbatim)
    return "".join(read)


def _verbatim_after(tag: str, name: str, verbatim: str) -> str:
    """The element in which text is kept as it came, after this tag; "" for none."""
    if verbatim:
        return "" if tag.startswith("</") and name == verbatim else verbatim
    return name if name in VERBATIM and not tag.startswith("</") else ""
