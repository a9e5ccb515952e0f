"""Assertions on XML and HTML."""

import re
from collections import Counter
from collections.abc import Collection
from xml.parsers import expat

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.values import quote_all, texts_of
from prompts_app.engine.budget import DEEPEST, MOST_VALUES_JUDGED
from prompts_app.engine.errors import CannotTell, UnreadableValue
from prompts_app.engine.types import Answer, Assertion, Json

REQUIRED = "requiredElements"
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
    """``is-xml``'s value: a list, a comma separated text, or ``{"requiredElements": [...]}``.

    Raises ``UnreadableValue``.
    """
    if isinstance(value, dict):
        if unknown := sorted(set(value) - {REQUIRED}):
            raise UnreadableValue(f"There is no option “{unknown[0]}”; the only one is “{REQUIRED}”, a list.")
        value = value.get(REQUIRED)
        if not isinstance(value, list | None):
            raise UnreadableValue(f"“{REQUIRED}” is a list of elements.")
    return texts_of(value)


class _ForbiddenXml(Exception):
    """Never leaves this file."""


def xml_paths(text: str, wanted: Collection[str]) -> set[str]:
    """Which of the ``wanted`` elements, as dotted paths ("order.item"), an XML document has.

    Raises ``ValueError`` saying why it is not well-formed. Definitions of its own (a DTD's inner part) are
    refused: they are how a small text becomes a huge one. Only paths as short as a wanted one are put
    together, since all those of a deeply nested document would be as huge.
    """
    # The text was decoded long ago: what it says of its own encoding has nothing left to decide.
    parser, path, found, elements = expat.ParserCreate("utf-8"), list[str](), set[str](), 0
    deepest = max((element.count(".") + 1 for element in wanted), default=0)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal elements
        path.append(name)
        elements += 1 + len(attributes)
        if len(path) > DEEPEST or elements > MOST_VALUES_JUDGED:
            raise CannotTell("The output is XML with too many elements or levels to look through.")
        if len(path) <= deepest and (here := ".".join(path)) in wanted:
            found.add(here)

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
    return found


def _is_xml(assertion: Assertion, answer: Answer) -> Finding:
    wanted = required_elements(assertion.value)
    try:
        paths = xml_paths(answer.output, wanted)
    except ValueError as error:
        return Finding(False, 0.0, str(error))
    missing = [element for element in wanted if element not in paths]
    so = f"Is well-formed XML with {quote_all(wanted)}." if wanted else "Is well-formed XML."
    return fact(not missing, so, f"Is XML, but lacks {quote_all(missing)}.")


# What is passed over, and tags; each alternative takes what it began with, so a text is walked over once.
_XML_TAG = re.compile(
    r"""<!--.*?(?:-->|\Z) | <!\[CDATA\[.*?(?:\]\]>|\Z) | <[!?][^>]*>?
    | <(?P<end>/)?(?P<name>[^\W\d][\w.:-]*)(?:[^"'<>]|"[^"]*"|'[^']*')*+(?P<closed>>)?""",
    re.VERBOSE | re.DOTALL,
)


def xml_pieces(text: str) -> list[str]:
    """The elements in ``text`` that are closed, the outermost of them, in their order.

    An end that fits no beginning ends what was open: the elements within stay by themselves.
    """
    open_, whole = list[tuple[str, int]](), list[tuple[int, int]]()
    for tag in _XML_TAG.finditer(text):
        if tag["name"] is None or not tag["closed"]:
            continue
        if not tag["end"]:
            open_.append((tag["name"], tag.start()))
            if not tag[0].endswith("/>"):
                continue
        elif not open_ or open_[-1][0] != tag["name"]:
            open_.clear()
            continue
        start = open_.pop()[1]
        while whole and whole[-1][0] >= start:  # it holds these
            whole.pop()
        whole.append((start, tag.end()))
    return [text[start:end] for start, end in whole]


def _contains_xml(assertion: Assertion, answer: Answer) -> Finding:
    """What is required may stand in several elements beside one another."""
    wanted, found, is_any = required_elements(assertion.value), set[str](), False
    for piece in xml_pieces(answer.output):
        try:
            found |= xml_paths(piece, wanted)
            is_any = True
        except ValueError:
            continue
    if not is_any:
        return Finding(False, 0.0, "Contains no well-formed XML.")
    missing = [element for element in wanted if element not in found]
    so = f"Contains XML with {quote_all(wanted)}." if wanted else "Contains well-formed XML."
    return fact(not missing, so, f"Contains XML, but lacks {quote_all(missing)}.")


def _xml_problem(assertion: Assertion) -> str | None:
    required_elements(assertion.value)
    return None


