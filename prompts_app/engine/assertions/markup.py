"""Assertions on XML and HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.parsers import expat

from prompts_app.engine.assertions.kinds import Finding, Kind, fact, quote_all
from prompts_app.engine.assertions.values import UnreadableValue, texts_of
from prompts_app.engine.types import Answer, Assertion, Json

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
ELEMENTS = VOID | frozenset(
    "a abbr address article aside audio b bdi bdo blockquote body button canvas caption cite code "
    "colgroup data datalist dd del details dfn dialog div dl dt em fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 head header hgroup html i iframe ins kbd label legend li main map mark menu meter "
    "nav noscript object ol optgroup option output p picture pre progress q rp rt ruby s samp script "
    "search section select slot small span strong style sub summary sup svg math table tbody td template "
    "textarea tfoot th thead time title tr u ul var video".split()
)


def required_elements(value: Json) -> list[str]:
    """``is-xml``'s value: a list, a comma separated text, or ``{"requiredElements": [...]}``."""
    return texts_of(value.get("requiredElements") if isinstance(value, dict) else value)


class _ForbiddenXml(Exception):
    """Never leaves this file."""


def xml_paths(text: str) -> set[str]:
    """The elements of an XML document as dotted paths: ``{"order", "order.item"}``.

    Raises ``ValueError`` saying why it is not well-formed. Definitions of its own (a DTD's inner part) are
    refused: they are how a small text becomes a huge one.
    """
    parser, path, paths = expat.ParserCreate(), list[str](), set[str]()

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        paths.add(".".join(path))

    def refuse(name: str, system_id: str | None, public_id: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise _ForbiddenXml

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: path.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ValueError(f"Is not well-formed XML: {error}.") from error
    except _ForbiddenXml:
        raise ValueError("Is XML with definitions of its own, which are not read here.") from None
    return paths


def _is_xml(assertion: Assertion, answer: Answer) -> Finding:
    wanted = required_elements(assertion.value)
    try:
        paths = xml_paths(answer.output)
    except ValueError as error:
        return Finding(False, 0.0, str(error))
    missing = [element for element in wanted if element not in paths]
    so = f"Is well-formed XML with {quote_all(wanted)}." if wanted else "Is well-formed XML."
    return fact(not missing, so, f"Is XML, but lacks {quote_all(missing)}.")


def _xml_problem(assertion: Assertion) -> str | None:
    try:
        required_elements(assertion.value)
    except UnreadableValue as error:
        return str(error)
    return None


class _Outline(HTMLParser):
    """Walks HTML as leniently as browsers do, noting text outside all elements and known elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.bare_text = False
        self.known = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.known = self.known or tag in ELEMENTS or "-" in tag
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.known = self.known or tag in ELEMENTS or "-" in tag

    def handle_endtag(self, tag: str) -> None:
        while tag in self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.bare_text = self.bare_text or (not self.open and bool(data.strip()))


def _is_html(assertion: Assertion, answer: Answer) -> Finding:
    outline = _Outline()
    try:
        outline.feed(answer.output)
        outline.close()
    except (AssertionError, ValueError, RecursionError):
        return Finding(False, 0.0, "Cannot be read as HTML.")
    if outline.bare_text:
        return Finding(False, 0.0, "Has text outside of HTML elements.")
    return fact(outline.known, "Is HTML.", "Has no HTML element.")


KINDS = (
    Kind(
        "is-xml", "markup", "The whole output is well-formed XML, with these elements if any are named.",
        "lines", _is_xml, _xml_problem, "order\norder.item", ["order", "order.item"], optional=True,
        passes=Answer("<order><item>Tea</item></order>"), fails=Answer("<order>Tea</order>"),
    ),
    Kind(
        "is-html", "markup", "The whole output is HTML, with no text outside its elements.", "none", _is_html,
        passes=Answer("<p>Your order has shipped.</p>"), fails=Answer("Your order has shipped."),
    ),
)  # fmt: skip