# Comments, what browsers take for comments, and tags; what nothing ends goes on to the end of the text. Each
# alternative takes what it began with, so a text is walked over once, however it is broken.
_MARKUP = re.compile(
    r"""<!--(?:>|->|.*?(?:--!?>|\Z)) | <(?:[!?]|/(?![a-z]))[^>]*>? | </(?P<end>[a-z][^\s/>]*)[^>]*>?
    | <(?P<start>[a-z][^\s/>]*)(?:[^"'>]|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*+(?P<closed>>)?""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_RAW = frozenset("script style textarea title xmp iframe noembed noframes".split())  # no markup in these


class _Outline:
    """Walks HTML as leniently as browsers do, noting text outside all elements and known elements.

    Not the standard library's parser: that needs minutes for some megabytes of unclosed comments.
    """

    def __init__(self, text: str) -> None:
        self.bare_text = self.known = False
        self._open, self._count = list[str](), Counter[str]()
        at = pieces = 0
        while markup := _MARKUP.search(text, at):
            pieces += 1
            if pieces > MOST_VALUES_JUDGED:
                raise CannotTell("The output has too many tags to look through.")
            self._text(text[at : markup.start()])
            at = self._markup(markup)
        self._text(text[at:])

    def _markup(self, markup: re.Match[str]) -> int:
        """What it does to the outline; where the text goes on."""
        if markup["end"]:
            self._close(markup["end"].lower())
        if not markup["start"]:
            return markup.end()
        if not markup["closed"]:
            self._text(markup[0])
            return markup.end()
        tag = markup["start"].lower()
        self.known = self.known or tag in ELEMENTS or "-" in tag
        if tag in VOID or markup[0].endswith("/>"):
            return markup.end()
        if tag in _RAW:
            end = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(markup.string, markup.end())
            return end.start() if end else len(markup.string)
        self._open.append(tag)
        self._count[tag] += 1
        return markup.end()

    def _close(self, tag: str) -> None:
        while self._count[tag]:
            inner = self._open.pop()
            self._count[inner] -= 1
            if inner == tag:
                return

    def _text(self, text: str) -> None:
        self.bare_text = self.bare_text or (not self._open and bool(text.strip()))


def _is_html(assertion: Assertion, answer: Answer) -> Finding:
    if answer.output.lstrip()[:5].lower() == "<?xml":
        return Finding(False, 0.0, "Is XML rather than HTML.")
    outline = _Outline(answer.output)
    if outline.bare_text:
        return Finding(False, 0.0, "Has text outside of HTML elements.")
    return fact(outline.known, "Is HTML.", "Has no HTML element.")


# Signs of HTML, with what each is worth; two points are enough, as in promptfoo.
_USUAL_TAG = re.compile(
    r"<(?:html|head|body|div|span|p|a|img|h[1-6]|[uo]l|li|table|t[rdh]|form|input|button|script|style|link|meta|"
    r"[bh]r)\b",
    re.IGNORECASE,
)
_OTHER_SIGNS = (
    (re.compile(r"&(?:[a-z]+|#\d+|#x[\da-f]+);", re.IGNORECASE), 1),
    (re.compile(r"<!doctype\s+html", re.IGNORECASE), 2),
    (re.compile(r"\s[a-zA-Z-]+=\s*[\"'][^\"']*[\"']"), 1),
    (_USUAL_TAG, 2),
)
_TAG_BEGINS = re.compile(r"<(/?)[a-zA-Z][a-zA-Z0-9-]*(?=[\s/>])")
_ENDS = re.compile(r"\s*>")
ENOUGH_SIGNS = 2


def signs_of_html(text: str) -> int:
    """How many points the signs of HTML in ``text`` come to. One walk over the text for each sign."""
    opens, closes, empty = _tags_in(text)
    points = opens + closes + empty + (1 if 0 <= text.find("<!--") < text.rfind("-->") else 0)
    return points + sum(worth for sign, worth in _OTHER_SIGNS if sign.search(text))


def _tags_in(text: str) -> tuple[bool, bool, bool]:
    """Whether there is a beginning tag, an end tag, and one that is both."""
    opens = closes = empty = False
    end = -1  # the next ">", looked for only once
    for tag in _TAG_BEGINS.finditer(text):
        if end < tag.end() and (end := text.find(">", tag.end())) < 0:
            break
        if tag[1]:
            closes = closes or bool(_ENDS.match(text, tag.end()))
        else:
            opens = opens or text[tag.end()] != "/"
            empty = empty or text[end - 1] == "/"
        if opens and closes and empty:
            break
    return opens, closes, empty


def _contains_html(assertion: Assertion, answer: Answer) -> Finding:
    return fact(signs_of_html(answer.output) >= ENOUGH_SIGNS, "Contains HTML.", "Contains no HTML.")


KINDS = (
    AssertionKind(
        "is-xml", "markup", "The whole output is well-formed XML, with these elements if any are named.",
        "lines", _is_xml, _xml_problem, ["order", "order.item"], optional=True,
        passes=Answer("<order><item>Tea</item></order>"), fails=Answer("<order>Tea</order>"),
    ),
    AssertionKind(
        "is-html", "markup", "The whole output is HTML, with no text outside its elements.", "none", _is_html,
        passes=Answer("<p>Your order has shipped.</p>"), fails=Answer("Your order has shipped."),
    ),
    AssertionKind(
        "contains-xml", "markup",
        "The output contains well-formed XML, with these elements if any are named.",
        "lines", _contains_xml, _xml_problem, ["order", "order.item"], optional=True,
        passes=Answer("Here you are: <order><item>Tea</item></order>"), fails=Answer("One tea: <order>"),
    ),
    AssertionKind(
        "contains-html", "markup", "The output contains HTML: at least two signs of it.", "none",
        _contains_html,
        passes=Answer("Write <b>bold</b> like this."), fails=Answer("If a < b, then c > d."),
    ),
)  # fmt: skip
